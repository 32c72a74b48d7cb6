"""Models side by side: trained on the same patches with the same budget, several seeds each, scored on the same pixels.

OUT/
  <arch>-<encoder>-<preset>/seed-<n>/   a bundle each, with its `scores.json`
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

import keras
from pydantic import BaseModel, ConfigDict, ValidationError

from watermap.bundles.bundle import Bundle, open_bundle
from watermap.config import PredictConfig, TrainConfig
from watermap.errors import DataError, WatermapError
from watermap.evaluation.evaluate import evaluate
from watermap.io.files import write_text
from watermap.io.paths import local
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.registry import architecture
from watermap.patches.store import PatchStore, opened
from watermap.prediction.cost import measure_speed
from watermap.progress import Progress, named, silent
from watermap.training.train import train

RUN_FILE: Final = "scores.json"
"""Beside a bundle: what this comparison found out about it."""

Scores = dict[str, float | int | None]


@dataclass(frozen=True, order=True)
class Contender:
    """A model that is compared."""

    arch: str
    encoder: str
    preset: str

    @property
    def name(self) -> str:
        """What it is called in tables and folders."""
        return f"{self.arch}-{self.encoder}-{self.preset}"


class Run(BaseModel):
    """One training of a contender, and what came of it.

    Attributes:
        bundle: its id.
        seed: of the training.
        scores: over all pixels of the test patches.
        baselines: the same of NDWI and MNDWI, by name.
        parameters: weights of the network that maps.
        flops_per_pixel: its arithmetic.
        epochs: that it was trained.
        train_seconds: what they took.
        engine, mpx_a_second, peak_mib: how it maps, see `watermap.prediction.cost.Speed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle: str
    seed: int
    scores: Scores
    baselines: dict[str, Scores]
    parameters: int
    flops_per_pixel: float
    epochs: int
    train_seconds: float
    engine: str
    mpx_a_second: float
    peak_mib: int | None


@dataclass(frozen=True)
class Comparison:
    """What was compared.

    Attributes:
        runs: of each contender, in the order asked for; without those that failed.
        folders: of the bundles, in the same order.
        failures: which training failed, and why.
        notes: what the user should know.
    """

    runs: dict[Contender, list[Run]] = field(default_factory=dict)
    folders: dict[Contender, list[Path]] = field(default_factory=dict)
    failures: list[tuple[str, WatermapError]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def baselines(self) -> dict[str, Scores]:
        """Scores of the indices on the test patches, the same for every model."""
        return next((run.baselines for runs in self.runs.values() for run in runs), {})

    def ranked(self) -> list[Contender]:
        """Contenders by mean water IoU, the best first."""
        return sorted(self.runs, key=lambda contender: -(self.spread(contender, "water_iou")[0] or 0))

    def spread(self, contender: Contender, score: str) -> tuple[float | None, float | None]:
        """Mean and standard deviation of a score over the seeds; None where too few runs have it."""
        values = [value for run in self.runs[contender] if (value := run.scores[score]) is not None]
        return (
            statistics.mean(values) if values else None,
            statistics.stdev(values) if len(values) > 1 else None,
        )


def contenders(archs: Sequence[str], encoders: Sequence[str], presets: Sequence[str]) -> list[Contender]:
    """Every combination, each once, in the order given."""
    return [Contender(*each) for each in dict.fromkeys(product(archs, encoders, presets))]


def compare(
    patches: PatchStore | Path,
    out: Path,
    models: Sequence[Contender],
    config: TrainConfig,
    *,
    seeds: int,
    overwrite: bool = False,
    progress: Progress = silent,
    then: Callable[[Comparison], None] = lambda _: None,
) -> Comparison:
    """Train and score every model with every seed; what is done already is not done again.

    Args:
        patches: a folder that `watermap tile` wrote, or the store in it, opened; all train on its training patches, are
            watched on its validation patches and scored on its test patches.
        out: folder of the bundles.
        models: what is compared.
        config: settings of training that all share; its seed is the first of them.
        seeds: trainings of each model.
        overwrite: train again what was trained with other settings.
        progress: told after every batch.
        then: told of the comparison so far after every run.

    Raises:
        DataError: the patches are damaged, or hold none to train on or to test with.
        UsageError: `out` does not lie on this machine, or an architecture does not take an encoder, or
            settings that do not go with it.
    """
    local(out)
    trainings = [
        (model, TrainConfig.load(**(config.model_dump() | vars(model) | {"seed": seed})))
        for seed, model in product(range(config.seed, config.seed + seeds), models)
    ]
    for model in models:
        architecture(model.arch, model.encoder)
    store = opened(patches)
    if not store.count("test"):
        raise DataError(f"{store.folder}: holds no test patches", hint="tile with a --test share above 0")
    found = _earlier(out, models, config, store)
    for number, (model, settings) in enumerate(trainings, start=1):
        folder = out / model.name / f"seed-{settings.seed}"
        named_progress = named(progress, f"{model.name}, seed {settings.seed} ({number} of {len(trainings)})")
        try:
            trained = train(store, folder, settings, overwrite=overwrite, progress=named_progress)
            run = _known(trained.bundle) or _scored(trained.bundle, store, named_progress)
        except WatermapError as error:
            found.failures.append((f"{model.name}, seed {settings.seed}", error))
            continue
        finally:
            keras.utils.clear_session()
        found.runs.setdefault(model, []).append(run)
        found.folders.setdefault(model, []).append(folder)
        found.notes.extend(note for note in trained.notes if note not in found.notes)
        then(found)
    if len(found.failures) == len(trainings):
        raise found.failures[0][1]
    return found


def _earlier(out: Path, models: Sequence[Contender], config: TrainConfig, store: PatchStore) -> Comparison:
    """What other models were compared there before, on the same patches with the same settings."""
    found = Comparison()
    shared = _shared(config.model_dump(mode="json"))
    for file in sorted(out.glob(f"*/seed-*/{RUN_FILE}")):
        try:
            bundle = open_bundle(file.parent)
        except WatermapError:
            continue
        contract, run = bundle.contract, _known(bundle)
        model = Contender(contract.arch or "", contract.encoder or "", contract.training["config"]["preset"])
        if run is None or model in models:
            continue
        same = _shared(contract.training["config"]) == shared and contract.trained_on["patches"] == store.digest
        if not same:
            found.notes.append(f"{file.parent}: was trained with other settings or patches, so it is not in the table")
            continue
        found.runs.setdefault(model, []).append(run)
        found.folders.setdefault(model, []).append(file.parent)
    return found


def _shared(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a training that all models share."""
    return {name: value for name, value in settings.items() if name not in ("arch", "encoder", "preset", "seed")}


def _known(bundle: Bundle) -> Run | None:
    """What an earlier comparison found out about this very bundle."""
    try:
        run = Run.model_validate_json((bundle.folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return run if run.bundle == bundle.id else None


def _scored(bundle: Bundle, store: PatchStore, progress: Progress) -> Run:
    evaluation = evaluate(bundle, store, PredictConfig(), pictures=0, progress=progress).pooled
    contract = bundle.contract
    model = bundle.load_model()
    speed = measure_speed(bundle.folder)
    run = Run(
        bundle=bundle.id,
        seed=contract.training["config"]["seed"],
        scores=evaluation.as_dict(),
        baselines=evaluation.baselines_as_dict(),
        parameters=model.count_params(),
        flops_per_pixel=flops_per_pixel(model, contract.trained_patch_size),
        epochs=contract.training["epochs"],
        train_seconds=contract.training["seconds"],
        **vars(speed),
    )
    write_text(bundle.folder / RUN_FILE, run.model_dump_json(indent=1) + "\n")
    return run


def bundle_of(comparison: Comparison, contender: Contender) -> Bundle:
    """The first seed's bundle of a contender."""
    return open_bundle(comparison.folders[contender][0])


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a run, flat, as the table on disk holds them."""
    return [
        {
            "arch": contender.arch,
            "encoder": contender.encoder,
            "preset": contender.preset,
            "seed": run.seed,
            **run.scores,
            **run.model_dump(exclude={"seed", "scores", "baselines"}),
        }
        for contender, runs in comparison.runs.items()
        for run in runs
    ]
