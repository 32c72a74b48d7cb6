"""The true areas of water and land, from a map and from a sample that somebody interpreted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from watermap.accuracy.mapped import mapped_m2, measure
from watermap.accuracy.samples import Interpreted, read_samples
from watermap.accuracy.stratified import LEAST_SAMPLES, Assessment, Estimate, assess
from watermap.codes import LAND, WATER
from watermap.errors import DataError
from watermap.files import file_digest
from watermap.gdal import small_cache
from watermap.labels import WATER_RASTER, open_label
from watermap.maps.dates import seen_on
from watermap.maps.water import WATER_SUFFIX
from watermap.progress import Progress, silent

CLASSES: Final = {WATER: "water", LAND: "land"}
_FEW: Final = 20
"""Of a stratum: the interval of fewer is rough."""
_RULE_OF_THREE: Final = 3
"""If none of n samples differs, at most 3 / n of the whole does, at 95 % (Hanley and Lippman-Hand 1983)."""


@dataclass(frozen=True)
class AreaEstimate:
    """What a sample says of the areas of water and land, and of the map.

    Attributes:
        areas_m2: by class, in m2.
        mapped_m2: by class, by counting pixels.
        unseen_m2: area without data, of which nothing is said.
        assessment: shares of area and accuracies, by class.
        interpreted: what it was estimated from.
        agreements: of strata whose samples all agree, what that leaves open: their standard error is 0.
        notes: what the user should know, agreements included.
    """

    areas_m2: tuple[Estimate, ...]
    mapped_m2: tuple[float, ...]
    unseen_m2: float
    assessment: Assessment
    interpreted: Interpreted
    agreements: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def seen_m2(self) -> float:
        """Area of land and water together, which is known."""
        return sum(self.mapped_m2)

    @property
    def decimals(self) -> int:
        """Digits after the point of an area in km2: as many as show two of the standard error."""
        error = self.areas_m2[WATER].standard_error / 1e6 or self.seen_m2 / 1e9
        return min(6, max(0, 1 - math.floor(math.log10(error))))


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


def limits(estimate: Estimate, most: float) -> tuple[float, float]:
    """The 95 % interval as far as there can be such a value: from 0 to the most."""
    low, high = estimate.interval
    return max(0.0, low), min(most, high)


def interval_text(estimate: Estimate, most: float, form: str) -> str:
    """The 95 % interval in words; where no samples differ there is none to tell.

    Args:
        estimate: of what.
        most: that it can be.
        form: of a number, as for `format`.
    """
    if not estimate.standard_error:
        return "all samples agree"
    return " to ".join(format(end, form) for end in limits(estimate, most))


def estimate_areas(water: Path, samples: Path, *, progress: Progress = silent) -> tuple[AreaEstimate, Sources]:
    """Estimate the areas of water and land on the ground that a water raster shows.

    Args:
        water: the water raster.
        samples: the sample that was drawn from it, interpreted.
        progress: told by rows.

    Raises:
        DataError: a file cannot be used, the sample was drawn from another raster, or too little is interpreted.
        StorageError: the raster lies elsewhere and cannot be reached.
        UsageError: the sample does not lie on this machine.
    """
    interpreted = read_samples(samples)
    with small_cache(), open_label(water, kind=WATER_RASTER) as label:
        mapped = measure(label, progress=progress)
        doubt, day = label.doubt, seen_on(water, label.tags)
    if mapped.digest != interpreted.raster:
        raise DataError(
            f"{samples}: was not drawn from {water} as it is now",
            hint="give the water raster that it was drawn from, or draw a new sample with watermap sample-design",
        )
    found = estimate(interpreted, unseen_m2=mapped.unseen_m2)
    sources = Sources(water, samples, file_digest(water), file_digest(samples), day)
    return (found if doubt is None else replace(found, notes=(doubt, *found.notes))), sources


def estimate(interpreted: Interpreted, *, unseen_m2: float = 0.0) -> AreaEstimate:
    """Estimate the areas of water and land from what was found in each stratum.

    Args:
        interpreted: what somebody found.
        unseen_m2: area without data.

    Raises:
        DataError: of a stratum too few samples are interpreted.
    """
    areas, seen = interpreted.areas_m2, sum(interpreted.areas_m2)
    answered = interpreted.counts.sum(axis=1)
    for name, area, size in zip(interpreted.names, areas, answered.tolist(), strict=True):
        if area and size < LEAST_SAMPLES:
            raise DataError(
                f"of {name} {size or 'no'} sample{' has' if size == 1 else 's have'} an answer of water or land, "
                f"too few to tell how sure the area is",
                hint=f"answer at least {LEAST_SAMPLES} of every stratum, better all",
            )
    assessment = assess(interpreted.counts, areas, interpreted.mapped_as)
    agreements = tuple(_agreements(interpreted))
    return AreaEstimate(
        areas_m2=tuple(share.scaled(seen) for share in assessment.shares),
        mapped_m2=tuple(mapped_m2(areas, interpreted.mapped_as, code) for code in range(len(assessment.shares))),
        unseen_m2=unseen_m2,
        assessment=assessment,
        interpreted=interpreted,
        agreements=agreements,
        notes=(*_notes(interpreted, assessment, unseen_m2), *agreements),
    )


def _notes(interpreted: Interpreted, assessment: Assessment, unseen_m2: float) -> list[str]:
    seen = sum(interpreted.areas_m2)
    notes = []
    if unseen_m2:
        share = max(0.001, unseen_m2 / (unseen_m2 + seen))
        notes.append(f"{unseen_m2 / 1e6:,.4g} km2, {share:.1%} of the raster, hold no data: nothing is said of them")
    if waiting := sum(interpreted.open):
        order = (
            "the others are the first by id, so that they are a random sample too"
            if interpreted.in_order
            else "the others are not the first by id, and if they were chosen for any reason the estimate is biased"
        )
        notes.append(f"{waiting} sample{'s have' if waiting > 1 else ' has'} no answer; {order}")
    if unclear := sum(interpreted.unclear):
        low, high = (_water_if(interpreted, code).value * seen / 1e6 for code in (LAND, WATER))
        notes.append(
            f"of {unclear} sample{'s' if unclear > 1 else ''} nobody could tell, left out as if like the others: "
            f"all land, they would make water {low:,.4g} km2, all water {high:,.4g} km2"
        )
    for name, area, counts in zip(interpreted.names, interpreted.areas_m2, interpreted.counts, strict=True):
        if area and counts.sum() < _FEW:
            notes.append(f"only {counts.sum()} samples of {name} tell water or land: the intervals are rough")
    if any(limits(share, 1.0) != share.interval for share in assessment.shares):
        notes.append("an interval of area would reach beyond what there can be, and is cut off: few samples differ")
    return notes


def _agreements(interpreted: Interpreted) -> Iterator[str]:
    for name, area, counts in zip(interpreted.names, interpreted.areas_m2, interpreted.counts, strict=True):
        if area and not counts.min():
            most = min(1.0, _RULE_OF_THREE / int(counts.sum()))
            yield (
                f"all {counts.sum()} samples of {name} agree, so that it adds nothing to the standard error; "
                f"up to {most:.1%} of it ({most * area / 1e6:,.3g} km2) may still be otherwise"
            )


def _water_if(interpreted: Interpreted, code: int) -> Estimate:
    """The share of water, had all samples been one class of which nobody could tell."""
    counts = interpreted.counts.copy()
    counts[:, code] += np.array(interpreted.unclear)
    return assess(counts, interpreted.areas_m2, interpreted.mapped_as).shares[WATER]
