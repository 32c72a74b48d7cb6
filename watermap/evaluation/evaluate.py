"""How good a bundle is: scores over all pixels and by scene, beside baselines that need no training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from watermap.bands import TRUE_COLOR
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import DataError, UsageError, WatermapError
from watermap.evaluation.blocks import ScoredBlock, in_context
from watermap.evaluation.conditions import CONTEXT_PX
from watermap.evaluation.labelled import PATCH_BATCH, Feeding, patch_pieces, scene_pieces
from watermap.evaluation.leaks import check_patches, check_scenes
from watermap.evaluation.panels import ScenePicture
from watermap.evaluation.pooled import PooledScores
from watermap.evaluation.tally import Tally
from watermap.geo.crs import connected, locate
from watermap.geo.grid import Grid
from watermap.io.raster import open_raster
from watermap.patches.store import MANIFEST_FILE, PatchStore, opened
from watermap.prediction.predictor import Predictor
from watermap.progress import Progress, silent
from watermap.scenes.folder import find_scenes
from watermap.scenes.indices import WATER_INDICES
from watermap.scenes.stac import UNSTATED, label_kind

_PANEL_PIXELS: Final = 600
_SAME_PIXEL: Final = 0.01
"""Of a pixel: the float digits of another grid."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of a bundle, or of the mean of several.

    Attributes:
        bundles: their ids.
        threshold: probability from which a pixel is water.
        pooled_scores: by kind of label; scores against two kinds are never mixed.
        scenes: by scene name, its kind of label and its scores.
        panels: for pictures.
        notes: what the user should know.
        failures: scenes that could not be scored, with the reason.
    """

    bundles: tuple[str, ...]
    threshold: float
    pooled_scores: dict[str, PooledScores] = field(default_factory=dict)
    scenes: dict[str, tuple[str, Tally]] = field(default_factory=dict)
    panels: list[ScenePicture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[tuple[str, WatermapError]] = field(default_factory=list)

    def take(self, name: str, kind: str, scored: PooledScores) -> None:
        """Take in a scene whose pieces are all scored, and whose label is of a kind."""
        scored.tally.finish()
        self.scenes[name] = kind, scored.tally
        self.pooled_scores.setdefault(kind, PooledScores(Tally(self.threshold))).merge(scored)

    @property
    def pooled(self) -> Tally:
        """Over all pixels, whatever their labels are: for a comparison of two bundles on the same ground."""
        whole = Tally(self.threshold)
        for kind_scores in self.pooled_scores.values():
            whole.merge(kind_scores.tally)
        return whole

    def as_dict(self) -> dict[str, Any]:
        """All scores, ready for JSON."""
        return {
            "labels": {kind: kind_scores.as_dict() for kind, kind_scores in sorted(self.pooled_scores.items())},
            "scenes": [
                {"name": name, "label": kind, **tally.as_dict(), "baselines": tally.baselines_as_dict()}
                for name, (kind, tally) in self.scenes.items()
            ],
            "bundles": list(self.bundles),
            "threshold": self.threshold,
            "notes": self.notes,
            "failures": [{"name": name, "reason": str(error)} for name, error in self.failures],
        }


def evaluate(
    bundle: Bundle,
    data: PatchStore | Path,
    config: PredictConfig,
    *,
    others: Sequence[Bundle] = (),
    split: str = "test",
    pictures: int = 4,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Score a bundle, or several together, on labelled scenes or on patches that they have not seen.

    Args:
        bundle: the trained bundle.
        data: a scenes folder, or a patches folder, wherever it lies, or the store in that, opened.
        config: windows, threshold and radiometry of prediction.
        others: bundles of the same bands and units; the mean of what all say is scored.
        split: which patches of a patches folder; of its own training and validation patches the scores are given,
            with a note, since nobody who asks for them takes them for a test.
        pictures: how many scenes get a panel.
        names: the names of the bands of scenes that do not describe them.
        progress: told as work goes on.

    Raises:
        DataError: nothing could be scored, or a bundle has seen this ground or these pixels.
        StorageError: the data lie elsewhere and cannot be reached.
        UsageError: the patches are not what the bundles take, or they do not fit each other.
    """
    if isinstance(data, PatchStore) or (data / MANIFEST_FILE).is_file():
        store = opened(data)
        folder, patch_config = store.folder, _patch_settings(store, config, (bundle, *others))
        result = _evaluate_patches(Predictor(bundle, patch_config, others), store, split, pictures, progress)
    else:
        folder = data
        result = _evaluate_scenes(Predictor(bundle, config, others), folder, pictures, names, progress)
    if not any(kind_scores.known_grounds for kind_scores in result.pooled_scores.values()):
        if result.failures:
            raise result.failures[0][1]
        raise DataError(
            f"{folder}: no pixel has a label, all are 255 (unknown) or lie where the image holds no data",
            hint="give labels that hold 0 land and 1 water",
        )
    if any(
        len(kind_scores.tally.baselines_as_dict()) < 2 * len(WATER_INDICES)
        for kind_scores in result.pooled_scores.values()
    ):
        needed = " and ".join(f"{index.name} ({', '.join(index.bands)})" for index in WATER_INDICES)
        result.notes.append(f"{folder}: not every baseline is shown, the bands of {needed} are not in every scene")
    return result


