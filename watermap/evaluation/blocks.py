"""Pieces of scenes to be scored, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ScoredBlock:
    """Rows of a scene, or one patch of it, with all that scoring needs.

    Attributes:
        label: (rows, cols), 255 where the label is unknown or the image holds no data.
        probability: (rows, cols) of water.
        reflectance: (rows, cols) by band, for the bands of indices and pictures that there are.
    """

    label: Labels
    probability: FloatArray
    reflectance: Mapping[str, FloatArray]

    def rows(self, some: slice) -> ScoredBlock:
        """Some of its rows."""
        bands = {band: values[some] for band, values in self.reflectance.items()}
        return ScoredBlock(self.label[some], self.probability[some], bands)

    def above(self, other: ScoredBlock) -> ScoredBlock:
        """This piece and the one below it, as one."""
        bands = {band: np.concatenate([values, other.reflectance[band]]) for band, values in self.reflectance.items()}
        return ScoredBlock(
            np.concatenate([self.label, other.label]), np.concatenate([self.probability, other.probability]), bands
        )


def in_context(blocks: Iterable[ScoredBlock], halo: int) -> Iterator[tuple[ScoredBlock, slice]]:
    """The pieces of a scene from top to bottom, with rows above and below them.

    Args:
        blocks: each begins where the one before it ends.
        halo: rows on each side, where the scene has them.

    Yields:
        A piece, and those of its rows that belong to it alone; each row of the scene does once.
    """
    held: ScoredBlock | None = None
    done = 0  # rows of what is held that were yielded already
    for block in blocks:
        held = block if held is None else held.above(block)
        ready = len(held.label) - halo
        if ready > done:
            yield held, slice(done, ready)
            first = max(0, ready - halo)
            held, done = held.rows(slice(first, None)), ready - first
    if held is not None and done < len(held.label):
        yield held, slice(done, len(held.label))
