"""Water indices and Otsu's threshold: the baseline that needs no training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

_LEAST_REFLECTANCE: Final = 1e-4
"""Noise can make reflectance zero or negative, where a ratio means nothing."""


@dataclass(frozen=True)
class WaterIndex:
    """A normalised difference that is positive over water.

    Attributes:
        name: its short name.
        bright: the band in which water is brighter.
        dark: the band in which water is darker.
        source: who proposed it.
    """

    name: str
    bright: str
    dark: str
    source: str

    def __call__(self, bright: FloatArray, dark: FloatArray) -> FloatArray:
        """The index, in [-1, 1].

        Args:
            bright: reflectance of the band in which water is brighter, any shape.
            dark: of the other, the same shape.
        """
        high = np.maximum(bright, _LEAST_REFLECTANCE)
        low = np.maximum(dark, _LEAST_REFLECTANCE)
        index: FloatArray = (high - low) / (high + low)
        return index


NDWI: Final = WaterIndex("ndwi", "B3", "B8", "McFeeters 1996")
MNDWI: Final = WaterIndex("mndwi", "B3", "B11", "Xu 2006")
WATER_INDICES: Final = (NDWI, MNDWI)

_BINS: Final = 2000


def index_histogram(index: FloatArray) -> npt.NDArray[np.int64]:
    """Counts (2000,) of index values in equal bins over [-1, 1]."""
    counts, _ = np.histogram(index, bins=_BINS, range=(-1.0, 1.0))
    return counts.astype(np.int64)


def otsu_threshold(histogram: npt.NDArray[np.int64]) -> float:
    """The index value that splits a histogram into its two most distinct halves.

    Args:
        histogram: counts as `index_histogram` gives them.

    Returns:
        The lower edge of the first bin of the upper half; 0 for an empty histogram.

    Source: Otsu 1979.
    """
    weights = histogram / max(int(histogram.sum()), 1)
    centres = (np.arange(_BINS) + 0.5) / _BINS * 2 - 1
    below = np.cumsum(weights)[:-1]
    mean_below = np.cumsum(weights * centres)[:-1]
    mean = float((weights * centres).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean * below - mean_below) ** 2 / (below * (1 - below))
    if not np.isfinite(between).any():
        return 0.0
    best = np.flatnonzero(between == np.nanmax(between[np.isfinite(between)]))
    return float((best.mean() + 1) / _BINS * 2 - 1)
