"""`watermap train`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, note, progress_bar, score, score_names, table
from watermap.cli.options import READ, WRITTEN, config_file, option, section, setting, settings
from watermap.cli.suggestions import OrFiles, bundles, losses
from watermap.config import TrainConfig, read_recipe
from watermap.models.backend import check_keras, require_keras

_Command = TypeVar("_Command", bound=Callable[..., Any])


def course(command: _Command) -> _Command:
    """Options of a training, whatever is trained."""
    sections = (
        section(
            "The training",
            settings(TrainConfig, {"epochs": None, "batch_size": None, "patience": None, "seed": None}),
            setting(
                TrainConfig,
                "weights",
                metavar="imagenet|none|PATH",
                shell_complete=OrFiles("auto", "imagenet", "none"),
            ),
            setting(TrainConfig, "recipe"),
        ),
        section(
            "What it learns from, and minimises",
            setting(TrainConfig, "loss", metavar="LOSS+LOSS...", shell_complete=losses),
            settings(TrainConfig, {"ignore_shores_px": None, "augment": None, "sampling": None}),
        ),
        section(
            "The threshold",
            settings(TrainConfig, {"threshold": None, "threshold_for": None, "calibrate": None}),
        ),
        section(
            "Arithmetic and memory",
            settings(TrainConfig, {"precision": None, "accumulate": None, "ema": None, "xla": None}),
        ),
    )

    for each in reversed(sections):
        command = each(command)
    return command


def _address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no address: the word behind a `--mlflow` without one, for instance."""
    if value and ":" not in value and value != "databricks":
        raise click.BadParameter(
            f"{value!r} is no address such as http://HOST:5000 or sqlite:///FILE; without one, put --mlflow last"
        )
    return value


@click.command(
    name="train",
    cls=Command,
    examples=[
        ("The reference model", "watermap train data/patches --out data/models/lakes"),
        (
            "One that is made for computers without a GPU",
            "watermap train data/patches --out data/models/small --encoder compact",
        ),
        (
            "Settings from a file, the number of epochs from here",
            "watermap train data/patches --out data/models/long --config w.toml \\\n  --epochs 120",
        ),
    ],
)
@click.argument("patches_dir", type=READ)
@section(
    "Usual options",
    option("--out", required=True, type=WRITTEN, help="Bundle folder to write."),
    setting(TrainConfig, "arch"),
    setting(TrainConfig, "encoder"),
    setting(TrainConfig, "preset"),
    setting(TrainConfig, "base", "--from", metavar="BUNDLE", shell_complete=bundles),
    option("--overwrite", is_flag=True, help="Replace another bundle in the folder."),
)
@course
@option(
    "--mlflow",
    is_flag=False,
    flag_value="",
    metavar="[ADDRESS]",
    callback=_address,
    help="Log the training with MLflow (extra mlflow), at an address such as http://HOST:5000 or sqlite:///FILE "
    "[without one: mlflow.db beside OUT].",
)
@config_file()
def command(
    patches_dir: Path, out: Path, config_path: Path | None, *, mlflow: str | None, overwrite: bool, **stated: Any
) -> None:
    """Train a model on the patches of PATCHES_DIR; run again after an interruption, it goes on where it was.

    With --recipe default PATCHES_DIR may be a folder of the labelled scenes that the default model is trained on.
    """
    config = TrainConfig.load(config_path, section="train", **stated)
    check_keras()
    from watermap.patches.store import PatchStore, is_store

    of_scenes = config.recipe == "default" and patches_dir.is_dir() and not is_store(patches_dir)
    store = None if of_scenes else PatchStore.open(patches_dir)  # before the seconds that Keras takes
    require_keras()
    from watermap.training.from_scenes import train_on_scenes
    from watermap.training.mlflow_log import beside
    from watermap.training.train import train

    address = beside(out) if mlflow == "" else mlflow
    with progress_bar() as progress:
        if store is None:
            training = train_on_scenes(
                patches_dir, out, read_recipe(), config, overwrite=overwrite, mlflow=address, progress=progress
            )
        else:
            training = train(store, out, config, overwrite=overwrite, mlflow=address, progress=progress)
    if training.unchanged:
        note(f"{out} is trained on these patches with these settings already; nothing to do")
    elif training.resumed_from:
        note(f"went on from epoch {training.resumed_from} of an earlier run")
    for line in training.notes:
        note(line)
    contract = training.bundle.contract
    names = ("water_iou", "mean_iou", "dice", "accuracy", "cross_entropy")
    rows = [[split, *(score(scores[name]) for name in names)] for split, scores in contract.scores.items()]
    table(f"Bundle {training.bundle.id}: {contract.network}", ["split", *score_names(names)], rows)
    console.print(f"bundle in {out}", markup=False)
    files_to_open([out / "card.md", out / "curves.png", out / "history.csv", out / "bundle.json"])
