"""`watermap sample-design`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from watermap.cli.command import Command
from watermap.cli.console import console, files_to_open, note, progress_bar, table
from watermap.cli.options import READ, WRITTEN, config_file, option, settings
from watermap.config import DesignConfig
from watermap.geo.area_text import km2, km2_column


@click.command(
    name="sample-design",
    cls=Command,
    examples=[
        ("300 pixels of a map", "watermap sample-design data/predictions/lake_water.tif --n 300"),
        (
            "As many as an error of 5 % of the water area takes",
            "watermap sample-design data/predictions/lake_water.tif --error 5",
        ),
    ],
)
@click.argument("water", metavar="WATER.tif", type=READ)
@option("--out", type=WRITTEN, help="GeoPackage to write [default: NAME_samples.gpkg beside NAME_water.tif].")
@settings(
    DesignConfig, {"n": "N", "error": "PERCENT", "water_shares": "P,P,P", "shore_px": None, "least": None, "seed": None}
)
@config_file()
def command(water: Path, out: Path | None, config_path: Path | None, **stated: Any) -> None:
    """Draw the pixels of a water raster that somebody should look at, to tell the true area of water.

    Pixels are drawn at random from three strata: water, the land beside it, and other land. Open the GeoPackage in
    QGIS over a picture of the same day, and answer for each sample whether its pixel is water or land, in the order of
    id: if you stop early, those that you answered are still a random sample. `watermap area` then tells the area.
    """
    config = DesignConfig.load(config_path, section="sample-design", **stated)
    from watermap.io.paths import remote
    from watermap.maps.area.design import design_sample
    from watermap.maps.area.strata import NAMES

    if out is None:
        out = (water.parent if remote(water) is None else Path()) / f"{water.stem.removesuffix('_water')}_samples.gpkg"
    with progress_bar() as progress:
        made = design_sample(water, out, config, progress=progress)
    for line in made.notes:
        note(line)
    rows = [
        [name, f"{pixels:,}", area, size]
        for name, pixels, area, size in zip(
            NAMES, made.sample.pixels, km2_column(made.sample.areas_m2), made.sample.sizes, strict=True
        )
    ]
    count = sum(made.sample.sizes)
    table(f"{count} sample{'s' if count > 1 else ''}", ["stratum", "pixels", "km2", "samples"], rows)
    tells = made.margin_m2 <= made.mapped.water_m2 > 0
    of_mapped = f", {made.margin_m2 / made.mapped.water_m2:.1%} of what is mapped" if tells else ""
    *most, last = (f"{100 * share:g}% of {name}" for name, share in zip(NAMES, config.water_shares, strict=True))
    expected = f"± {km2(made.margin_m2, digits=3)} km2{of_mapped}"
    console.print(f"Expected 95 % interval of the water area: {expected}", markup=False)
    console.print(f"if the map is as good as thought, with {', '.join(most)} and {last} water in truth", markup=False)
    files_to_open([made.path])
