"""`watermap mosaic`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watermap.cli.command import Command
from watermap.cli.options import READ, WRITTEN, option

if TYPE_CHECKING:
    from watermap.maps.mosaic import Rule


@click.command(
    name="mosaic",
    cls=Command,
    examples=[
        (
            "Of several dates the newest value of each pixel",
            "watermap mosaic data/predictions/*_water.tif --out data/mosaic.tif",
        ),
        (
            "The value that most maps agree on",
            "watermap mosaic data/predictions/*_water.tif --out data/mosaic.tif \\\n  --value majority",
        ),
    ],
)
@click.argument("waters", metavar="WATER.tif...", nargs=-1, required=True, type=READ)
@option("--out", type=WRITTEN, required=True, help="The mosaic, a GeoTIFF.")
@option(
    "--value",
    "rule",
    type=click.Choice(["newest", "majority", "most-certain"]),
    default="newest",
    show_default=True,
    help="Of several values take the last seen, the most frequent (of a tie the last seen), or the one whose "
    "probability, in NAME_probability.tif beside each, is farthest from the threshold.",
)
def command(waters: tuple[Path, ...], out: Path, rule: Rule) -> None:
    """Put water rasters with one CRS and pixel size together; no data is only where none of them holds data.

    The day of each is told by its DATE tag, or by 8 digits in its name: lake_20230601_water.tif.
    """
    from watermap.cli.console import files_to_open, note, progress_bar, table
    from watermap.maps.mosaic import mosaic

    with progress_bar() as progress:
        made = mosaic(waters, out, rule=rule, progress=progress)
    for line in made.notes:
        note(line)
    table(f"Put together, {rule}", ["raster", "seen"], [[path.name, day or "-"] for path, day in made.parts])
    pixels = made.grid.width * made.grid.height
    water = f"{made.water_pixels / made.valid_pixels:.1%}" if made.valid_pixels else "-"
    shape = f"{made.grid.height} x {made.grid.width}"
    table(
        "Mosaic",
        ["", "pixels", "valid", "water of valid"],
        [[out.name, shape, f"{made.valid_pixels / pixels:.1%}", water]],
    )
    files_to_open([made.path])
