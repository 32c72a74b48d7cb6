"""How sure a score is: intervals from drawing pieces of ground again.

Pixels of one place are alike, so that they say less than their number: what is drawn again is pieces of ground, whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.bundles.contract import LEAST_GROUNDS
from watermap.legend import WATER

Values = npt.NDArray[np.float64]
Score = Callable[[Values], Values]
"""(draws, k) counts to (draws,) scores; NaN where there is nothing to score."""

RESAMPLES: Final = 10_000
"""With fewer, chance would be seen in the third digit."""
_ENDS: Final = (2.5, 97.5)
_AT_ONCE: Final = 2 << 20
"""Pieces that are drawn at once, over all draws, which takes 32 MB."""

Interval = tuple[float, float]


def bootstrap_sums(counts: Sequence[npt.NDArray[Any]], *, seed: int = 0) -> Values | None:
    """Sums over pieces of ground that are drawn again, as many as there are.

    Args:
        counts: of each piece what is summed; of several methods together, so that all are seen on the same draws.
        seed: of the draws.

    Returns:
        (draws, ...) sums; None with fewer than `LEAST_GROUNDS` pieces.
    """
    if len(counts) < LEAST_GROUNDS:
        return None
    stacked = np.stack(counts).astype(np.float64)
    pieces = len(stacked)
    random, shares = np.random.default_rng(seed), np.full(pieces, 1 / pieces)
    size = max(1, _AT_ONCE // pieces)
    batches = [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]
    times = (random.multinomial(pieces, shares, size=batch).astype(np.float64) for batch in batches)
    return np.concatenate([np.tensordot(each, stacked, axes=1) for each in times])


def interval(sums: Values, score: Score) -> Interval | None:
    """The 95 % interval of a score of the sums of `bootstrap_sums`; None where too few draws can be scored.

    Source: Efron and Tibshirani 1993, An introduction to the bootstrap, section 13.3, percentile interval.
    """
    found = score(sums)
    found = found[np.isfinite(found)]
    if len(found) < len(sums) / 2:
        return None
    low, high = np.percentile(found, _ENDS)
    return float(low), float(high)


def _of_classes(confusion: Values) -> tuple[Values, Values]:
    """Pixels in truth and map, and in either, (draws, 2)."""
    both = np.diagonal(confusion, axis1=-2, axis2=-1)
    return both, confusion.sum(axis=-2) + confusion.sum(axis=-1) - both


def water_iou(confusion: Values) -> Values:
    """Of (draws, 2, 2) pixels, [truth, map]."""
    both, either = _of_classes(confusion)
    with np.errstate(invalid="ignore"):
        found: Values = both[..., WATER] / either[..., WATER]
    return found


def mean_iou(confusion: Values) -> Values:
    """The same, averaged over land and water."""
    both, either = _of_classes(confusion)
    with np.errstate(invalid="ignore"):
        found: Values = (both / either).mean(axis=-1)
    return found


def accuracy(confusion: Values) -> Values:
    """Share of pixels that agree."""
    with np.errstate(invalid="ignore"):
        found: Values = np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1))
    return found


def dice(confusion: Values) -> Values:
    """2 intersection / (truth + map), averaged over land and water."""
    both, either = _of_classes(confusion)
    with np.errstate(invalid="ignore"):
        found: Values = (2 * both / (either + both)).mean(axis=-1)
    return found


def iou_gain(confusions: Values) -> Values:
    """Water IoU of the first less that of the second, of (draws, 2, 2, 2) pixels, [map, truth, class]."""
    return water_iou(confusions[:, 0]) - water_iou(confusions[:, 1])


SCORES: Final[Mapping[str, Score]] = {
    "water_iou": water_iou,
    "mean_iou": mean_iou,
    "dice": dice,
    "accuracy": accuracy,
}
"""By name, as in `watermap.evaluation.scores`."""
