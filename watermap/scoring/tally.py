"""Scores in the making: pieces of scenes go in, scores of the model and of the baselines come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.cog import LAND, NO_DATA, WATER
from watermap.indices import WATER_INDICES, index_histogram, otsu_threshold
from watermap.radiometry import FloatArray
from watermap.scoring.scores import Confusion

Labels = npt.NDArray[np.uint8]

_LEAST_PROBABILITY: Final = 1e-7


@dataclass(frozen=True)
class Piece:
    """Rows of a scene, or one patch of it, with all that scoring needs.

    Attributes:
        label: (rows, cols), 255 where the label is unknown or the image holds no data.
        probability: (rows, cols) of water.
        reflectance: (rows, cols) by band, for the bands of indices and pictures that there are.
    """

    label: Labels
    probability: FloatArray
    reflectance: Mapping[str, FloatArray]


@dataclass
class Tally:
    """Scores in the making.

    Attributes:
        threshold: probability from which a pixel is water.
        confusion: of the model.
        cross_entropy: its sum in nats.
        baselines: confusion by baseline, e.g. `ndwi` (threshold 0) and `ndwi_otsu`.
        histograms: of each index by label code, (2, bins), for Otsu's threshold.
    """

    threshold: float
    confusion: Confusion = field(default_factory=Confusion)
    cross_entropy: float = 0.0
    baselines: dict[str, Confusion] = field(default_factory=dict)
    histograms: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def add(self, piece: Piece) -> None:
        """Score one more piece."""
        known = piece.label != NO_DATA
        truth = piece.label[known]
        probability = piece.probability[known]
        self.confusion.add(truth, np.where(probability >= self.threshold, WATER, LAND))
        likelihood = np.where(truth == WATER, probability, 1 - probability).astype(np.float64)
        self.cross_entropy -= float(np.log(np.maximum(likelihood, _LEAST_PROBABILITY)).sum())
        for index in WATER_INDICES:
            if index.bright not in piece.reflectance or index.dark not in piece.reflectance:
                continue
            values = index(piece.reflectance[index.bright][known], piece.reflectance[index.dark][known])
            self.baselines.setdefault(index.name, Confusion()).add(truth, np.where(values > 0, WATER, LAND))
            counts = np.stack([index_histogram(values[truth == code]) for code in (LAND, WATER)])
            self.histograms[index.name] = self.histograms.get(index.name, 0) + counts

    def finish(self) -> None:
        """Threshold each index by Otsu, now that the whole scene is known."""
        for name, histogram in self.histograms.items():
            threshold = otsu_threshold(histogram.sum(axis=0))
            first = round((threshold + 1) / 2 * histogram.shape[1])
            counts = np.stack([histogram[:, :first].sum(axis=1), histogram[:, first:].sum(axis=1)], axis=1)
            self.baselines[f"{name}_otsu"] = Confusion(counts)

    def merge(self, other: Tally) -> None:
        """Take in the scores of another scene, finished."""
        self.confusion += other.confusion
        self.cross_entropy += other.cross_entropy
        for name, confusion in other.baselines.items():
            self.baselines[name] = self.baselines.get(name, Confusion()) + confusion

    def as_dict(self) -> dict[str, float | int | None]:
        """The model's scores by name."""
        scores = vars(self.confusion.scores())
        pixels = scores["pixels"]
        return scores | {"cross_entropy": self.cross_entropy / pixels if pixels else None}

    def baselines_as_dict(self) -> dict[str, dict[str, Any]]:
        """The scores by baseline and name of those baselines that saw the same pixels as the model."""
        pixels = self.confusion.counts.sum()
        same = {name: c for name, c in sorted(self.baselines.items()) if c.counts.sum() == pixels}
        return {name: dict(vars(confusion.scores())) for name, confusion in same.items()}
