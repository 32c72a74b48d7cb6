"""What the label lab is worth: training on coarse labels with each of its methods, scored against exact labels.

`python -m tests.benchmarks.label_lab --work FOLDER`. Sample scenes have an exact label and one as an older 30 m map
would have it. The same network is trained on the exact one, on the coarse one, and on the coarse one with a method of
the lab, with several seeds, and scored on scenes of other places, against their exact labels. Validation during
training looks at the labels that it trains on, as it would have to without better ones.

Stop it, or kill it: labels and models are kept in FOLDER, and the same command goes on where it was. Take another
folder once the lab itself has changed.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio

from tests.benchmarks.options import parser
from tests.benchmarks.result import record, rounded
from watermap.bands import REFLECTANCE_SCALE
from watermap.config import PredictConfig, SampleConfig, ShoreConfig, TrainConfig
from watermap.evaluation.boundaries import BoundaryCounts, boundary_counts
from watermap.evaluation.scores import Confusion
from watermap.io.cog import write_raster
from watermap.io.files import write_text
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.raster import open_raster
from watermap.labels.consensus import LabelSource, make_consensus
from watermap.labels.refine import refine
from watermap.legend import LAND, NO_DATA, WATER
from watermap.models.backend import require_keras
from watermap.scenes.folder import Scene, find_scenes
from watermap.scenes.indices import MNDWI
from watermap.scenes.sample import trial, write_samples
from watermap.scenes.sample.files import COARSE_FILE

TOLERANCE_PX: Final = 1
"""How far from the exact shoreline a mapped one may lie."""
_COARSE_M: Final = 30.0


@dataclass(frozen=True)
class Method:
    """One way to train.

    Attributes:
        name: in the table.
        labels: which, of `LABELS`.
        training: settings that differ from those of all.
    """

    name: str
    labels: str
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Its name for files."""
        return "_".join("".join(c if c.isalnum() else " " for c in self.name).split())


_BOOTSTRAP: Final = {"loss": "bootstrap(beta=0.8)+dice"}
METHODS: Final = (
    Method("exact", "exact"),
    Method("coarse", "coarse"),
    Method("coarse, soft shores", "coarse", {"soft_shores": ShoreConfig(px=3, softness=0.2)}),
    Method("coarse, shores ignored", "coarse", {"ignore_shores_px": 4}),
    Method("coarse, bootstrap", "coarse", _BOOTSTRAP),
    Method("coarse, forward", "coarse", {"loss": "forward"}),
    Method("coarse, shores ignored, bootstrap", "coarse", {"ignore_shores_px": 4} | _BOOTSTRAP),
    Method("refined", "refined"),
    Method("refined, bootstrap", "refined", _BOOTSTRAP),
    Method("consensus", "consensus"),
    Method("consensus, bootstrap", "consensus", _BOOTSTRAP),
)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, repeats=3)
    given.add_argument("--work", type=Path, help="folder of scenes, patches and models, gone on with by the next run")
    given.add_argument("--scenes", type=int, default=trial.SCENES.scenes, help="to train on [default: %(default)s]")
    given.add_argument("--size", type=int, default=trial.SCENES.size, help="of a scene [default: %(default)s]")
    given.add_argument("--epochs", type=int, default=trial.TRAIN.epochs, help="[default: %(default)s]")
    given.add_argument("--preset", choices=("fast", "reference"), default="fast", help="[default: %(default)s]")
    given.add_argument("--patch-size", type=int, default=trial.TILE.patch_size, help="[default: %(default)s]")
    names = ", ".join(method.slug for method in METHODS)
    given.add_argument("--methods", nargs="*", help=f"some of {names} [default: all]")
    options = given.parse_args(arguments)
    require_keras()
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        _measure(options, options.work or Path(folder))


def _measure(options: Any, work: Path) -> None:
    seen = SampleConfig(scenes=options.scenes, size=options.size)
    write_samples(work / "scenes", seen)
    write_samples(work / "unseen", trial.kept_apart(seen, options.scenes))
    chosen = [method for method in METHODS if options.methods is None or method.slug in options.methods]
    quality = {labels: _labelled(work, labels) for labels in dict.fromkeys(method.labels for method in chosen)}
    base = trial.TRAIN.model_copy(update={"epochs": options.epochs, "preset": options.preset})
    found: dict[str, list[dict[str, Any]]] = {method.slug: [] for method in chosen}
    for seed in range(options.repeats):  # so that a run that is cut short compares like with like
        for method in chosen:
            config = TrainConfig(**(base.model_dump() | {"seed": seed} | dict(method.training)))
            found[method.slug].append(_trained(work, method, config, options.patch_size))
            scores = found[method.slug][-1]
            print(f"{method.name}, seed {seed}: IoU {scores['water_iou']}, F1 {scores['boundary_f1']}", flush=True)
    rows = [_row(method, found, quality[method.labels]) for method in chosen]
    rows.append({"name": "MNDWI > 0, no training", **_scores(work, _index_map)})
    what = (
        f"Training on coarse labels: water IoU and boundary F1 ({TOLERANCE_PX} px) against exact labels of places "
        "never seen, mean over seeds; the share of the gap between coarse and exact labels that each method closes; "
        "and how near its training labels are to the exact ones"
    )
    names = ("scenes", "size", "epochs", "preset", "patch_size", "repeats")
    record("label_lab", what, {name: getattr(options, name) for name in names}, rows, folder=options.out)


