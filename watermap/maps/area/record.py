"""An estimate as tables: every figure with its interval, what it was made of, and how it may be made again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from watermap import __version__
from watermap.io.files import write_text
from watermap.io.tables import write_csv
from watermap.legend import LAND, WATER
from watermap.maps.area.estimate import CLASSES, AreaEstimate, Sources
from watermap.maps.area.olofsson import Estimate

_METHOD: Final = (
    "stratified estimator, Olofsson et al. 2014, doi:10.1016/j.rse.2014.02.015; 95 % intervals of score intervals of "
    "the strata (Brown, Cai and DasGupta 2001), put together as in Zou and Donner 2008, and Donner and Zou 2012"
)


def figures(found: AreaEstimate) -> Iterator[tuple[str, str, Estimate | None]]:
    """What is estimated: the figure, the class, and the estimate in km2 or as a share."""
    for code, name in CLASSES.items():
        yield "area_km2", name, found.areas_m2[code].scaled(1e-6)
    yield "overall_accuracy", "", found.assessment.overall
    for figure, values in (
        ("users_accuracy", found.assessment.users),
        ("producers_accuracy", found.assessment.producers),
    ):
        for code, name in CLASSES.items():
            yield figure, name, values[code]


def write_record(found: AreaEstimate, sources: Sources, stem: Path) -> tuple[Path, Path]:
    """Write all figures as `STEM.csv`, and with the samples and what they were made of as `STEM.json`.

    Intervals are not 1.96 standard errors wide to either side: both are told.

    Args:
        found: the estimate.
        sources: what it was made of.
        stem: the files' path without a suffix.

    Raises:
        UsageError: they would not lie on this machine.
        DataError: they cannot be written.
    """
    table, record = (stem.with_name(f"{stem.name}{suffix}") for suffix in (".csv", ".json"))
    write_csv(table, ("figure", "class", "value", "standard_error", "low_95", "high_95"), _rows(found))
    write_text(record, json.dumps(_record(found, sources), indent=2) + "\n")
    return table, record


def _rows(found: AreaEstimate) -> Iterator[list[str]]:
    for code, name in CLASSES.items():
        yield ["mapped_area_km2", name, f"{found.mapped_m2[code] / 1e6:.6f}", "", "", ""]
    yield ["no_data_area_km2", "", f"{found.no_data_m2 / 1e6:.6f}", "", "", ""]
    for figure, name, estimate in figures(found):
        yield [figure, name, *("" if n is None else f"{n:.6f}" for n in _numbers(estimate).values())]


def _record(found: AreaEstimate, sources: Sources) -> dict[str, Any]:
    sample = found.interpreted
    strata = [
        {
            "stratum": name,
            "mapped_as": CLASSES[own],
            "area_km2": area / 1e6,
            "water_in_truth": int(counts[WATER]),
            "land_in_truth": int(counts[LAND]),
            "cannot_tell": unclear,
            "open": waiting,
        }
        for name, own, area, counts, unclear, waiting in zip(
            sample.names,
            sample.mapped_as,
            sample.areas_m2,
            sample.counts,
            sample.unclear,
            sample.open,
            strict=True,
        )
    ]
    return {
        "map": sources.name,
        "date": None if sources.day is None else sources.day.isoformat(),
        "mapped_area_km2": {name: found.mapped_m2[code] / 1e6 for code, name in CLASSES.items()},
        "no_data_area_km2": found.no_data_m2 / 1e6,
        "estimates": [
            {"figure": figure, "class": name or None} | _numbers(estimate) for figure, name, estimate in figures(found)
        ],
        "strata": strata,
        "notes": list(found.notes),
        "method": _METHOD,
        "design": {"seed": sample.seed, "shore_px": sample.shore_px},
        "water_raster": {"name": sources.water.name, "sha256": sources.water_digest, "content": sample.raster},
        "samples": {"name": sources.samples.name, "sha256": sources.samples_digest},
        "watermap_version": __version__,
    }


def _numbers(estimate: Estimate | None) -> dict[str, float | None]:
    names = ("value", "standard_error", "low_95", "high_95")
    if estimate is None:
        return dict.fromkeys(names)
    return dict(zip(names, (estimate.value, estimate.standard_error, estimate.low, estimate.high), strict=True))
