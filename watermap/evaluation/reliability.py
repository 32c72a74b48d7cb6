"""Whether a probability means what it says: of the pixels that are said to be water with 70 %, are 70 % water?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.legend import LAND, WATER

Sums = npt.NDArray[np.float64]

BINS: Final = 15
"""Of equal width in probability, as in Guo et al. 2017."""

_LOGIT_END: Final = 12.0
_LOGIT_STEP: Final = 0.02
LOGITS: Final[Sums] = np.arange(-_LOGIT_END, _LOGIT_END + _LOGIT_STEP / 2, _LOGIT_STEP)
"""ln(p / (1 - p)) at the middles of the fine bins."""


@dataclass(eq=False)
class Reliability:
    """Probabilities of water and what was true, gathered piece by piece.

    Attributes:
        pixels: (bins, 2) by probability and truth, land then water.
        predicted: (bins,) sum of the probabilities.
        fine: (logits, 2) pixels by the nearest of `LOGITS` and truth.
    """

    pixels: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((BINS, 2), dtype=np.int64))
    predicted: Sums = field(default_factory=lambda: np.zeros(BINS))
    fine: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(LOGITS), 2), dtype=np.int64))

    def add(self, truth: npt.NDArray[np.uint8], probability: FloatArray) -> None:
        """Take in pixels of known truth.

        Args:
            truth: (n,) 0 land, 1 water.
            probability: (n,) of water, in [0, 1].
        """
        wide = np.minimum((probability * BINS).astype(np.intp), BINS - 1)
        nearest = np.rint((logit(probability) + _LOGIT_END) / _LOGIT_STEP).astype(np.intp)
        for code in (LAND, WATER):
            is_code = truth == code
            self.pixels[:, code] += np.bincount(wide[is_code], minlength=BINS)
            self.fine[:, code] += np.bincount(nearest[is_code], minlength=len(LOGITS))
        self.predicted += np.bincount(wide, weights=probability, minlength=BINS)

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(self.pixels + other.pixels, self.predicted + other.predicted, self.fine + other.fine)

    @property
    def error(self) -> float | None:
        """Expected calibration error of P(water), in [0, 1]; None without pixels.

        Source: Guo et al. 2017, On calibration of modern neural networks, eq. 3, of the probability of water instead
        of that of the likelier class, so that too much and too little water both show.
        """
        total = self.pixels.sum()
        return float(np.abs(self.pixels[:, WATER] - self.predicted).sum() / total) if total else None

    def curve(self) -> list[tuple[float, float, int]]:
        """Of each bin that holds pixels: mean probability, share that is water, pixels."""
        counts = self.pixels.sum(axis=1)
        return [
            (float(predicted / count), float(water / count), int(count))
            for predicted, water, count in zip(self.predicted, self.pixels[:, WATER], counts, strict=True)
            if count
        ]


def logit(probability: FloatArray) -> Sums:
    """ln(p / (1 - p)), within the ends of `LOGITS`."""
    p = np.clip(probability, 0, 1, dtype=np.float64)  # blending rounds
    with np.errstate(divide="ignore"):
        found: Sums = np.clip(np.log(p) - np.log1p(-p), -_LOGIT_END, _LOGIT_END)
    return found


def sigmoid(logits: Sums) -> Sums:
    """1 / (1 + exp(-logit))."""
    found: Sums = 1 / (1 + np.exp(-logits))
    return found
