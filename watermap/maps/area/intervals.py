"""95 % intervals of shares of strata, and of what is made of several: they hold near 0 and 1 and of few samples too.

Each stratum has the score interval of Wilson 1927, with the ends of Brown, Cai and DasGupta 2001 where one to three
samples differ. Sums and ratios of strata are made of these by the method of variance estimates recovery: the distance
from the estimate to an end takes the place of 1.96 standard errors, on each side its own.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]
Interval = tuple[float, float]

Z: Final = 1.96
"""Half the width of a 95 % interval, in standard errors."""
_RARE: Final = np.array([0.0, 0.0513, 0.3554, 0.8177, np.inf])
"""The fewest to be expected where none, one, two, three are seen, at 95 %: half of chi-square's 5 % point."""
_SMALL: Final = 50
"""Up to so many samples the score interval holds of three that differ."""


def score_intervals(hits: npt.ArrayLike, taken: npt.ArrayLike, pixels: npt.ArrayLike) -> tuple[Shares, Shares]:
    """The 95 % intervals of the shares of strata: their low ends and their high ends.

    Args:
        hits: samples that are something.
        taken: samples of each stratum, at least one.
        pixels: that each stratum has, of like areas; infinity where it is so large that it does not matter.

    Source: Brown, Cai and DasGupta 2001, section 4.1.1; of a finite stratum n (N - 1) / (N - n) samples are worth as
    much as n of an endless one (Cochran 1977, eq. 3.8), and what was seen is known.
    """
    some, number, whole = (np.asarray(each, dtype=np.float64) for each in (hits, taken, pixels))
    return _low_ends(some, number, whole), 1 - _low_ends(number - some, number, whole)


def _low_ends(hits: Shares, taken: Shares, pixels: Shares) -> Shares:
    share = hits / taken
    width = Z**2 * finite_correction(taken, pixels) / taken
    low = (share + width / 2 - np.sqrt(width * share * (1 - share) + width**2 / 4)) / (1 + width)
    few = np.where((taken <= _SMALL) & (hits > 2), np.inf, _RARE[np.minimum(hits, len(_RARE) - 1).astype(np.intp)])
    return np.maximum(np.minimum(low, few / taken), hits / np.maximum(pixels, 1))


def finite_correction(taken: npt.ArrayLike, pixels: npt.ArrayLike) -> Shares:
    """By how much the variance of a share is smaller than that of an endless stratum: 0 where all of it was seen.

    Args:
        taken: samples of each stratum.
        pixels: that each has, at least as many; infinity where it is so large that it does not matter.
    """
    number, whole = np.asarray(taken, dtype=np.float64), np.asarray(pixels, dtype=np.float64)
    finite = np.where(np.isfinite(whole), whole, 1)
    return np.where(np.isfinite(whole), (finite - number) / np.maximum(finite - 1, 1), 1.0).clip(0, 1)


def sum_interval(weights: Shares, shares: Shares, low: Shares, high: Shares) -> Interval:
    """The interval of a sum of shares of independent strata.

    Args:
        weights: of each stratum.
        shares: estimated of each.
        low: end of the interval of each.
        high: its other end.

    Source: Zou and Donner 2008, Construction of confidence limits about effect measures: a general approach.
    """
    value = float(weights @ shares)
    down, up = (math.sqrt(((weights * (shares - end)) ** 2).sum()) for end in (low, high))
    return max(0.0, value - down), value + up


def part_interval(part: float, of_part: Interval, rest: float, of_rest: Interval) -> Interval:
    """The interval of a part's share of itself and an independent rest.

    Args:
        part: estimated.
        of_part: its interval.
        rest: estimated; one of both is more than 0.
        of_rest: its interval.

    Source: Donner and Zou 2012, Closed-form confidence intervals for functions of the normal mean and standard
    deviation, of the ratio of rest and part, in a form in which both may be 0.
    """
    return _part_low(part, of_part, rest, of_rest), 1 - _part_low(rest, of_rest, part, of_part)


def _part_low(part: float, of_part: Interval, rest: float, of_rest: Interval) -> float:
    """Where as much less of the part, and as much more of the rest, is just as likely as an end of an interval."""
    less, more = part - of_part[0], of_rest[1] - rest
    left = max(0.0, part**2 - less**2)
    other = part * rest + math.sqrt(rest**2 * less**2 + more**2 * left)
    return left / (left + other) if left else 0.0
