"""`watermap vectorize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, note, progress_bar
from watermap.cli.options import READ, WRITTEN, config_file, option, setting
from watermap.config import VectorizeConfig
from watermap.geo.area_text import km2


@click.command(
    name="vectorize",
    cls=Command,
    examples=[
        ("Every water body of a map", "watermap vectorize data/predictions/lake_water.tif"),
        (
            "Only those above a hectare, with smooth shores",
            "watermap vectorize lake_water.tif --min-area-m2 10000 --smooth",
        ),
    ],
)
@click.argument("water", metavar="WATER.tif", type=READ)
@option("--out", type=WRITTEN, help="GeoPackage to write [default: NAME_bodies.gpkg beside NAME_water.tif].")
@setting(VectorizeConfig, "min_area_m2")
@setting(VectorizeConfig, "simplify_m")
@option("--smooth", is_flag=True, help="Round the stairs of pixels; areas are kept.")
@option("--probability", type=READ, help="Probability raster on the same grid, for the mean of each body.")
@config_file()
def command(
    water: Path, out: Path | None, probability: Path | None, config_path: Path | None, *, smooth: bool, **stated: Any
) -> None:
    """Make a GeoPackage with a polygon for each water body: area and perimeter on the ellipsoid, size, date."""
    config = VectorizeConfig.load(config_path, section="vectorize", smooth=smooth or None, **stated)
    from watermap.maps.public import vectorize

    with progress_bar() as progress:
        made = vectorize(water, out, probability=probability, progress=progress, **config.model_dump())
    for line in made.notes:
        note(line)
    if made.dropped:
        note(f"{made.dropped} bodies smaller than {config.min_area_m2:g} m2 are left out")
    console.print(f"{made.count} water bodies, {km2(made.area_m2)} km2", markup=False)
    files_to_open([made.path])