def _evaluate_scenes(
    predictor: Predictor, folder: Path, pictures: int, names: Sequence[str] | None, progress: Progress
) -> Evaluation:
    result = _nothing_yet(predictor)
    scenes = find_scenes(folder)
    result.notes.extend(check_scenes(predictor, scenes, names, progress))
    places = _places({scene.name: scene.image for scene in scenes})
    for done, scene in enumerate(scenes):
        scored = PooledScores(Tally(predictor.threshold))
        panels: list[ScenePicture] | None = [] if len(result.panels) < pictures else None
        try:
            kind = label_kind(scene)
            blocks = _shown(scene.name, scene_pieces(scene, predictor, names), panels)
            place = places.get(scene.name, _PictureSize(scene.name, 0, 0))
            row = place.row
            for block, inner in in_context(blocks, CONTEXT_PX):
                scored.add(place.ground, block, inner, row=row, col=place.col)
                row += inner.stop - inner.start
        except WatermapError as error:
            result.failures.append((scene.name, error))
            continue
        if panels:
            result.panels.append(ScenePicture.stacked(panels))
        result.take(scene.name, kind, scored)
        progress("evaluate: scenes", done + 1, len(scenes))
    return result


def _nothing_yet(predictor: Predictor) -> Evaluation:
    return Evaluation(tuple(bundle.id for bundle in predictor.bundles), predictor.threshold)


@dataclass(frozen=True)
class _PictureSize:
    """Where a scene lies.

    Attributes:
        ground: the first scene, by name, of those that share ground with it.
        row, col: of its first pixel on the grid of that scene; it may lie beyond it.
    """

    ground: str
    row: int
    col: int


def _places(images: dict[str, Path]) -> dict[str, _PictureSize]:
    """Where each scene lies; those that cannot be read are left out."""
    grids = {}
    for name, image in images.items():
        try:
            with open_raster(image) as raster:
                grids[name] = raster.grid
        except WatermapError:  # told when the scene is scored
            continue
    if not grids:
        return {}
    return {
        name: _PictureSize(first, *_first_pixel(grids[name], grids[first]))
        for first, *others in connected(grids)
        for name in (first, *others)
    }


def _first_pixel(grid: Grid, first: Grid) -> tuple[int, int]:
    """Row and column on another grid at which one begins, whichever way its rows and columns run."""
    corners = locate(np.array([(0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height)]), grid, first)
    if not np.isfinite(corners).all():
        return 0, 0
    col, row = np.floor(corners.min(axis=0) + _SAME_PIXEL).astype(int).tolist()
    return row, col


def _patch_settings(store: PatchStore, config: PredictConfig, bundles: Sequence[Bundle]) -> PredictConfig:
    """Settings for patches, which are scored as in training: by the models themselves, in float32.

    What was imported never was in Keras; beside it the others run as what they are converted to.
    """
    if config.offset is not None or config.scale is not None:
        raise UsageError(
            f"{store.folder}: patches state their own offset and scale", hint="leave --offset and --scale out"
        )
    has_imported = any(bundle.contract.imported_from is not None for bundle in bundles)
    engine = {"engine": "openvino"} if has_imported else {"engine": "keras", "batch_size": PATCH_BATCH}
    as_trained = {**engine, "precision": "float32", "uncertainty": False}
    return config.model_copy(update=as_trained)


def _evaluate_patches(
    predictor: Predictor, store: PatchStore, split: str, pictures: int, progress: Progress
) -> Evaluation:
    contract = predictor.bundle.contract
    contract.check_patches(store.folder, store.bands, store.radiometry)
    for bundle in predictor.bundles:
        bundle.contract.check_patch_size(store.folder, store.patch_size)
    if not store.count(split):
        raise DataError(f"{store.folder}: its {split} split holds no patches", hint="choose another --split")
    result = _nothing_yet(predictor)
    for bundle in predictor.bundles:
        result.notes.extend(check_patches(bundle, store, split))
    feeding = Feeding.of_engine(predictor.engine, contract.filling)
    scenes: dict[str, PooledScores] = {}
    for done, (record, block) in enumerate(patch_pieces(feeding, store, split)):
        if record.scene not in scenes:
            scenes[record.scene] = PooledScores(Tally(result.threshold))
            if len(result.panels) < pictures:
                result.panels.append(_scene_picture(record.scene, block))
        scenes[record.scene].add(record.block, block, row=record.row, col=record.col)
        progress("evaluate: patches", done + 1, store.count(split))
    for scene, scored in sorted(scenes.items()):
        result.take(scene, store.manifest.label_kinds.get(scene, UNSTATED), scored)
    return result


def _shown(
    name: str, blocks: Iterable[tuple[ScoredBlock, int]], panels: list[ScenePicture] | None
) -> Iterator[ScoredBlock]:
    """The pieces of a scene, whose pictures are gathered on the way."""
    for block, row in blocks:
        if panels is not None:
            panels.append(_scene_picture(name, block, row, max(1, math.ceil(block.label.shape[1] / _PANEL_PIXELS))))
        yield block


def _scene_picture(name: str, block: ScoredBlock, row: int = 0, step: int = 1) -> ScenePicture:
    """A piece thinned out for a picture: every `step`-th row and column of the scene."""
    some = (slice(-row % step, None, step), slice(None, None, step))
    first = next(iter(block.reflectance.values()))
    rgb = np.stack([block.reflectance.get(band, first)[some] for band in TRUE_COLOR], axis=-1)
    return ScenePicture(name, rgb, block.label[some].copy(), block.probability[some].copy())
