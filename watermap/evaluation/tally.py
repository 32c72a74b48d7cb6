"""Scores in the making: pieces of scenes go in, scores of the model and of the baselines come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.evaluation.blocks import Labels, ScoredBlock
from watermap.evaluation.boundaries import BoundaryCounts, boundary_counts
from watermap.evaluation.conditions import CONDITIONS
from watermap.evaluation.reliability import Reliability
from watermap.evaluation.scores import Confusion
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.indices import WATER_INDICES
from watermap.scenes.thresholds import index_histogram, otsu_threshold

MODEL: Final = "watermap"
"""What the model is called beside the baselines."""

_LEAST_PROBABILITY: Final = 1e-7


@dataclass
class Tally:
    """Scores in the making.

    Attributes:
        threshold: probability from which a pixel is water.
        confusion: of the model.
        cross_entropy: its sum in nats.
        baselines: confusion by baseline, e.g. `ndwi` (threshold 0) and `ndwi_otsu`.
        histograms: of each index by label code, (2, bins), for Otsu's threshold.
        boundary: agreement of shorelines.
        conditions: confusion by condition.
        reliability: what the model said, and what was true.
    """

    threshold: float
    confusion: Confusion = field(default_factory=Confusion)
    cross_entropy: float = 0.0
    baselines: dict[str, Confusion] = field(default_factory=dict)
    histograms: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    boundary: BoundaryCounts = field(default_factory=BoundaryCounts)
    conditions: dict[str, Confusion] = field(default_factory=dict)
    reliability: Reliability = field(default_factory=Reliability)

    def add(self, whole: ScoredBlock, rows: slice = slice(None)) -> Mapping[str, Labels]:
        """Score one more piece.

        Args:
            whole: the piece, with what lies above and below it.
            rows: of them those to score.

        Returns:
            (rows, cols) codes of the model's map and of each baseline's that needs no whole scene.
        """
        mapped = np.where(whole.label == NO_DATA, NO_DATA, whole.probability >= self.threshold).astype(np.uint8)
        self.boundary += boundary_counts(whole.label, mapped, rows=rows)
        for name, holds in CONDITIONS.items():
            if (here := holds(whole)) is not None:
                here = here[rows]
                self.conditions.setdefault(name, Confusion()).add(whole.label[rows][here], mapped[rows][here])
        block = whole.rows(rows)
        known = block.label != NO_DATA
        truth = block.label[known]
        probability = block.probability[known]
        found = {MODEL: mapped[rows]}
        self.confusion.add(block.label, found[MODEL])
        self.reliability.add(truth, probability)
        likelihood = np.where(truth == WATER, probability, 1 - probability).astype(np.float64)
        self.cross_entropy -= float(np.log(np.maximum(likelihood, _LEAST_PROBABILITY)).sum())
        for index in WATER_INDICES:
            if not set(index.bands) <= set(block.reflectance):
                continue
            values = index(*(block.reflectance[band][known] for band in index.bands))
            found[index.name] = np.full_like(block.label, NO_DATA)
            found[index.name][known] = index.is_water(values, 0)
            self.baselines.setdefault(index.name, Confusion()).add(block.label, found[index.name])
            counts = np.stack([index_histogram(values[truth == code]) for code in (LAND, WATER)])
            self.histograms[index.name] = self.histograms.get(index.name, 0) + counts
        return found

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
        self.boundary += other.boundary
        self.reliability += other.reliability
        for own, others in ((self.baselines, other.baselines), (self.conditions, other.conditions)):
            for name, confusion in others.items():
                own[name] = own.get(name, Confusion()) + confusion

    def as_dict(self) -> dict[str, float | int | None]:
        """The model's scores by name."""
        scores = vars(self.confusion.scores())
        pixels = scores["pixels"]
        return scores | {
            "cross_entropy": self.cross_entropy / pixels if pixels else None,
            "boundary_f1": self.boundary.f1,
            "boundary_iou": self.boundary.iou,
            "calibration_error": self.reliability.error,
        }

    def baselines_as_dict(self) -> dict[str, dict[str, Any]]:
        """The scores by baseline and name of those baselines that saw the same pixels as the model."""
        pixels = self.confusion.counts.sum()
        same = {name: c for name, c in sorted(self.baselines.items()) if c.counts.sum() == pixels}
        return {name: dict(vars(confusion.scores())) for name, confusion in same.items()}
