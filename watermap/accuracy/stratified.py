"""Areas and accuracies with standard errors from a stratified random sample.

Source: Olofsson et al. 2014, Good practices for estimating area and assessing accuracy of land change, Remote Sensing
of Environment 148, equations 1 to 13; user's and producer's accuracies of classes of several strata as in Stehman 2014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap.errors import DataError

Shares = npt.NDArray[np.float64]

LEAST_SAMPLES: Final = 2
"""Of a stratum: one alone says nothing of how much it varies."""
_Z: Final = 1.96
"""Half the width of a 95 % interval, in standard errors."""


@dataclass(frozen=True)
class Estimate:
    """A figure and how sure it is.

    Attributes:
        value: the estimate.
        standard_error: of it.
    """

    value: float
    standard_error: float

    @property
    def margin(self) -> float:
        """Half the width of the 95 % confidence interval."""
        return _Z * self.standard_error

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval."""
        return self.value - self.margin, self.value + self.margin

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(self.value * factor, self.standard_error * factor)


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


def assess(counts: npt.ArrayLike, areas: npt.ArrayLike, mapped_as: Sequence[int]) -> Assessment:
    """Estimate shares of area and accuracies.

    Args:
        counts: (strata, classes) samples of each stratum that are each class in truth.
        areas: (strata,) area of each, in any unit; all of the area lies in one of them.
        mapped_as: the class that each stratum was mapped as.

    Raises:
        DataError: a stratum with an area has fewer than two samples.
    """
    samples, weights = np.asarray(counts, dtype=np.float64), np.asarray(areas, dtype=np.float64)
    taken = samples.sum(axis=1)
    for stratum in np.flatnonzero((taken < LEAST_SAMPLES) & (weights > 0)):
        raise DataError(
            f"stratum {stratum} has {int(taken[stratum])} interpreted samples, too few to tell its uncertainty",
            hint=f"interpret at least {LEAST_SAMPLES} of each stratum",
        )
    weights = weights / weights.sum()
    shown = samples / np.maximum(taken, 1)[:, None]
    variances = weights[:, None] ** 2 * shown * (1 - shown) / np.maximum(taken - 1, 1)[:, None]
    classes = range(samples.shape[1])
    own = np.array([[stratum == label for label in classes] for stratum in mapped_as])
    shares = weights @ shown
    right = (weights[:, None] * shown * own).sum(axis=0)
    mapped = (weights[:, None] * own).sum(axis=0)
    return Assessment(
        shares=tuple(Estimate(float(shares[k]), math.sqrt(variances[:, k].sum())) for k in classes),
        users=tuple(_ratio(right[k], mapped[k], variances[own[:, k], k].sum()) for k in classes),
        producers=tuple(_producers(right[k], shares[k], variances[:, k], own[:, k]) for k in classes),
        overall=Estimate(float(right.sum()), math.sqrt((variances * own).sum())),
    )


def _ratio(part: float, whole: float, variance: float) -> Estimate | None:
    """A part of a whole that is known."""
    return Estimate(part / whole, math.sqrt(variance) / whole) if whole > 0 else None


def _producers(right: float, share: float, variances: Shares, own: npt.NDArray[np.bool_]) -> Estimate | None:
    """The share of a class that was mapped as it: a ratio of two estimates."""
    if share <= 0:
        return None
    accuracy = right / share
    variance = (1 - accuracy) ** 2 * variances[own].sum() + accuracy**2 * variances[~own].sum()
    return Estimate(float(accuracy), math.sqrt(variance) / share)


def samples_wanted(areas: npt.ArrayLike, expected: npt.ArrayLike, standard_error: float) -> int:
    """Samples that estimate a share of area to a standard error, allotted to strata by `allotted`.

    Args:
        areas: (strata,) of each, in any unit.
        expected: (strata,) the share of each that is thought to be the class.
        standard_error: wanted, as a share of all of the area.

    Source: Cochran 1977, eq. 5.25, as Olofsson et al. 2014, eq. 13, without the correction for small areas.
    """
    weights = np.asarray(areas, dtype=np.float64)
    share = np.asarray(expected, dtype=np.float64)
    spread = float((weights / weights.sum() * np.sqrt(share * (1 - share))).sum())
    return math.ceil((spread / standard_error) ** 2)
