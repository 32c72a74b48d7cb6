"""All scenes that have labels of one kind, scored together: scores, how sure they are, and where the map is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from watermap.codes import LAND, WATER
from watermap.scoring.boundaries import TOLERANCE_PX
from watermap.scoring.intervals import DRAWS, SCORES, Interval, bootstrap, iou_gain
from watermap.scoring.scores import Counts, class_scores
from watermap.scoring.tally import MODEL, Tally

_CLASSES: Final = {"land": LAND, "water": WATER}


@dataclass
class Pool:
    """Scores of all scenes whose labels are of one kind; against two kinds of labels they mean two things.

    Attributes:
        tally: over all pixels.
        grounds: pixels of each piece of ground by method, of `watermap` and of the baselines that need no whole scene.
            Scenes of the same ground are one piece.
    """

    tally: Tally
    grounds: dict[str, dict[str, Counts]] = field(default_factory=dict)

    def add(self, ground: str, counts: Mapping[str, Counts]) -> None:
        """Take in pixels of a piece of ground."""
        own = self.grounds.setdefault(ground, {})
        for name, found in counts.items():
            own[name] = own.get(name, np.zeros((2, 2), dtype=np.int64)) + found

    def merge(self, other: Pool) -> None:
        """Take in what was gathered of a scene."""
        self.tally.merge(other.tally)
        for ground, counts in other.grounds.items():
            self.add(ground, counts)

    def intervals(self, method: str = MODEL) -> dict[str, Interval | None]:
        """The 95 % interval of each score of a method, from drawing the pieces of ground again."""
        counts = [found[method] for found in self.grounds.values() if method in found]
        return {name: bootstrap(counts, score) for name, score in SCORES.items()}

    def gain(self, baseline: str) -> tuple[float, Interval | None] | None:
        """How much higher the model's water IoU is than a baseline's, and its 95 % interval on the same draws."""
        both = [np.stack([found[MODEL], found[baseline]]) for found in self.grounds.values() if baseline in found]
        if not both or len(both) < len(self.grounds):
            return None
        gain = float(iou_gain(np.stack(both).sum(axis=0, dtype=np.float64, keepdims=True))[0])
        return (gain, bootstrap(both, iou_gain)) if np.isfinite(gain) else None

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        tally = self.tally
        baselines = tally.baselines_as_dict()
        gains = {name: self.gain(name) for name in baselines}
        return {
            "scores": tally.as_dict(),
            "intervals": self.intervals(),
            "grounds": len(self.grounds),
            "draws": DRAWS,
            "baselines": {
                name: {"scores": scores, "intervals": self.intervals(name) if gains[name] else None}
                for name, scores in baselines.items()
            },
            "gains": {
                name: {"water_iou": gain[0], "interval": gain[1]} for name, gain in gains.items() if gain is not None
            },
            "classes": {name: vars(class_scores(tally.confusion.counts, code)) for name, code in _CLASSES.items()},
            "confusion": tally.confusion.counts.tolist(),
            "conditions": {
                name: vars(confusion.scores()) | {"confusion": confusion.counts.tolist()}
                for name, confusion in tally.conditions.items()
            },
            "boundary_tolerance_px": TOLERANCE_PX,
            "reliability": [
                {"said": said, "true": true, "pixels": pixels} for said, true, pixels in tally.reliability.curve()
            ],
        }
