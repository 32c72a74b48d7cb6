"""`watermap change`."""

from __future__ import annotations

from pathlib import Path

import click

from watermap.cli.command import Command
from watermap.cli.options import READ, WRITTEN, option
from watermap.geo.area_text import km2_column


@click.command(
    name="change",
    cls=Command,
    examples=[
        ("Between two dates of one lake", "watermap change lake_20230601_water.tif lake_20230901_water.tif"),
        ("Into a folder of your choice", "watermap change before_water.tif after_water.tif --out data/floods"),
    ],
)
@click.argument("before", type=READ)
@click.argument("after", type=READ)
@option("--out", type=WRITTEN, default=Path("data/changes"), show_default=True, help="Output folder.")
def command(before: Path, after: Path, out: Path) -> None:
    """Show where water came and went between two water rasters of one place, and how much.

    Where either was not seen is unknown, neither gained nor lost. Rasters that are shifted by whole pixels are compared
    where both lie.
    """
    from watermap.cli.console import console, files_to_open, note, progress_bar, table
    from watermap.maps.change import CHANGE_NAMES
    from watermap.maps.public import change as compare

    with progress_bar() as progress:
        change = compare(before, after, out=out, progress=progress)
    picture = change.raster.with_suffix(".png")
    for line in change.notes:
        note(line)
    areas = km2_column(change.areas_m2[code] for code in CHANGE_NAMES)
    rows = [[name, change.pixels[code], area] for (code, name), area in zip(CHANGE_NAMES.items(), areas, strict=True)]
    table(f"Water from {change.before} to {change.after}", ["class", "pixels", "km2"], rows)
    before_km2, after_km2 = km2_column([change.water_before_m2, change.water_after_m2])
    console.print(f"Water that was seen both times: {before_km2} km2 to {after_km2} km2")
    files_to_open([picture, change.raster, change.polygons, change.table])
