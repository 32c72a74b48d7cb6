"""Areas and accuracies with standard errors and 95 % intervals from a stratified random sample.

Source: Olofsson et al. 2014, Good practices for estimating area and assessing accuracy of land change, Remote Sensing
of Environment 148, equations 1 to 13; user's and producer's accuracies of classes of several strata as in Stehman 2014;
strata of few pixels as in Cochran 1977, eq. 5.8. Intervals are not theirs, which are too short where few samples
differ, but those of `intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap.errors import DataError
from watermap.maps.area.intervals import Shares, Z, part_interval, score_intervals, sum_interval

LEAST_SAMPLES: Final = 2
"""Of a stratum that has more pixels: one alone says nothing of how much it varies."""


@dataclass(frozen=True)
class Figure:
    """A figure and how much it varies.

    Attributes:
        value: the figure.
        standard_error: of it.
    """

    value: float
    standard_error: float

    @property
    def margin(self) -> float:
        """1.96 standard errors: half of a 95 % interval where many samples differ."""
        return Z * self.standard_error


@dataclass(frozen=True)
class Estimate(Figure):
    """A figure that was estimated.

    Attributes:
        low, high: ends of the 95 % confidence interval, each as far from the value as it must be.
    """

    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        """Whether all that it is of was seen."""
        return math.isclose(self.low, self.high, rel_tol=1e-9, abs_tol=1e-12)

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(self.value * factor, self.standard_error * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Assessment:
    """What a stratified sample says of a map and of the ground.

    Attributes:
        shares: by class, its true share of the area.
        users: by class, the share of what is mapped as it that is it; None where nothing is.
        producers: by class, the share of it that is mapped as it; None where no sample shows it.
        overall: the share of the area that is mapped right.
    """

    shares: tuple[Estimate, ...]
    users: tuple[Estimate | None, ...]
    producers: tuple[Estimate | None, ...]
    overall: Estimate


def assess(
    counts: npt.ArrayLike, areas: npt.ArrayLike, mapped_as: Sequence[int], pixels: npt.ArrayLike | None = None
) -> Assessment:
    """Estimate shares of area and accuracies.

    Args:
        counts: (strata, classes) samples of each stratum that are each class in truth.
        areas: (strata,) area of each, in any unit; all of the area lies in one of them.
        mapped_as: the class that each stratum was mapped as.
        pixels: (strata,) that each has, of like areas; None if so many that it does not matter.

    Raises:
        DataError: a stratum with an area has fewer than two samples, and more pixels.
    """
    samples, weights = np.asarray(counts, dtype=np.float64), np.asarray(areas, dtype=np.float64)
    taken = samples.sum(axis=1)
    whole = np.full(len(taken), np.inf) if pixels is None else np.asarray(pixels, dtype=np.float64)
    for stratum in np.flatnonzero((taken < np.minimum(LEAST_SAMPLES, whole)) & (weights > 0)):
        raise DataError(
            f"stratum {stratum} has {int(taken[stratum])} interpreted samples, too few to tell its uncertainty",
            hint=f"interpret at least {LEAST_SAMPLES} of each stratum",
        )
    weights, number = weights / weights.sum(), np.maximum(taken, 1)
    shown = samples / number[:, None]
    left = np.maximum(0, 1 - number / np.maximum(whole, 1))
    variances = (weights**2 * left / np.maximum(taken - 1, 1))[:, None] * shown * (1 - shown)
    ends = score_intervals(samples, number[:, None], whole[:, None])
    strata = _Strata(weights, shown, variances, *ends)
    classes = range(samples.shape[1])
    own = np.array([[stratum == label for label in classes] for stratum in mapped_as])
    return Assessment(
        shares=tuple(strata.one(k).total() for k in classes),
        users=tuple(_users(strata.one(k, own[:, k]), float(weights[own[:, k]].sum())) for k in classes),
        producers=tuple(_producers(strata.one(k, own[:, k]), strata.one(k, ~own[:, k])) for k in classes),
        overall=strata.of(own).total(),
    )


@dataclass(frozen=True)
class _Strata:
    """Shares of strata that are something: (strata,), or (strata, classes) for each class.

    Attributes:
        weights: (strata,) of each in all of the area.
        shown: shares of the samples.
        variances: of the shares, weighed.
        low, high: ends of the shares' 95 % intervals.
    """

    weights: Shares
    shown: Shares
    variances: Shares
    low: Shares
    high: Shares

    def of(self, where: npt.NDArray[np.bool_]) -> _Strata:
        """One share of some strata.

        Args:
            where: (strata, classes) the class of each stratum; of none, it is left out.
        """
        weights = self.weights[where.any(axis=1)]
        return _Strata(weights, self.shown[where], self.variances[where], self.low[where], self.high[where])

    def one(self, label: int, where: npt.NDArray[np.bool_] | None = None) -> _Strata:
        """A class in some strata, or in all."""
        chosen = np.zeros(self.shown.shape, dtype=np.bool_)
        chosen[:, label] = True if where is None else where
        return self.of(chosen)

    def total(self) -> Estimate:
        """The share of all of the area."""
        low, high = sum_interval(self.weights, self.shown, self.low, self.high)
        return Estimate(float(self.weights @ self.shown), math.sqrt(self.variances.sum()), low, min(1.0, high))


def _users(right: _Strata, mapped: float) -> Estimate | None:
    """The share of what is mapped as a class that is it: a part of a whole that is known."""
    if mapped <= 0:
        return None
    found = right.total().scaled(1 / mapped)
    return Estimate(found.value, found.standard_error, found.low, min(1.0, found.high))


def _producers(right: _Strata, missed: _Strata) -> Estimate | None:
    """The share of a class that was mapped as it: a ratio of two estimates."""
    part, rest = right.total(), missed.total()
    share = part.value + rest.value
    if share <= 0:
        return None
    accuracy = part.value / share
    variance = (1 - accuracy) ** 2 * part.standard_error**2 + accuracy**2 * rest.standard_error**2
    low, high = part_interval(part.value, (part.low, part.high), rest.value, (rest.low, rest.high))
    return Estimate(accuracy, math.sqrt(variance) / share, low, high)


def samples_wanted(
    areas: npt.ArrayLike, expected: npt.ArrayLike, standard_error: float, pixels: npt.ArrayLike | None = None
) -> int:
    """Samples that estimate a share of area to a standard error, allotted to strata by `allotted`.

    Args:
        areas: (strata,) of each, in any unit.
        expected: (strata,) the share of each that is thought to be the class.
        standard_error: wanted, as a share of all of the area.
        pixels: (strata,) that each has; None if so many that it does not matter.

    Source: Cochran 1977, eq. 5.25, as Olofsson et al. 2014, eq. 13.
    """
    weights, share = np.asarray(areas, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    whole = np.maximum(np.inf if pixels is None else np.asarray(pixels, dtype=np.float64), 1)
    spread = weights / weights.sum() * np.sqrt(share * (1 - share))
    return math.ceil(float(spread.sum() ** 2 / (standard_error**2 + (spread**2 / whole).sum())))
