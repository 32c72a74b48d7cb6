"""`watermap compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.console import files_to_open, note, progress_bar, table
from watermap.cli.options import READ, WRITTEN, config_file, option, section, setting
from watermap.cli.train import course
from watermap.config import TrainConfig
from watermap.errors import PartialFailureError
from watermap.models.backend import check_keras, require_keras


@click.command(
    name="compare",
    cls=Command,
    examples=[
        (
            "Two architectures, three trainings of each",
            "watermap compare data/patches --out data/compared --arch unet --arch segnet",
        ),
        (
            "Encoders for computers without a GPU, trained once each",
            "watermap compare data/patches --out data/compared --encoder compact \\\n"
            "  --encoder mobilenetv2 --seeds 1 --epochs 10",
        ),
    ],
)
@click.argument("patches_dir", type=READ)
@section(
    "Usual options",
    option("--out", required=True, type=WRITTEN, help="Folder of bundles, table and pictures."),
    setting(TrainConfig, "arch", multiple=True),
    setting(TrainConfig, "encoder", multiple=True),
    setting(TrainConfig, "preset", multiple=True),
    option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Trainings of each model."),
    option("--overwrite", is_flag=True, help="Train again what was trained with other settings."),
)
@course
@config_file()
def command(
    patches_dir: Path,
    out: Path,
    arch: tuple[str, ...],
    encoder: tuple[str, ...],
    preset: tuple[str, ...],
    seeds: int,
    config_path: Path | None,
    *,
    overwrite: bool,
    **stated: Any,
) -> None:
    """Train several models on the patches of PATCHES_DIR and show their scores and costs side by side.

    --arch, --encoder and --preset may be given several times. Every combination is trained with every seed, all on the
    same patches with the same budget. Run again after an interruption, it goes on where it was.
    """
    config = TrainConfig.load(config_path, section="train", **stated)
    check_keras()
    from watermap.patches.store import PatchStore

    store = PatchStore.open(patches_dir)  # before the seconds that Keras takes
    require_keras()
    from watermap.training.compare import Comparison, compare, contenders
    from watermap.training.compare_report import columns, table_rows, write_reports

    models = contenders(arch or (config.arch,), encoder or (config.encoder,), preset or (config.preset,))
    with progress_bar() as progress:

        def write(found: Comparison) -> None:
            write_reports(found, store, out)

        found = compare(store, out, models, config, seeds=seeds, overwrite=overwrite, progress=progress, then=write)
    table("Test patches, the best first", columns(), table_rows(found))
    for line in found.notes:
        note(line)
    files_to_open([out / name for name in ("comparison.png", "maps.png", "comparison.md", "comparison.csv")])
    if found.failures:
        for name, error in found.failures:
            note(f"{name}: {error}")
        raise PartialFailureError(
            f"{len(found.failures)} of {seeds * len(models)} trainings failed", hint="see the lines above"
        )
