"""How good a bundle is: scores over all pixels and by scene, beside baselines that need no training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.bands import TRUE_COLOR
from watermap.bundle import Bundle
from watermap.cog import NO_DATA, WATER
from watermap.config import PredictConfig
from watermap.engines.symmetries import mean_over_symmetries
from watermap.errors import DataError, UsageError, WatermapError
from watermap.files import file_digest
from watermap.indices import WATER_INDICES
from watermap.labels import open_label
from watermap.patch_store import MANIFEST_FILE, PatchStore
from watermap.prediction import Predictor
from watermap.progress import Progress, silent
from watermap.radiometry import FloatArray, Statistics, fill_invalid, to_reflectance
from watermap.raster import Radiometry, open_raster
from watermap.report import Panel
from watermap.scenes import Scene, find_scenes, missing_label
from watermap.scoring.tally import Piece, Tally

if TYPE_CHECKING:
    import keras

_PANEL_PIXELS: Final = 600
_PATCH_BATCH: Final = 16
_SHOWN_BANDS: Final = tuple(dict.fromkeys([*TRUE_COLOR, *(b for i in WATER_INDICES for b in (i.bright, i.dark))]))
"""Bands that pictures and baselines need, whatever the model uses."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of a bundle.

    Attributes:
        pooled: over all pixels of all scenes.
        scenes: by scene name.
        panels: for pictures.
        notes: what the user should know.
        failures: scenes that could not be scored, with the reason.
    """

    pooled: Tally
    scenes: dict[str, Tally] = field(default_factory=dict)
    panels: list[Panel] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[tuple[str, WatermapError]] = field(default_factory=list)

    def take(self, name: str, tally: Tally) -> None:
        """Take in a scene whose pieces are all scored."""
        tally.finish()
        self.scenes[name] = tally
        self.pooled.merge(tally)

    def as_dict(self) -> dict[str, Any]:
        """All scores, ready for JSON."""
        return {
            "pooled": self.pooled.as_dict(),
            "scenes": [
                {"name": name, **tally.as_dict(), "baselines": tally.baselines_as_dict()}
                for name, tally in self.scenes.items()
            ],
            "baselines": self.pooled.baselines_as_dict(),
            "threshold": self.pooled.threshold,
            "notes": self.notes,
            "failures": [{"name": name, "reason": str(error)} for name, error in self.failures],
        }


def evaluate(
    bundle: Bundle,
    data: Path,
    config: PredictConfig,
    *,
    split: str = "test",
    pictures: int = 4,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Score a bundle on labelled scenes or on patches.

    Args:
        bundle: the trained bundle.
        data: a scenes folder, or a patches folder, wherever it lies.
        config: windows, threshold and radiometry of prediction.
        split: which patches of a patches folder.
        pictures: how many scenes get a panel.
        names: the names of the bands of scenes that do not describe them.
        progress: told as work goes on.

    Raises:
        DataError: nothing could be scored.
        StorageError: the data lie elsewhere and cannot be reached.
        UsageError: the patches are not what the bundle takes.
    """
    if (data / MANIFEST_FILE).is_file():
        result = _evaluate_patches(bundle, PatchStore.open(data), config, split, pictures, progress)
    else:
        result = _evaluate_scenes(bundle, data, config, pictures, names, progress)
    if len(result.pooled.baselines_as_dict()) < 2 * len(WATER_INDICES):
        needed = " and ".join(f"{index.name} ({index.bright}, {index.dark})" for index in WATER_INDICES)
        result.notes.append(f"{data}: not every baseline is shown, the bands of {needed} are not in every scene")
    return result


def score_split(
    model: keras.Model, store: PatchStore, split: str, *, statistics: Statistics, threshold: float
) -> dict[str, float | int | None]:
    """Scores of a model over all pixels of one split's patches, by name."""
    pooled = Tally(threshold)
    for _, piece in _patch_pieces(model, store, split, statistics):
        pooled.add(piece)
    return pooled.as_dict()


