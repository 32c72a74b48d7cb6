"""`watermap area`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watermap.cli.command import Command
from watermap.cli.console import files_to_open, note, progress_bar, table
from watermap.cli.options import READ, WRITTEN, option

if TYPE_CHECKING:
    from watermap.maps.area.estimate import AreaEstimate
    from watermap.maps.area.olofsson import Estimate


@click.command(
    name="area",
    cls=Command,
    examples=[
        (
            "The samples of the map, once they have answers",
            "watermap area data/predictions/lake_water.tif \\\n  --reference data/predictions/lake_samples.gpkg",
        ),
        (
            "Results into a folder of their own",
            "watermap area lake_water.tif --reference lake_samples.gpkg --out data/areas",
        ),
    ],
)
@click.argument("water", metavar="WATER.tif", type=READ)
@option(
    "--reference",
    type=READ,
    required=True,
    metavar="SAMPLES.gpkg",
    help="The sample of watermap sample-design that was drawn from this raster, with answers.",
)
@option("--out", type=WRITTEN, help="Output folder [default: that of the sample].")
def command(water: Path, reference: Path, out: Path | None) -> None:
    """Estimate the true area of water, with its standard error and 95 % interval.

    Counting a map's water pixels adds up its mistakes too. The estimate weighs what somebody found at the samples by
    the areas of the strata that they were drawn from, and holds for the ground that the map shows; of no data nothing
    is said. Intervals hold for few samples and rare water too: they are longer to the side where more may be, and are
    not 1.96 standard errors.
    """
    from watermap.maps.area.estimate import estimate_areas
    from watermap.maps.area.picture import plot_estimate
    from watermap.maps.area.record import write_record

    with progress_bar() as progress:
        found, sources = estimate_areas(water, reference, progress=progress)
    stem = (reference.parent if out is None else out) / f"{sources.name}_area"
    title = f"Area of water: {sources.name}" + (f", {sources.day}" if sources.day else "")
    picture = plot_estimate(found, stem.with_name(f"{stem.name}.png"), title=title)
    written = [picture, *write_record(found, sources, stem)]
    for line in found.notes:
        note(line)
    _show(found)
    files_to_open(written)


def _show(found: AreaEstimate) -> None:
    from watermap.legend import LAND, WATER
    from watermap.maps.area.estimate import CLASSES, interval_text

    digits = found.decimals
    rows = []
    for code, name in CLASSES.items():
        area = found.areas_m2[code].scaled(1e-6)
        numbers = (found.mapped_m2[code] / 1e6, area.value, area.standard_error)
        interval = interval_text(area, f",.{digits}f")
        rows.append([name, *(f"{number:,.{digits}f}" for number in numbers), interval])
    table("Area in km2", ["", "mapped", "estimated", "standard error", "95 % interval"], rows)
    accuracies: list[tuple[str, Estimate | None]] = [("overall accuracy", found.assessment.overall)]
    for kind, values in (("user's", found.assessment.users), ("producer's", found.assessment.producers)):
        accuracies += [(f"{kind} accuracy of {name}", values[code]) for code, name in CLASSES.items()]
    shown = [
        [name, "-", "-"] if value is None else [name, f"{value.value:.1%}", interval_text(value, ".1%")]
        for name, value in accuracies
    ]
    table("Accuracy of the map", ["", "", "95 % interval"], shown)
    sample = found.interpreted
    matrix = [
        [name, f"{area / 1e6:,.{digits}f}", counts[WATER], counts[LAND], unclear, waiting]
        for name, area, counts, unclear, waiting in zip(
            sample.names, sample.areas_m2, sample.counts.tolist(), sample.unclear, sample.open, strict=True
        )
    ]
    table("Samples by what they are in truth", ["mapped as", "km2", "water", "land", "cannot tell", "open"], matrix)
