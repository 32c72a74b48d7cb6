"""What a water index says of a scene, once the scene has shown what its own water and land look like. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import Codes, Mask
from watermap.legend import LAND, WATER
from watermap.scenes.indices import NormalisedDifference
from watermap.scenes.neighbourhood import dilate
from watermap.scenes.thresholds import otsu_threshold

Reflectance = npt.NDArray[np.float32]

_BINS: Final = 2000
_CLASSES: Final = (LAND, WATER)
_LEAST_PIXELS: Final = 100
"""Of sure land and of sure water: fewer do not show what a scene's water looks like."""
_HALF: Final = 0.5
_UNSURE: Final = 0.1
"""A pixel is water from a half on; what an index says of its share is not surer than a tenth."""
_LITERATURE: Final = 0.0
"""Where a scene shows too little, water is what is above 0. Source: McFeeters 1996, Xu 2006."""
_EACH: Final = 1_000_000
"""What each class weighs in Otsu's histogram."""


@dataclass(frozen=True)
class IndexRule:
    """From which value of an index a pixel is water, and below which it is land.

    Attributes:
        index: which one.
        wet_from: a pixel of this value, or of a higher one, is water wherever it lies.
        damp_from: one of this value, or of a higher one, is more than half water if it holds any.
        dry_below: one of a lower value is less than half water, or none at all.
        agreement: share of the sure water that is water by it, and None where the scene showed too little of either
            class to learn from, so that all values are those of the literature.
    """

    index: NormalisedDifference
    wet_from: float
    damp_from: float
    dry_below: float
    agreement: float | None


def sure_pixels(codes: Codes, shore_px: int, ring_px: int) -> tuple[Mask, Mask]:
    """Land and water that a coarse label is sure of: not beside a shoreline of its own.

    Land counts only near water: what grows on far mountains says nothing of shores.

    Args:
        codes: (rows, cols) of the label.
        shore_px: how far from a shoreline it is not sure.
        ring_px: how much farther land counts.
    """
    land, water = codes == LAND, codes == WATER
    beside_water = dilate(water, shore_px, metric="chessboard")
    ring = dilate(beside_water, ring_px, metric="chessboard") & land & ~beside_water
    return ring, water & ~dilate(land, shore_px, metric="chessboard")


@dataclass
class IndexSamples:
    """What sure land and sure water look like, gathered piece by piece: by class and value of the index.

    Attributes:
        index: which one.
        counts: (2, bins) pixels.
        bright, dark: (2, bins) sums of reflectance in the index's two bands.
    """

    index: NormalisedDifference
    counts: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, _BINS)))
    bright: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, _BINS)))
    dark: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, _BINS)))

    def add(self, sure: tuple[Mask, Mask], bright: Reflectance, dark: Reflectance) -> None:
        """Take in more pixels.

        Args:
            sure: (rows, cols) of land and of water.
            bright: (rows, cols) reflectance of the band in which water is brighter.
            dark: of the other.
        """
        for code, here in zip(_CLASSES, sure, strict=True):
            high, low = bright[here], dark[here]
            bins = np.clip(((self.index(high, low) + 1) / 2 * _BINS).astype(np.intp), 0, _BINS - 1)
            self.counts[code] += np.bincount(bins, minlength=_BINS)
            self.bright[code] += np.bincount(bins, weights=high, minlength=_BINS)
            self.dark[code] += np.bincount(bins, weights=low, minlength=_BINS)

    def rule(self) -> IndexRule:
        """What follows for all other pixels of the scene.

        Wet is what reaches Otsu's threshold between sure land and sure water, both of the same weight. A pixel of the
        shore that is half water lies far below it: in the band where water is darkest land is bright, so that a little
        land makes a normalised difference fall much more than by its share. Where it then lies follows from the mean
        land and the mean water, mixed. What is unsure about it must lie evenly on both sides of a half: were all
        between land and Otsu's threshold left out, a model would be free to draw its shores too far inside the water.

        Source: Otsu 1979; for mixed pixels, linear mixing as in Settle and Drake 1993.
        """
        if self.counts.sum(axis=1).min() < _LEAST_PIXELS:
            return IndexRule(self.index, _LITERATURE, _LITERATURE, _LITERATURE, None)
        weights = self.counts / self.counts.sum(axis=1, keepdims=True) * _EACH
        wet_from = otsu_threshold(np.rint(weights.sum(axis=0)).astype(np.int64))
        first = round((wet_from + 1) / 2 * _BINS)
        dry, wet = self._means(LAND, slice(0, first)), self._means(WATER, slice(first, _BINS))
        agreement = float(self.counts[WATER, first:].sum() / self.counts[WATER].sum())
        if dry is None or wet is None:  # no water where there should be: told by the agreement
            return IndexRule(self.index, wet_from, wet_from, wet_from, agreement)
        mixed = [share * wet + (1 - share) * dry for share in (_HALF + _UNSURE, _HALF - _UNSURE)]
        damp_from, dry_below = (min(wet_from, float(self.index(each[:1], each[1:])[0])) for each in mixed)
        return IndexRule(self.index, wet_from, damp_from, dry_below, agreement)

    def _means(self, code: int, bins: slice) -> npt.NDArray[np.float64] | None:
        """Mean reflectance in both bands of the pixels of a class with some values of the index."""
        count = self.counts[code, bins].sum()
        if not count:
            return None
        return np.array([self.bright[code, bins].sum() / count, self.dark[code, bins].sum() / count])