def _evaluate_scenes(
    bundle: Bundle,
    folder: Path,
    config: PredictConfig,
    pictures: int,
    names: Sequence[str] | None,
    progress: Progress,
) -> Evaluation:
    predictor = Predictor(bundle, config)
    trained_on = set(bundle.contract.trained_on["scenes"].values())
    result = Evaluation(Tally(predictor.threshold))
    scenes = find_scenes(folder)
    for done, scene in enumerate(scenes):
        tally = Tally(predictor.threshold)
        rows: list[Panel] = []
        try:
            for piece, row in _scene_pieces(scene, predictor, names):
                tally.add(piece)
                if len(result.panels) < pictures:
                    rows.append(_panel(scene.name, piece, row, max(1, math.ceil(piece.label.shape[1] / _PANEL_PIXELS))))
            if file_digest(scene.image) in trained_on:
                result.notes.append(f"{scene.name}: the bundle was trained on this scene, its score flatters")
        except WatermapError as error:
            result.failures.append((scene.name, error))
            continue
        if rows:
            result.panels.append(Panel.stacked(rows))
        result.take(scene.name, tally)
        progress("evaluate: scenes", done + 1, len(scenes))
    if not result.scenes:
        raise result.failures[0][1]
    return result


def _evaluate_patches(
    bundle: Bundle, store: PatchStore, config: PredictConfig, split: str, pictures: int, progress: Progress
) -> Evaluation:
    contract = bundle.contract
    if config.offset is not None or config.scale is not None:
        raise UsageError(
            f"{store.folder}: patches state their own offset and scale", hint="leave --offset and --scale out"
        )
    if (store.bands, store.radiometry) != (contract.bands, contract.radiometry):
        raise UsageError(
            f"{store.folder}: bands {', '.join(store.bands)}, scale {store.radiometry.scale:g}, offset "
            f"{store.radiometry.offset:g} are not the bundle's {', '.join(contract.bands)}, {contract.scale:g}, "
            f"{contract.offset:g}",
            hint="tile the scenes with the bundle's bands, scale and offset",
        )
    if not store.count(split):
        raise DataError(f"{store.folder}: its {split} split holds no patches", hint="choose another --split")
    threshold = contract.threshold if config.threshold is None else config.threshold
    result = Evaluation(Tally(threshold))
    if _flatters(bundle, store, split):
        result.notes.append(f"{store.folder}: the bundle was trained on some of these scenes, the scores flatter")
    model = bundle.load_model((store.patch_size,) * 2)
    tallies: dict[str, Tally] = {}
    pieces = _patch_pieces(model, store, split, contract.statistics, symmetries=config.symmetries)
    for done, (scene, piece) in enumerate(pieces):
        if scene not in tallies:
            tallies[scene] = Tally(threshold)
            if len(result.panels) < pictures:
                result.panels.append(_panel(scene, piece))
        tallies[scene].add(piece)
        progress("evaluate: patches", done + 1, store.count(split))
    for scene, tally in sorted(tallies.items()):
        result.take(scene, tally)
    return result


def _flatters(bundle: Bundle, store: PatchStore, split: str) -> bool:
    """Whether a score on these patches says less than it seems: the model has seen some of them."""
    trained_on = bundle.contract.trained_on
    if store.digest == trained_on["patches"]:
        return split != "test"
    return bool(set(trained_on["scenes"].values()) & set(store.image_digests(split).values()))


def _patch_pieces(
    model: keras.Model, store: PatchStore, split: str, statistics: Statistics, *, symmetries: bool = False
) -> Iterator[tuple[str, Piece]]:
    """(scene, piece) of every patch of a split, in order."""

    def compute(windows: FloatArray) -> FloatArray:
        water: FloatArray = np.asarray(model.predict_on_batch(np.moveaxis(windows, 1, -1)))[..., WATER]
        return water

    records = store.records(split)
    for start in range(0, len(records), _PATCH_BATCH):
        batch = records[start : start + _PATCH_BATCH]
        patches = store.read(split, list(range(start, start + len(batch))))
        images = fill_invalid(patches.image, patches.valid, statistics)
        padded = np.concatenate([images, np.repeat(images[-1:], _PATCH_BATCH - len(images), axis=0)])
        windows = np.moveaxis(padded, -1, 1)
        probabilities = mean_over_symmetries(compute, windows) if symmetries else compute(windows)
        for record, image, label, probability in zip(batch, patches.image, patches.label, probabilities, strict=False):
            yield record.scene, Piece(label, probability, _reflectance(image, store.bands, store.radiometry))


def _scene_pieces(scene: Scene, predictor: Predictor, names: Sequence[str] | None) -> Iterator[tuple[Piece, int]]:
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


def _panel(name: str, piece: Piece, row: int = 0, step: int = 1) -> Panel:
    """A piece thinned out for a picture: every `step`-th row and column of the scene."""
    some = (slice(-row % step, None, step), slice(None, None, step))
    first = next(iter(piece.reflectance.values()))
    rgb = np.stack([piece.reflectance.get(band, first)[some] for band in TRUE_COLOR], axis=-1)
    return Panel(name, rgb, piece.label[some].copy(), piece.probability[some].copy())