def _row(
    method: Method, found: Mapping[str, Sequence[Mapping[str, Any]]], quality: Mapping[str, Any]
) -> dict[str, Any]:
    """A method's figures: means over seeds, and each of them."""
    mean = {
        name: {slug: statistics.mean(each[name] for each in scores) for slug, scores in found.items()}
        for name in ("water_iou", "boundary_f1")
    }
    every = [each["water_iou"] for each in found[method.slug]]
    row: dict[str, Any] = {"name": method.name, "water_iou": rounded(mean["water_iou"][method.slug])}
    row["spread"] = rounded(statistics.stdev(every)) if len(every) > 1 else None
    row["boundary_f1"] = rounded(mean["boundary_f1"][method.slug])
    for name in ("water_iou", "boundary_f1"):
        row[f"gap_closed_{name}"] = _share(mean[name], method.slug)
    return row | dict(quality) | {"seeds": every}


def _share(means: Mapping[str, float], slug: str) -> float | None:
    """Of what exact labels gain over coarse ones; None where they gain nothing, or were not trained."""
    if not {"exact", "coarse"} <= set(means) or means["exact"] <= means["coarse"]:
        return None
    return rounded((means[slug] - means["coarse"]) / (means["exact"] - means["coarse"]), 3)


def _trained(work: Path, method: Method, config: TrainConfig, patch_size: int) -> dict[str, Any]:
    """Scores of one training, which is done only if that has not been done."""
    from watermap.patches.tile import tile
    from watermap.prediction.predictor import Predictor
    from watermap.prediction.scene import predict_scene
    from watermap.training.train import train

    patches = work / "patches" / method.labels
    tile(work / "labelled" / method.labels, patches, trial.TILE.model_copy(update={"patch_size": patch_size}))
    name = f"{method.slug}_{config.seed}"
    bundle = train(patches, work / "models" / name, config, overwrite=True).bundle
    kept = work / "scores" / f"{name}.json"
    if kept.is_file():
        known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if known["bundle"] == bundle.id:
            return known
    predictor = Predictor(bundle, PredictConfig(engine="keras", precision="float32", offset=0, scale=REFLECTANCE_SCALE))

    def mapped(scene: Scene) -> npt.NDArray[np.uint8]:
        return _codes(predict_scene(scene.image, predictor, work / "maps" / name).water)

    scores = {"bundle": bundle.id, **_scores(work, mapped), "seconds": bundle.contract.training["seconds"]}
    write_text(kept, json.dumps(scores, indent=1) + "\n")
    shutil.rmtree(work / "maps" / name)
    return scores


def _scores(work: Path, mapped: Callable[[Scene], npt.NDArray[np.uint8]]) -> dict[str, Any]:
    """Scores of maps of the places that were kept apart, against exact labels, over all pixels."""
    confusion, shores = Confusion(), BoundaryCounts()
    for scene in find_scenes(work / "unseen", need_label=True):
        assert scene.label is not None
        truth, found = _codes(scene.label), mapped(scene)
        confusion.add(truth, found)
        shores += boundary_counts(truth, found, TOLERANCE_PX)
    return {"water_iou": rounded(confusion.scores().water_iou or 0.0), "boundary_f1": rounded(shores.f1 or 0.0)}


def _labelled(work: Path, labels: str) -> dict[str, Any]:
    """Make a scenes folder with some labels; how near they are to the exact ones."""
    confusion, known, exact_known = Confusion(), 0, 0
    for scene in find_scenes(work / "scenes"):
        target = work / "labelled" / labels / scene.name
        target.mkdir(parents=True, exist_ok=True)
        if not (target / "image.tif").exists():
            (target / "image.tif").hardlink_to(scene.image)
        if not (target / "label.tif").exists():
            LABELS[labels](scene, target / "label.tif")
        assert scene.label is not None
        truth, found = _codes(scene.label), _codes(target / "label.tif")
        confusion.add(truth, found)
        exact_known += int((truth != NO_DATA).sum())
        known += int(((truth != NO_DATA) & (found != NO_DATA)).sum())
    scores = confusion.scores()
    return {"label_water_iou": rounded(scores.water_iou or 0.0), "label_known": rounded(known / exact_known)}


def _exact(scene: Scene, target: Path) -> None:
    assert scene.label is not None
    shutil.copyfile(scene.label, target)


def _coarse(scene: Scene, target: Path) -> None:
    shutil.copyfile(scene.image.with_name(COARSE_FILE), target)


def _refined(scene: Scene, target: Path) -> None:
    refine(scene.image.with_name(COARSE_FILE), scene.image, target)


def _consensus(scene: Scene, target: Path) -> None:
    """Of the coarse label and of what an index says of the scene."""
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder, open_raster(scene.image) as raster:
        index = write_raster(Path(folder) / "mndwi.tif", _index_map(scene)[None], raster.grid, LABEL_LAYOUT)
        sources = [LabelSource(index), LabelSource(scene.image.with_name(COARSE_FILE), _COARSE_M)]
        make_consensus(sources, target)
    target.with_suffix(".qml").unlink()


LABELS: Final[Mapping[str, Callable[[Scene, Path], None]]] = {
    "exact": _exact,
    "coarse": _coarse,
    "refined": _refined,
    "consensus": _consensus,
}


def _index_map(scene: Scene) -> npt.NDArray[np.uint8]:
    """Water where MNDWI is above 0."""
    with open_raster(scene.image) as raster:
        pixels = raster.read(raster.find(MNDWI.bands))
    value = MNDWI(*(pixels.values * np.float32(REFLECTANCE_SCALE)))
    return np.where(pixels.valid, np.where(value > 0, WATER, LAND), NO_DATA).astype(np.uint8)


def _codes(path: Path) -> npt.NDArray[np.uint8]:
    with rasterio.open(path) as raster:
        codes: npt.NDArray[np.uint8] = raster.read(1)
    return codes


if __name__ == "__main__":
    main()
