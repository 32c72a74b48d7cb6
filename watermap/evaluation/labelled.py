"""Labelled scenes and patches, predicted: the pieces that are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.arrays import FloatArray
from watermap.bands import TRUE_COLOR, Radiometry
from watermap.bundles.calibration import Calibration, calibrated
from watermap.evaluation.blocks import ScoredBlock
from watermap.io.products import find_scene
from watermap.io.raster import open_raster
from watermap.legend import NO_DATA, WATER
from watermap.patches.store import PatchStore
from watermap.prediction.engines.engine import Engine
from watermap.prediction.predictor import Predictor
from watermap.scenes.filling import Filling, fill_in
from watermap.scenes.folder import Scene, missing_label
from watermap.scenes.indices import WATER_INDICES
from watermap.scenes.label import open_label
from watermap.scenes.radiometry import to_reflectance

if TYPE_CHECKING:
    import keras

    from watermap.patches.index import PatchRecord

PATCH_BATCH: Final = 16
"""Patches that a model is given at once."""
_SHOWN_BANDS: Final = tuple(dict.fromkeys([*TRUE_COLOR, *(band for index in WATER_INDICES for band in index.bands)]))
"""Bands that pictures, baselines and conditions need, whatever the model uses."""


@dataclass(frozen=True)
class Feeding:
    """How a model is fed with patches, and what its answers mean.

    Attributes:
        answers: gives P(water) (n, rows, cols) of patches (n, rows, cols, bands) without gaps.
        filling: what it is given in place of what is not there.
    """

    answers: Callable[[FloatArray], FloatArray]
    filling: Filling

    @classmethod
    def of_model(cls, model: keras.Model, filling: Filling, calibration: Calibration | None = None) -> Self:
        """Of a network, whose probabilities may have to be calibrated."""

        def answers(patches: FloatArray) -> FloatArray:
            water: FloatArray = np.asarray(model.predict_on_batch(patches))[..., WATER]
            return calibrated(calibration, water)

        return cls(answers, filling)

    @classmethod
    def of_engine(cls, engine: Engine, filling: Filling, calibration: Calibration | None = None) -> Self:
        """Of an engine, of several bundles perhaps, whose probabilities may have to be calibrated."""

        def answers(patches: FloatArray) -> FloatArray:
            return calibrated(calibration, engine.compute(np.ascontiguousarray(np.moveaxis(patches, -1, 1))))

        return cls(answers, filling)


def patch_pieces(feeding: Feeding, store: PatchStore, split: str) -> Iterator[tuple[PatchRecord, ScoredBlock]]:
    """(where it comes from, piece) of every patch of a split, in order."""
    records = store.records(split)
    for start in range(0, len(records), PATCH_BATCH):
        batch = records[start : start + PATCH_BATCH]
        patches = store.read(split, list(range(start, start + len(batch))))
        images = fill_in(patches.image, patches.valid, patches.present, feeding.filling)
        padded = np.concatenate([images, np.repeat(images[-1:], PATCH_BATCH - len(images), axis=0)])
        probabilities = feeding.answers(padded)
        found = zip(batch, patches.image, patches.label, patches.present, probabilities, strict=False)
        for record, image, label, present, probability in found:
            bands = [band for band, is_there in zip(store.bands, present, strict=True) if is_there]
            yield record, ScoredBlock(label, probability, _reflectance(image[..., present], bands, store.radiometry))


def scene_pieces(scene: Scene, predictor: Predictor, names: Sequence[str] | None) -> Iterator[tuple[ScoredBlock, int]]:
    """(piece, its first row) of a scene from top to bottom, full width."""
    if scene.label is None:
        raise missing_label(scene)
    with (
        open_raster(find_scene(scene.image, sensor=predictor.config.stated_sensor), names=names) as raster,
        open_label(scene.label, raster.grid, image_path=scene.image) as labels,
    ):
        radiometry = predictor.radiometry(raster)
        shown = [band for band in _SHOWN_BANDS if band in raster.bands] or list(predictor.bundle.contract.bands[:1])
        positions = raster.find(shown)
        for strip in predictor.strips(raster, radiometry):
            window = Window(0, strip.row, raster.grid.width, len(strip.valid))
            values = np.moveaxis(raster.read(positions, window).values, 0, -1)
            label = np.where(strip.valid, labels.read(window), NO_DATA).astype(np.uint8)
            yield ScoredBlock(label, strip.probability, _reflectance(values, shown, radiometry)), strip.row


def _reflectance(values: npt.NDArray[Any], bands: Sequence[str], radiometry: Radiometry) -> Mapping[str, FloatArray]:
    """Reflectance (rows, cols) by band of values (rows, cols, bands)."""
    return {band: to_reflectance(values[..., i], radiometry) for i, band in enumerate(bands)}
