"""How sure a score is: intervals from drawing the scenes again.

Pixels of one scene are alike, so that they say less than their number: what is drawn again is scenes, whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.codes import WATER

Values = npt.NDArray[np.float64]
Score = Callable[[Values], Values]
"""(draws, k) counts to (draws,) scores; NaN where there is nothing to score."""

DRAWS: Final = 2000
LEAST_SCENES: Final = 5
"""With fewer, an interval would say more of chance than of the model."""
_ENDS: Final = (2.5, 97.5)

Interval = tuple[float, float]


def bootstrap(counts: Sequence[npt.NDArray[Any]], score: Score, *, seed: int = 0) -> Interval | None:
    """The 95 % interval of a score of all scenes together.

    Args:
        counts: of each scene what is summed over scenes before it is scored.
        score: of sums; each has the shape of a scene's counts, after an axis of draws.
        seed: of the draws.

    Returns:
        Its ends; None with fewer than `LEAST_SCENES` scenes, or where too few draws can be scored.

    Source: Efron and Tibshirani 1993, An introduction to the bootstrap, section 13.3, percentile interval.
    """
    if len(counts) < LEAST_SCENES:
        return None
    stacked = np.stack(counts).astype(np.float64)
    scenes = len(stacked)
    times = np.random.default_rng(seed).multinomial(scenes, np.full(scenes, 1 / scenes), size=DRAWS)
    found = score(np.tensordot(times.astype(np.float64), stacked, axes=1))
    found = found[np.isfinite(found)]
    if len(found) < DRAWS / 2:
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
"""By name, as in `watermap.scoring.scores`."""
