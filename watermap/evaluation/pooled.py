"""All scenes that have labels of one kind, scored together: scores, how sure they are, and where the map is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from watermap.bundles.contract import LEAST_GROUNDS
from watermap.evaluation.blocks import Labels, ScoredBlock
from watermap.evaluation.bootstrap import RESAMPLES, SCORES, Interval, Values, bootstrap_sums, interval, iou_gain
from watermap.evaluation.boundaries import TOLERANCE_PX
from watermap.evaluation.scores import Confusion, Counts, class_scores
from watermap.evaluation.tally import MODEL, Tally
from watermap.legend import LAND, WATER

_CLASSES: Final = {"land": LAND, "water": WATER}


_BLOCK_PX: Final = 128
"""Side of a block of a scene: what lies further apart is taken for another witness where there are few scenes."""

Found = dict[str, Counts]
"""(2, 2) pixels, [truth, map], by method: `watermap` and the baselines that need no whole scene."""


@dataclass(frozen=True)
class BootstrapSums:
    """The units of a pool, and the same drawn again: the same draws for all methods.

    Attributes:
        whole: (2, 2) pixels over all units by method, of those methods that every unit has.
        sums: the same of each draw, (draws, 2, 2); empty where there are too few units.
    """

    whole: Mapping[str, Counts]
    sums: Mapping[str, Values]

    def intervals(self, method: str = MODEL) -> dict[str, Interval | None]:
        """The 95 % interval of each score of a method."""
        sums = self.sums.get(method)
        return {name: None if sums is None else interval(sums, score) for name, score in SCORES.items()}

    def gain(self, baseline: str) -> tuple[float, Interval | None] | None:
        """How much higher the model's water IoU is than a baseline's, and its 95 % interval on the same draws."""
        if baseline not in self.whole:
            return None
        both = np.stack([self.whole[MODEL], self.whole[baseline]]).astype(np.float64)
        gain = float(iou_gain(both[None])[0])
        if not np.isfinite(gain):
            return None
        sums = [self.sums[name] for name in (MODEL, baseline) if name in self.sums]
        return gain, interval(np.stack(sums, axis=1), iou_gain) if sums else None


@dataclass
class PooledScores:
    """Scores of all scenes whose labels are of one kind; against two kinds of labels they mean two things.

    Attributes:
        tally: over all pixels.
        grounds: of each piece of ground what was found in each block of it, by the block's row and column. Scenes of
            the same ground are one piece, and what they show of one block of it counts as one.
    """

    tally: Tally
    grounds: dict[str, dict[tuple[int, int], Found]] = field(default_factory=dict)

    def add(self, ground: str, whole: ScoredBlock, rows: slice = slice(None), *, row: int = 0, col: int = 0) -> None:
        """Score one more piece.

        Args:
            ground: on which it lies.
            whole: the piece, with what lies above and below it.
            rows: of them those to score.
            row: of the first pixel that is scored, counted from the same line for all of the ground; it may lie before
                that.
            col: the same.
        """
        maps = self.tally.add(whole, rows)
        label = whole.label[rows]
        for down in _block_edges(row, len(label)):
            for across in _block_edges(col, label.shape[1]):
                block = (row + down.start) // _BLOCK_PX, (col + across.start) // _BLOCK_PX
                self._take(ground, block, {name: _counts(label, codes, down, across) for name, codes in maps.items()})

    def merge(self, other: PooledScores) -> None:
        """Take in what was gathered of a scene."""
        self.tally.merge(other.tally)
        for ground, blocks in other.grounds.items():
            for block, found in blocks.items():
                self._take(ground, block, found)

    def _take(self, ground: str, block: tuple[int, int], found: Mapping[str, Counts]) -> None:
        own = self.grounds.setdefault(ground, {}).setdefault(block, {})
        for name, counts in found.items():
            own[name] = own.get(name, np.zeros((2, 2), dtype=np.int64)) + counts

    @property
    def known_grounds(self) -> int:
        """Pieces of ground on which some pixel has a known label: the others say nothing."""
        return len(self._known_blocks())

    @property
    def unit(self) -> Literal["ground", "block"]:
        """What is drawn again: pieces of ground, or blocks of them where they are too few."""
        return "ground" if self.known_grounds >= LEAST_GROUNDS else "block"

    def witnesses(self) -> list[Found]:
        """What was found in each unit; one without a known pixel is none."""
        known = self._known_blocks()
        if self.unit == "block":
            return [found for blocks in known for found in blocks]
        return [_together(blocks) for blocks in known]

    def _known_blocks(self) -> list[list[Found]]:
        """What was found in the blocks with a known pixel, of each piece of ground that has some."""
        known = ([found for found in blocks.values() if found[MODEL].any()] for blocks in self.grounds.values())
        return [blocks for blocks in known if blocks]

    def resampled(self) -> BootstrapSums:
        """The units drawn again, once for all that is to be known of them."""
        found = self.witnesses()
        whole = _together(found) if found else {}
        sums = bootstrap_sums([np.stack([each[name] for name in whole]) for each in found])
        return BootstrapSums(whole, {} if sums is None else {name: sums[:, i] for i, name in enumerate(whole)})

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        tally = self.tally
        baselines = tally.baselines_as_dict()
        resampled = self.resampled()
        gains = {name: resampled.gain(name) for name in baselines}
        return {
            "scores": tally.as_dict(),
            "intervals": resampled.intervals(),
            "grounds": self.known_grounds,
            "resampled": {"unit": self.unit, "units": len(self.witnesses()), "block_px": _BLOCK_PX},
            "resamples": RESAMPLES,
            "baselines": {
                name: {"scores": scores, "intervals": resampled.intervals(name) if gains[name] else None}
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
                {"predicted": predicted, "true": true, "pixels": pixels}
                for predicted, true, pixels in tally.reliability.curve()
            ],
        }


def _block_edges(first: int, length: int) -> Iterator[slice]:
    """What lies in each block, of pixels from the first on."""
    start = 0
    while start < length:
        end = min(length, start + _BLOCK_PX - (first + start) % _BLOCK_PX)
        yield slice(start, end)
        start = end


def _counts(label: Labels, mapped: Labels, down: slice, across: slice) -> Counts:
    confusion = Confusion()
    confusion.add(label[down, across], mapped[down, across])
    return confusion.counts


def _together(places: Sequence[Found]) -> Found:
    """What was found in several places together, by the methods that all of them have."""
    methods = set.intersection(*(set(found) for found in places))
    return {name: np.sum([found[name] for found in places], axis=0) for name in sorted(methods)}
