"""The true areas of water and land, from a map and from a sample that somebody interpreted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from watermap.errors import DataError
from watermap.geo.area_text import km2
from watermap.io.files import file_digest
from watermap.io.gdal import small_cache
from watermap.legend import LAND, WATER
from watermap.maps.area.intervals import Z
from watermap.maps.area.measure import Mapped, mapped_m2, measure
from watermap.maps.area.olofsson import LEAST_SAMPLES, Assessment, Estimate, assess
from watermap.maps.area.samples import Interpreted, read_samples
from watermap.maps.area.strata import MAPPED_AS
from watermap.maps.water_rasters import WATER_SUFFIX
from watermap.progress import Progress, silent
from watermap.scenes.dates import sensed_on
from watermap.scenes.label import WATER_RASTER, open_label

CLASSES: Final = {WATER: "water", LAND: "land"}
_FEW: Final = 20
"""Of a stratum: the standard error of fewer is rough."""
_ALIKE: Final = 1e-6
"""How far areas of the same pixels may differ, as a share: other versions add them up in other ways."""


@dataclass(frozen=True)
class AreaEstimate:
    """What a sample says of the areas of water and land, and of the map.

    Attributes:
        areas_m2: by class, in m2.
        mapped_m2: by class, by counting pixels.
        no_data_m2: area without data, of which nothing is said.
        assessment: shares of area and accuracies, by class.
        interpreted: what it was estimated from.
        notes: what the user should know.
    """

    areas_m2: tuple[Estimate, ...]
    mapped_m2: tuple[float, ...]
    no_data_m2: float
    assessment: Assessment
    interpreted: Interpreted
    notes: tuple[str, ...]

    @property
    def valid_m2(self) -> float:
        """Area of land and water together, which is known."""
        return sum(self.mapped_m2)

    @property
    def decimals(self) -> int:
        """Digits after the point of an area in km2: as many as show two of the standard error."""
        water = self.areas_m2[WATER]
        error = water.standard_error or (water.high - water.low) / (2 * Z) or self.valid_m2 / 1e3
        return min(6, max(0, 1 - math.floor(math.log10(error / 1e6))))


@dataclass(frozen=True)
class Sources:
    """What an estimate was made of.

    Attributes:
        water, samples: the files.
        water_digest, samples_digest: SHA-256 of these files.
        day: on which the ground was seen, None where nothing tells it.
    """

    water: Path
    samples: Path
    water_digest: str
    samples_digest: str
    day: date | None

    @property
    def name(self) -> str:
        """The name of the map, that of the file without its end."""
        return self.water.stem.removesuffix(WATER_SUFFIX)


def interval_text(estimate: Estimate, form: str) -> str:
    """The 95 % interval in words.

    Args:
        estimate: of what.
        form: of a number, as for `format`.
    """
    if estimate.is_exact:
        return "known exactly"
    return " to ".join(format(end, form) for end in (estimate.low, estimate.high))


def estimate_areas(water: Path, samples: Path, *, progress: Progress = silent) -> tuple[AreaEstimate, Sources]:
    """Estimate the areas of water and land on the ground that a water raster shows.

    Args:
        water: the water raster.
        samples: the sample that was drawn from it, interpreted.
        progress: told by rows.

    Raises:
        DataError: a file cannot be used, the sample was drawn from another raster or its strata have been changed
            since, or too little is interpreted.
        StorageError: the raster lies elsewhere and cannot be reached.
        UsageError: the sample does not lie on this machine.
    """
    interpreted = read_samples(samples)
    with small_cache(), open_label(water, kind=WATER_RASTER) as label:
        mapped = measure(label, shore_px=interpreted.shore_px, progress=progress)
        doubt, day = label.doubt, sensed_on(water, label.tags)
    if mapped.digest != interpreted.raster:
        raise DataError(
            f"{samples}: was not drawn from {water} as it is now",
            hint="give the water raster that it was drawn from, or draw a new sample with watermap sample-design",
        )
    _refuse_other_strata(interpreted, mapped, water, samples)
    found = estimate(interpreted, no_data_m2=mapped.no_data_m2)
    sources = Sources(water, samples, file_digest(water), file_digest(samples), day)
    return (found if doubt is None else replace(found, notes=(doubt, *found.notes))), sources


def _refuse_other_strata(interpreted: Interpreted, mapped: Mapped, water: Path, samples: Path) -> None:
    """Refuse strata that the raster does not have: somebody has changed the table.

    Raises:
        DataError: an area, a number of pixels, a class or how far the shore reaches is another.
    """
    alike = np.allclose(interpreted.areas_m2, mapped.areas_m2, rtol=_ALIKE, atol=0)
    if not alike or (interpreted.pixels, interpreted.mapped_as) != (mapped.pixels, MAPPED_AS):
        raise DataError(
            f"{samples}: its table strata is not that of {water}",
            hint="take the file as sample-design made it, and change answers and remarks only",
        )


def estimate(interpreted: Interpreted, *, no_data_m2: float = 0.0) -> AreaEstimate:
    """Estimate the areas of water and land from what was found in each stratum.

    Args:
        interpreted: what somebody found.
        no_data_m2: area without data.

    Raises:
        DataError: of a stratum too few samples are interpreted.
    """
    areas, valid_m2 = interpreted.areas_m2, sum(interpreted.areas_m2)
    answered = interpreted.counts.sum(axis=1)
    for name, area, pixels, size in zip(interpreted.names, areas, interpreted.pixels, answered.tolist(), strict=True):
        if area and size < min(LEAST_SAMPLES, pixels):
            raise DataError(
                f"of {name} {size or 'no'} sample{' has' if size == 1 else 's have'} an answer of water or land, "
                f"too few to tell how sure the area is",
                hint=f"answer at least {LEAST_SAMPLES} of every stratum, better all",
            )
    assessment = assess(interpreted.counts, areas, interpreted.mapped_as, interpreted.pixels)
    return AreaEstimate(
        areas_m2=tuple(share.scaled(valid_m2) for share in assessment.shares),
        mapped_m2=tuple(mapped_m2(areas, interpreted.mapped_as, code) for code in range(len(assessment.shares))),
        no_data_m2=no_data_m2,
        assessment=assessment,
        interpreted=interpreted,
        notes=tuple(_notes(interpreted, no_data_m2)),
    )


def _notes(interpreted: Interpreted, no_data_m2: float) -> list[str]:
    valid_m2 = sum(interpreted.areas_m2)
    notes = []
    if no_data_m2:
        share = max(0.001, no_data_m2 / (no_data_m2 + valid_m2))
        notes.append(f"{km2(no_data_m2)} km2, {share:.1%} of the raster, hold no data: nothing is said of them")
    if waiting := sum(interpreted.open):
        order = (
            "the others are the first by id, so that they are a random sample too"
            if interpreted.in_order
            else "the others are not the first by id, and if they were chosen for any reason the estimate is biased"
        )
        notes.append(f"{waiting} sample{'s have' if waiting > 1 else ' has'} no answer; {order}")
    if unclear := sum(interpreted.unclear):
        low, high = (km2(_water_if(interpreted, code).value * valid_m2) for code in (LAND, WATER))
        notes.append(
            f"of {unclear} sample{'s' if unclear > 1 else ''} nobody could tell, left out as if like the others: "
            f"all land, they would make water {low} km2, all water {high} km2"
        )
    return [*notes, *_rough(interpreted)]


def _rough(interpreted: Interpreted) -> Iterator[str]:
    """Of strata whose standard error tells too little, that the intervals tell more."""
    for name, counts, pixels in zip(interpreted.names, interpreted.counts, interpreted.pixels, strict=True):
        size = int(counts.sum())
        if size == pixels:
            continue  # nothing is left to chance
        if size < _FEW:
            yield f"only {size} samples of {name} tell water or land: the standard errors are rough, use the intervals"
        elif not counts.min():
            yield f"all {size} samples of {name} agree: it adds nothing to the standard errors, but to the intervals"


def _water_if(interpreted: Interpreted, code: int) -> Estimate:
    """The share of water, had all samples been one class of which nobody could tell."""
    counts = interpreted.counts.copy()
    counts[:, code] += np.array(interpreted.unclear)
    return assess(counts, interpreted.areas_m2, interpreted.mapped_as, interpreted.pixels).shares[WATER]
