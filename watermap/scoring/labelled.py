"""Labelled scenes and patches, predicted: the pieces that are scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.bands import TRUE_COLOR
from watermap.calibration import Calibration, calibrated
from watermap.codes import NO_DATA, WATER
from watermap.engines.symmetries import mean_over_symmetries
from watermap.indices import WATER_INDICES
from watermap.labels import open_label
from watermap.patch_store import PatchStore
from watermap.predictor import Predictor
from watermap.radiometry import FloatArray, Statistics, fill_invalid, to_reflectance
from watermap.raster import Radiometry, open_raster
from watermap.scenes import Scene, missing_label
from watermap.scoring.pieces import Piece

if TYPE_CHECKING:
    import keras

    from watermap.patch_index import PatchRecord

_PATCH_BATCH: Final = 16
_SHOWN_BANDS: Final = tuple(dict.fromkeys([*TRUE_COLOR, *(b for i in WATER_INDICES for b in (i.bright, i.dark))]))
"""Bands that pictures, baselines and conditions need, whatever the model uses."""


@dataclass(frozen=True)
class Feeding:
    """How a model is fed, and what its answers mean.

    Attributes:
        model: the network.
        statistics: of its training pixels, which fill gaps.
        calibration: of its probabilities, if any.
        symmetries: whether to average over the eight symmetries of a patch.
    """

    model: keras.Model
    statistics: Statistics
    calibration: Calibration | None = None
    symmetries: bool = False

    def probability(self, patches: FloatArray) -> FloatArray:
        """(n, rows, cols) of water, of patches (n, rows, cols, bands) without gaps."""
        windows = np.moveaxis(patches, -1, 1)
        found = mean_over_symmetries(self._computed, windows) if self.symmetries else self._computed(windows)
        return calibrated(self.calibration, found)

    def _computed(self, windows: FloatArray) -> FloatArray:
        water: FloatArray = np.asarray(self.model.predict_on_batch(np.moveaxis(windows, 1, -1)))[..., WATER]
        return water


def patch_pieces(feeding: Feeding, store: PatchStore, split: str) -> Iterator[tuple[PatchRecord, Piece]]:
    """(where it comes from, piece) of every patch of a split, in order."""
    records = store.records(split)
    for start in range(0, len(records), _PATCH_BATCH):
        batch = records[start : start + _PATCH_BATCH]
        patches = store.read(split, list(range(start, start + len(batch))))
        images = fill_invalid(patches.image, patches.valid, feeding.statistics)
        padded = np.concatenate([images, np.repeat(images[-1:], _PATCH_BATCH - len(images), axis=0)])
        probabilities = feeding.probability(padded)
        for record, image, label, probability in zip(batch, patches.image, patches.label, probabilities, strict=False):
            yield record, Piece(label, probability, _reflectance(image, store.bands, store.radiometry))


def scene_pieces(scene: Scene, predictor: Predictor, names: Sequence[str] | None) -> Iterator[tuple[Piece, int]]:
    """(piece, its first row) of a scene from top to bottom, full width."""
    if scene.label is None:
        raise missing_label(scene)
    with (
        open_raster(scene.image, names=names) as raster,
        open_label(scene.label, raster.grid, image_path=scene.image) as labels,
    ):
        radiometry = predictor.radiometry(raster)
        shown = [band for band in _SHOWN_BANDS if band in raster.bands] or list(predictor.bundle.contract.bands[:1])
        positions = raster.find(shown)
        for strip in predictor.strips(raster, radiometry):
            window = Window(0, strip.row, raster.grid.width, len(strip.valid))
            values = np.moveaxis(raster.read(positions, window).values, 0, -1)
            label = np.where(strip.valid, labels.read(window), NO_DATA).astype(np.uint8)
            yield Piece(label, strip.probability, _reflectance(values, shown, radiometry)), strip.row


def _reflectance(values: npt.NDArray[Any], bands: Sequence[str], radiometry: Radiometry) -> Mapping[str, FloatArray]:
    """Reflectance (rows, cols) by band of values (rows, cols, bands)."""
    return {band: to_reflectance(values[..., i], radiometry) for i, band in enumerate(bands)}
