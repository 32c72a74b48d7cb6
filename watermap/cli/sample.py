"""`watermap sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, progress_bar
from watermap.cli.options import WRITTEN, config_file, option, setting
from watermap.config import SampleConfig


@click.command(
    name="sample",
    cls=Command,
    examples=[
        ("Twelve scenes", "watermap sample --out data/scenes --scenes 12"),
        ("Other places, larger", "watermap sample --out data/others --seed 7 --size 1024"),
    ],
)
@option("--out", required=True, type=WRITTEN, help="Scenes folder to write.")
@setting(SampleConfig, "scenes")
@setting(SampleConfig, "size")
@setting(SampleConfig, "seed")
@setting(SampleConfig, "first_place")
@config_file()
def command(out: Path, config_path: Path | None, **stated: Any) -> None:
    """Write synthetic Sentinel-2 scenes with labels: lakes, rivers, ponds and coast, two dates of each place."""
    from watermap.scenes.sample import write_samples

    config = SampleConfig.load(config_path, section="sample", **stated)
    with progress_bar() as progress:
        written = write_samples(out, config, progress=progress)
    console.print(f"{len(written)} scenes in {out}", markup=False)
    first = written[0].path
    files_to_open([first / "image.tif", first / "label.tif"])
