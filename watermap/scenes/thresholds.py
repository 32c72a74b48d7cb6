"""Thresholds of an index from its own histogram, which grows piece by piece."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_BIN: Final = 1e-3
_WHOLE: Final = (-1.0, 1.0)
_LEAST_PIXELS: Final = 100
"""Fewer show no modes."""
_EVEN_DISTANCE: Final = 12**0.5
"""How far apart the halves of an even spread of values lie, which has no mode at all, in units of their own spread."""


def index_histogram(
    values: npt.NDArray[np.floating[Any]], value_range: tuple[float, float] = _WHOLE
) -> npt.NDArray[np.int64]:
    """Counts of index values in bins of 0.001; those beyond the range are counted at its ends.

    Args:
        values: any shape, without NaN.
        value_range: the lower end of the first bin and the upper one of the last.
    """
    low, high = value_range
    counts, _ = np.histogram(np.clip(values, low, high), bins=round((high - low) / _BIN), range=value_range)
    return counts.astype(np.int64)


def otsu_threshold(histogram: npt.NDArray[np.int64], value_range: tuple[float, float] = _WHOLE) -> float:
    """The index value that splits a histogram into its two most distinct halves.

    Args:
        histogram: counts as `index_histogram` gives them.
        value_range: of the histogram.

    Returns:
        The lower edge of the first bin of the upper half; 0 for an empty histogram.

    Source: Otsu 1979.
    """
    low, high = value_range
    bins = len(histogram)
    weights = histogram / max(int(histogram.sum()), 1)
    centres = (np.arange(bins) + 0.5) / bins * (high - low) + low
    below = np.cumsum(weights)[:-1]
    mean_below = np.cumsum(weights * centres)[:-1]
    mean = float((weights * centres).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean * below - mean_below) ** 2 / (below * (1 - below))
    if not np.isfinite(between).any():
        return 0.0
    best = np.flatnonzero(between == np.nanmax(between[np.isfinite(between)]))
    return float((best.mean() + 1) / bins * (high - low) + low)


def has_two_modes(
    histogram: npt.NDArray[np.int64], threshold: float, value_range: tuple[float, float] = _WHOLE
) -> bool:
    """Whether a threshold splits a histogram into two hills, not one hill in its middle.

    The halves of two hills lie farther apart, in units of their own spread, than those of an even spread of values; the
    halves of a single hill lie closer together. It does not matter how much smaller one of the hills is.

    Args:
        histogram: counts as `index_histogram` gives them.
        threshold: Otsu's.
        value_range: of the histogram.

    Source: the distance is that of Ashman et al. 1994, doi:10.1086/117248.
    """
    low, high = value_range
    bins = len(histogram)
    if histogram.sum() < _LEAST_PIXELS:
        return False
    centres = (np.arange(bins) + 0.5) / bins * (high - low) + low
    first = round((threshold - low) / (high - low) * bins)
    means, variances = [], []
    for part in (slice(None, first), slice(first, None)):
        count = histogram[part].sum()
        if not count:
            return False
        means.append(float((histogram[part] * centres[part]).sum() / count))
        variances.append(float((histogram[part] * (centres[part] - means[-1]) ** 2).sum() / count))
    spread = (sum(variances) / 2 + ((high - low) / bins) ** 2 / 12) ** 0.5  # a bin has a width of its own
    return bool(means[1] - means[0] > _EVEN_DISTANCE * spread)
