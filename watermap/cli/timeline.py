"""`watermap timeline`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watermap.cli.command import Command
from watermap.cli.console import files_to_open, note, progress_bar, table
from watermap.cli.options import READ, WRITTEN, option
from watermap.geo.area_text import km2_column

if TYPE_CHECKING:
    from watermap.maps.timeline import Timeline


@click.command(
    name="timeline",
    cls=Command,
    examples=[
        ("All maps of a folder", "watermap timeline data/predictions"),
        ("Each lake of a layer by itself", "watermap timeline data/predictions --bodies lakes.gpkg"),
    ],
)
@click.argument("predictions_dir", type=READ)
@option(
    "--bodies",
    type=READ,
    help="Polygons with a field id, in any CRS: also measure each. Outlines should be those of the largest extent: "
    "water outside of them is not the body's.",
)
@option("--out", type=WRITTEN, help="Output folder [default: PREDICTIONS_DIR].")
@option(
    "--min-valid",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Share of the area that must be seen; dates with less are marked.",
)
def command(predictions_dir: Path, bodies: Path | None, out: Path | None, min_valid: float) -> None:
    """Water area by date: tables and a picture of all NAME_water.tif in a folder.

    A date is a tag DATE or YYYYMMDD in the name. Of rasters of one date a pixel counts once, and is water if
    any of them says so. The area is the ground that the rasters cover; what is not seen on a date is never taken for
    dry: water lies between what was seen and that plus all that was not seen.
    """
    from watermap.maps.public import timeline as measure

    out = predictions_dir if out is None else out
    with progress_bar() as progress:
        timeline = measure(predictions_dir, out, bodies=bodies, min_valid=min_valid, progress=progress)
    tables = ["timeline.csv", *(["timeline_bodies.csv"] if timeline.ids else [])]
    written = [out / name for name in (*tables, "timeline.png")]
    for line in timeline.notes:
        note(line)
    table("Water by date", ["date", "seen", "water km2", "at most km2", ""], _rows(timeline))
    files_to_open(written)


def _rows(timeline: Timeline) -> list[list[str]]:
    whole = timeline.whole
    lows, highs = (km2_column(areas[:, 0] * 1e6) for areas in (whole.low_km2, whole.high_km2))
    return [
        [
            shown.isoformat(),
            f"{share:.1%}",
            low,
            high,
            "" if share >= timeline.min_valid else "too little seen",
        ]
        for shown, share, low, high in zip(timeline.dates, whole.valid_fraction[:, 0], lows, highs, strict=True)
    ]
