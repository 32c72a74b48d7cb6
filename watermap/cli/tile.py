"""`watermap tile`: scenes to patches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.options import READ, WRITTEN, bands_option, config_file, option, section, setting
from watermap.config import TileConfig


@click.command(
    "tile",
    cls=Command,
    examples=[
        (
            "Six bands, in patches of 128 pixels",
            "watermap tile data/scenes --out data/patches --bands B2,B3,B4,B8,B11,B12",
        ),
        (
            "Whole scenes held out for testing, little water too",
            "watermap tile data/scenes --out data/patches --split-by scene --min-water 0.05",
        ),
    ],
)
@click.argument("scenes_dir", type=READ)
@section(
    "Usual options",
    option("--out", type=WRITTEN, required=True, help="Folder for the patches; made anew."),
    setting(TileConfig, "bands"),
    setting(TileConfig, "patch_size"),
    setting(TileConfig, "min_water"),
    setting(TileConfig, "max_water"),
    setting(TileConfig, "min_valid"),
    setting(TileConfig, "sampling"),
    setting(TileConfig, "density"),
    setting(TileConfig, "seed"),
)
@section(
    "Training, validation and test",
    setting(TileConfig, "validation"),
    setting(TileConfig, "test"),
    setting(TileConfig, "split_by"),
    setting(TileConfig, "block_patches"),
)
@section(
    "What the scenes hold",
    bands_option("Names of all bands of the images in file order, where the files do not name them.", "--scene-bands"),
    setting(TileConfig, "offset"),
    setting(TileConfig, "scale"),
)
@config_file()
def command(
    scenes_dir: Path,
    out: Path,
    scene_bands: str | None,
    config_path: Path | None,
    bands: str | None,
    **settings: Any,
) -> None:
    """Cut SCENES_DIR into patches to train on.

    SCENES_DIR holds <scene>/image.tif and <scene>/label.tif. Training, validation and test patches never share ground.
    """
    from watermap.bands import parse_bands
    from watermap.cli.console import files_to_open, note, progress_bar, table
    from watermap.errors import PartialFailureError
    from watermap.patches.index import INDEX_FILE
    from watermap.patches.tile import tile

    config = TileConfig.load(config_path, section="tile", bands=bands and parse_bands(bands), **settings)
    names = [name.strip() for name in scene_bands.split(",")] if scene_bands else None
    with progress_bar() as progress:
        summary = tile(scenes_dir, out, config, names=names, progress=progress)
    rows = [
        (split, count, "-" if (water := summary.water[split]) is None else f"{water:.1%}")
        for split, count in summary.counts.items()
    ]
    table("Patches", ("split", "patches", "mean water"), rows)
    if summary.unchanged:
        note("nothing changed since these patches were made, so they were kept")
    for text in summary.notes:
        note(text)
    for scene, reason in summary.failures:
        note(f"scene {scene} was left out: {reason}")
    files_to_open([summary.folder / INDEX_FILE])
    if summary.failures:
        raise PartialFailureError(
            f"{len(summary.failures)} of {len(summary.failures) + len(summary.scenes)} scenes were left out",
            hint="the patches of the others are done",
        )
