"""Several answers to one question: bundles that are asked together, a model in its eight symmetries, or both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from watermap.arrays import FloatArray
from watermap.bundles.calibration import Calibration, calibrated
from watermap.prediction.engines.engine import Engine
from watermap.prediction.engines.tta import TRANSFORMS, augmented


@dataclass(frozen=True)
class Member:
    """One bundle of a committee.

    Attributes:
        engine: that runs it.
        calibration: of its probabilities, if any.
    """

    engine: Engine
    calibration: Calibration | None


class Ensemble:
    """An engine of engines: asks them one after another and gives the mean, in the memory of one.

    An answer is a calibrated probability, of a bundle in one symmetry; the committee's word is the mean of the answers.

    Args:
        members: of the same bands and units.
        tta: whether each is asked in all eight symmetries of a window.
        has_disagreement: whether `compute` also gives the mean of the answers' entropies, in bits, of each symmetry by
            itself: what is less than the entropy of the mean is what they disagree about.

    Source: Houlsby et al. 2011, Bayesian active learning by disagreement, eq. 2; Gal et al. 2017.
    """

    def __init__(self, members: Sequence[Member], *, tta: bool, has_disagreement: bool) -> None:
        self._members = members
        self._tta = tta
        self._has_disagreement = has_disagreement
        engines = [member.engine for member in members]
        names = list(dict.fromkeys(engine.name for engine in engines))
        parts = [" and ".join(names), *([f"{len(engines)} bundles"] if len(engines) > 1 else [])]
        self.name = ", ".join([*parts, *([f"{TRANSFORMS} symmetries"] if tta else [])])
        self.batch_size = min(engine.batch_size for engine in engines)
        self.window_pixels = min(engine.window_pixels for engine in engines)
        self.bytes_per_pixel = max(engine.bytes_per_pixel for engine in engines)

    @property
    def flops_per_pixel(self) -> float:
        """See `Engine`."""
        return sum(member.engine.flops_per_pixel for member in self._members) * (TRANSFORMS if self._tta else 1)

    def warm(self, shape: tuple[int, int]) -> None:
        """See `Engine`."""
        for member in self._members:
            member.engine.warm(shape)

    def compute(self, windows: FloatArray) -> FloatArray:
        """See `Engine`; with disagreement (n, 2, rows, cols): probability, and mean entropy of the answers in bits."""
        shape = (len(windows), *windows.shape[2:])
        mean, answer_entropy = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        asked = 0
        for member in self._members:
            for answer in self._answers(member.engine, windows):
                answer = calibrated(member.calibration, answer)
                mean += answer
                asked += 1
                if self._has_disagreement:
                    answer_entropy += entropy_bits(answer)
        mean /= asked
        if not self._has_disagreement:
            return mean
        answer_entropy /= asked
        return np.stack([mean, answer_entropy], axis=1)

    def _answers(self, engine: Engine, windows: FloatArray) -> Iterator[FloatArray]:
        return augmented(engine.compute, windows) if self._tta else iter([engine.compute(windows)])


def entropy_bits(probability: FloatArray) -> FloatArray:
    """Entropy of a probability of two classes: 1 where they are equally likely, 0 where one is certain.

    Source: Shannon 1948, section 6.
    """
    found = np.zeros(probability.shape, dtype=np.float32)
    for p in (probability, 1 - probability):
        inside = np.clip(p, np.float32(1e-12), 1)
        found -= inside * np.log2(inside)
    return found
