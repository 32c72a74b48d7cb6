"""Cross-validation by place: each scene is mapped by a model that was trained on those of other places."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import Recipe, RecipeScene
from watermap.errors import UsageError
from watermap.io.files import write_text
from watermap.io.gdal import open_dataset
from watermap.legend import LAND, NO_DATA, WATER
from watermap.prediction.array import predict_array
from watermap.progress import Progress, silent
from watermap.scenes.edges import values_beside_edges
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.folder import LABEL_FILE
from watermap.scenes.indices import AWEI_NSH, AWEI_SH, MNDWI, NDWI, WaterIndex
from watermap.scenes.prepare import NO_VALUE, prepare_scenes
from watermap.scenes.thresholds import index_histogram, otsu_threshold
from watermap.training.from_scenes import train_on_scenes

SCORES_FILE: Final = "folds.json"
ALL_BANDS: Final = "all bands"
BAND_SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "without B12": ("B2", "B3", "B4", "B8", "B11"),
    "without SWIR": ("B2", "B3", "B4", "B8"),
    "B3 and B8 only": ("B3", "B8"),
}
"""What is tried beside all bands, on scenes that have all six."""


@dataclass(frozen=True)
class SceneScores:
    """How well one scene is mapped that was not trained on.

    Attributes:
        name: of the scene.
        fold: whose model maps it.
        water: share of its labelled pixels.
        water_iou: by band set, of the model; None where there is no water at all.
        false_water: by band set, share of its land that is mapped as water.
        rules: water IoU of index rules, by name; None where the scene has not the bands.
        bundle: id of the model.
    """

    name: str
    fold: int
    water: float
    water_iou: Mapping[str, float | None]
    false_water: Mapping[str, float]
    rules: Mapping[str, float | None]
    bundle: str


def cross_validate(
    scenes: Path,
    out: Path,
    recipe: Recipe,
    *,
    folds: Sequence[int] | None = None,
    progress: Progress = silent,
) -> list[SceneScores]:
    """Train a model for each fold on the scenes of the others, and score it on the fold's own.

    What is done is kept: a fold whose bundle is there is not trained again, and one that was interrupted is gone on
    with. Scenes that are only ever tested are mapped by every fold's model; their scores are the mean's.

    Args:
        scenes: holds the recipe's scenes.
        out: a folder for each fold's bundle, and `folds.json` with the scores.
        recipe: scenes, folds and settings.
        folds: which of them; None for all.
        progress: told of every step.

    Raises:
        UsageError: there is no such fold.
        DataError: scenes are missing or damaged.
        ModelError: training diverged.
    """
    chosen = recipe.folds if folds is None else tuple(folds)
    unknown = sorted(set(chosen) - set(recipe.folds))
    if unknown:
        raise UsageError(f"there is no fold {unknown[0]}", hint=f"choose from {', '.join(map(str, recipe.folds))}")
    everything = {**recipe.scenes, **recipe.tests}
    prepare_scenes(scenes, out / ".scenes", everything, least_px=recipe.tile.patch_size, progress=progress)
    scores: list[SceneScores] = []
    for fold in chosen:
        held_out = [name for name, scene in recipe.scenes.items() if scene.fold == fold]
        bundle = train_on_scenes(
            scenes, out / f"fold-{fold}", recipe, recipe.train, without=held_out, progress=progress
        ).bundle
        for name in (*held_out, *recipe.tests):
            if (out / ".scenes" / name).is_dir():
                scores.append(_score(out / ".scenes" / name, bundle, fold))
        _keep(out, scores)
    return [each for found in read_scores(out).values() for each in found]


def _keep(out: Path, scores: Sequence[SceneScores]) -> None:
    """Write scores beside those of other folds, in place of what the same folds had."""
    folds = {each.fold for each in scores}
    others = [each for found in read_scores(out).values() for each in found if each.fold not in folds]
    merged = _by_name(sorted([*others, *scores], key=lambda each: (each.name, each.fold)))
    text = json.dumps({name: [asdict(each) for each in found] for name, found in merged.items()}, indent=1)
    write_text(out / SCORES_FILE, text + "\n")


def read_scores(folder: Path) -> dict[str, list[SceneScores]]:
    """The scores of earlier folds, by scene."""
    path = folder / SCORES_FILE
    if not path.is_file():
        return {}
    kept: Mapping[str, list[Mapping[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    return {name: [SceneScores(**each) for each in found] for name, found in kept.items()}


def table_of(scores: Sequence[SceneScores], scenes: Mapping[str, RecipeScene]) -> list[list[str]]:
    """Rows of a table: scene, what is hard about it, its water, IoU of the model and of the rules."""
    rules = list(dict.fromkeys(rule for each in scores for rule in each.rules))
    rows = []
    for name, found in sorted(_by_name(scores).items()):
        mean = _mean([each.water_iou.get(ALL_BANDS) for each in found])
        shown = [_mean([each.rules.get(rule) for each in found]) for rule in rules]
        shows = scenes[name].shows if name in scenes else ""
        rows.append([name, shows, f"{found[0].water:.1%}", *(_text(value) for value in (mean, *shown))])
    return rows


def _by_name(scores: Sequence[SceneScores]) -> dict[str, list[SceneScores]]:
    found: dict[str, list[SceneScores]] = {}
    for each in scores:
        found.setdefault(each.name, []).append(each)
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _score(folder: Path, bundle: Bundle, fold: int) -> SceneScores:
    """A prepared scene, by a bundle and by rules."""
    with open_dataset(folder / IMAGE_FILE) as dataset:
        values, names = dataset.read(), tuple(map(str, dataset.descriptions))
    with open_dataset(folder / LABEL_FILE) as dataset:
        label = dataset.read(1)
    valid = (values != NO_VALUE).all(axis=0)
    known = valid & (label != NO_DATA)
    sets = {ALL_BANDS: names} | {
        title: bands for title, bands in BAND_SETS.items() if set(names) == set(STANDARD_BANDS)
    }
    iou: dict[str, float | None] = {}
    false_water: dict[str, float] = {}
    for title, bands in sets.items():
        chosen = values[[names.index(band) for band in bands]]
        codes, _ = predict_array(chosen, bands=bands, bundle=bundle, scale=1e-4, offset=0.0, valid=valid)
        iou[title] = _water_iou(codes == WATER, label, known)
        false_water[title] = float((codes == WATER)[known & (label == LAND)].mean())
    reflectance = {band: layer.astype(np.float32) * np.float32(1e-4) for band, layer in zip(names, values, strict=True)}
    water = float((label[known] == WATER).mean())
    return SceneScores(folder.name, fold, water, iou, false_water, _rules(reflectance, label, known), bundle.id)


def _water_iou(water: npt.NDArray[np.bool_], label: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> float | None:
    truth = label == WATER
    either = np.count_nonzero((truth | water) & known)
    return float(np.count_nonzero(truth & water & known) / either) if (truth & known).any() else None


_RULES: Final = (
    *((index, "0") for index in (NDWI, MNDWI, AWEI_SH, AWEI_NSH)),
    *((index, threshold) for index in (NDWI, MNDWI) for threshold in ("Otsu", "edge-Otsu")),
)


def _rules(
    reflectance: Mapping[str, FloatArray], label: npt.NDArray[Any], known: npt.NDArray[np.bool_]
) -> dict[str, float | None]:
    return {f"{index.title} {title}": _rule(index, title, reflectance, label, known) for index, title in _RULES}


def _rule(
    index: WaterIndex,
    threshold: str,
    reflectance: Mapping[str, FloatArray],
    label: npt.NDArray[Any],
    known: npt.NDArray[np.bool_],
) -> float | None:
    if not set(index.bands) <= set(reflectance):
        return None
    values, ends = index(*(reflectance[band] for band in index.bands)), index.value_range
    least = 0.0
    if threshold == "Otsu":
        least = otsu_threshold(index_histogram(values[known], ends), ends)
    elif threshold == "edge-Otsu":
        shown = np.where(known, values, np.float32("nan"))
        beside = np.concatenate([part.ravel() for part in values_beside_edges([shown], ends)] or [values[known][:0]])
        least = otsu_threshold(index_histogram(beside, ends), ends)
    return _water_iou(index.is_water(values, least), label, known)
