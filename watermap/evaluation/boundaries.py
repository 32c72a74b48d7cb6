"""How well a map's shorelines lie where the label's do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from watermap.arrays import Codes, Mask
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.neighbourhood import dilate

TOLERANCE_PX: Final = 2


@dataclass(frozen=True)
class BoundaryCounts:
    """Agreement of shorelines, gathered piece by piece.

    Attributes:
        truth, truth_met: pixels of the label's shorelines, and those with one of the map's within the tolerance.
        mapped, mapped_met: the same the other way round.
        both, either: pixels of water along the shorelines, as wide as the tolerance, in both and in either.
    """

    truth: int = 0
    truth_met: int = 0
    mapped: int = 0
    mapped_met: int = 0
    both: int = 0
    either: int = 0

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def f1(self) -> float | None:
        """Harmonic mean of the shares that are met, in [0, 1]; None if neither has a shoreline.

        Source: Csurka et al. 2013, What is a good evaluation measure for semantic segmentation?, section 3.
        """
        if not self.truth and not self.mapped:
            return None
        if not self.truth_met or not self.mapped_met:
            return 0.0
        recall, precision = self.truth_met / self.truth, self.mapped_met / self.mapped
        return 2 * recall * precision / (recall + precision)

    @property
    def iou(self) -> float | None:
        """Intersection over union of the water along shorelines; None if neither has a shoreline.

        Source: Cheng et al. 2021, Boundary IoU, eq. 1, with the edge of an image not counted as a shoreline.
        """
        return self.both / self.either if self.either else None


def boundary_counts(
    truth: Codes, mapped: Codes, tolerance_px: int = TOLERANCE_PX, rows: slice = slice(None)
) -> BoundaryCounts:
    """Compare the shorelines of a map with a label's.

    A shoreline is water beside land along a row or column. Beside pixels that are unknown in either, as far as the
    tolerance, nothing is judged: the shoreline may lie under them.

    Args:
        truth: (rows, cols) codes 0 land, 1 water, 255 unknown.
        mapped: the same of the map.
        tolerance_px: how far apart shorelines may lie, in pixels, as the crow flies.
        rows: of them those to count; `tolerance_px` + 1 others each side are enough to count them as in a whole scene.
    """
    unknown = (truth == NO_DATA) | (mapped == NO_DATA)
    judged = ~dilate(unknown, tolerance_px, metric="euclidean")[rows]
    shore = {name: _shoreline(codes, unknown) for name, codes in (("truth", truth), ("mapped", mapped))}
    near = {name: dilate(line, tolerance_px, metric="euclidean")[rows] for name, line in shore.items()}
    lines = {name: line[rows] & judged for name, line in shore.items()}
    band = {
        name: near[name] & (codes == WATER)[rows] & judged for name, codes in (("truth", truth), ("mapped", mapped))
    }
    return BoundaryCounts(
        truth=_count(lines["truth"]),
        truth_met=_count(lines["truth"] & near["mapped"]),
        mapped=_count(lines["mapped"]),
        mapped_met=_count(lines["mapped"] & near["truth"]),
        both=_count(band["truth"] & band["mapped"]),
        either=_count(band["truth"] | band["mapped"]),
    )


def _shoreline(codes: Codes, unknown: Mask) -> Mask:
    """Water beside known land."""
    land = (codes == LAND) & ~unknown
    shoreline: Mask = dilate(land, 1, metric="euclidean") & (codes == WATER) & ~unknown
    return shoreline


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
