"""Water in arrays that dask holds: nothing is read before the result is computed, chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask import array as da
from dask.array.overlap import overlap, trim_internal
from dask.delayed import delayed

from watermap.arrays import Array, Codes, FloatArray, Mask
from watermap.bands import Radiometry
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import DataError
from watermap.io.array import ARRAY_NAME
from watermap.prediction.array import codes_of, probability_of, warn_of
from watermap.prediction.open import open_predictor
from watermap.prediction.predictor import Predictor
from watermap.prediction.xarray import Layers, Meaning, is_lazy, raster_of
from watermap.scenes.radiometry import sampled


@dataclass(frozen=True)
class _Model:
    """What a worker opens once: of a model itself nothing is sent to it.

    Attributes:
        bundles: whose mean is mapped.
        config: settings.
    """

    bundles: tuple[Bundle, ...]
    config: PredictConfig

    @property
    def predictor(self) -> Predictor:
        return open_predictor(self.bundles, self.config)


def predict_lazily(layers: Layers, mask: Any, predictor: Predictor) -> Any:
    """The probability of water of an image that dask holds.

    Chunks are read with as much of their neighbours as the model sees, so that the map has no seams. Their sides are
    made multiples of the model's stride, and no shorter than that.

    Args:
        layers: the image.
        mask: (rows, cols), False where there is no data, of numpy or dask; or None.
        predictor: the model.

    Returns:
        A dask array (rows, cols) float32, NaN where there is no data. What is wrong with the image's numbers is raised
        when it is computed.

    Raises:
        DataError: a band is missing, or the image cannot be used.
        UsageError: the windows asked for are too small for how far the model sees.
    """
    values = layers.values
    shape = values.shape[1:]
    pixel = np.zeros((len(values), 1, 1), values.dtype)
    predictor.bands_of(raster_of(layers.meaning, pixel, None, predictor))  # what can be told now, is
    if mask is not None and mask.shape != shape:
        raise DataError(
            f"{ARRAY_NAME}: has {shape} rows and columns, but {mask.shape} were said to be valid",
            hint="give valid as (rows, cols)",
        )
    unit, halo = predictor.halo(shape)
    rows, cols = (chunks_near(chunks, unit, max(unit, halo)) for chunks in values.chunks[1:])
    around = {1: halo, 2: halo}
    pieces = [overlap(values.rechunk({0: -1, 1: rows, 2: cols}), depth=around, boundary="none")]
    sample = [_sample(values)]
    if mask is not None:
        masks = (mask if is_lazy(mask) else da.from_array(np.asarray(mask), chunks=(rows, cols)))[None]
        pieces.append(overlap(masks.rechunk({0: -1, 1: rows, 2: cols}), depth=around, boundary="none"))
        sample.append(_sample(masks))
    model = _Model(predictor.bundles, predictor.config)
    told = delayed(_checked, pure=False)(layers.meaning, model, *sample)
    found = da.map_blocks(
        _predicted,
        *pieces,
        drop_axis=0,
        dtype=np.float32,
        meta=np.empty((0, 0), np.float32),
        meaning=layers.meaning,
        model=model,
        radiometry=told,
    )
    return trim_internal(found, {0: halo, 1: halo}, boundary="none")


def codes_lazily(probability: Any, predictor: Predictor) -> Any:
    """The codes of probabilities that dask holds."""
    model = _Model(predictor.bundles, predictor.config)
    return probability.map_blocks(_codes, model=model, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))


def chunks_near(chunks: Sequence[int], unit: int, least: int) -> tuple[int, ...]:
    """Chunks of an axis, as near as may be to given ones, that end at multiples of a unit.

    Args:
        chunks: the sizes given.
        unit: of which the ends are multiples, but for the last.
        least: pixels of a chunk, unless it is the only one.
    """
    length = sum(chunks)
    ends = [0]
    for end in sorted({round(end / unit) * unit for end in np.cumsum(chunks)[:-1].tolist()}):
        if end - ends[-1] >= least and length - end >= least:
            ends.append(end)
    return tuple(np.diff([*ends, length]).tolist())


def _sample(values: Any) -> Any:
    """Those rows and columns of an image that its numbers are judged by."""
    rows, cols = (sampled(length) for length in values.shape[1:])
    return values[:, rows][:, :, cols]


def _checked(meaning: Meaning, model: _Model, values: Array, mask: Mask | None = None) -> Radiometry | None:
    """What an image's numbers mean, by a sample of it; None where that holds no data, then each chunk has to tell."""
    predictor = model.predictor
    raster = raster_of(meaning, values, None if mask is None else mask[0], predictor)
    if not raster.read(raster.find(predictor.bands_of(raster))).valid.any():
        return None
    radiometry = predictor.radiometry(raster)
    warn_of(raster)
    return radiometry


def _predicted(
    values: Array, mask: Mask | None = None, *, meaning: Meaning, model: _Model, radiometry: Radiometry | None
) -> FloatArray:
    """The probability of one chunk and what lies around it."""
    radiometry = radiometry or _checked(meaning, model, values, mask)
    if radiometry is None:
        return np.full(values.shape[1:], np.nan, dtype=np.float32)
    raster = raster_of(meaning, values, None if mask is None else mask[0], model.predictor)
    return probability_of(raster, model.predictor, radiometry)


def _codes(probability: FloatArray, *, model: _Model) -> Codes:
    return codes_of(probability, model.predictor)
