"""Water bodies from rows of a raster that come from top to bottom: a body is given out when its last row is seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from watermap.geo.runs import RUN, Integers, Runs, components, touching

_NONE: Final = np.zeros(0, dtype=RUN)


@dataclass(frozen=True)
class Whole:
    """Bodies that are seen whole.

    Attributes:
        runs: their pixels, body by body.
        body: (runs,) which body each run is of, from 0.
    """

    runs: Runs
    body: Integers

    @property
    def firsts(self) -> Integers:
        """(bodies,) the first run of each."""
        return np.flatnonzero(np.diff(self.body, prepend=-1))


@dataclass
class _Pending:
    """Bodies that reach the last row seen, and may go on below it.

    Attributes:
        pieces: runs of each body; a list grows and is never joined before its body's end, so that a body that spans
            the raster costs no more than its size.
        seam: the runs of the last row.
        owner: (seam,) the body of each.
    """

    pieces: dict[int, list[Runs]] = field(default_factory=dict)
    seam: Runs = field(default_factory=lambda: _NONE)
    owner: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def whole_bodies(blocks: Iterable[tuple[Runs, int]], width: int) -> Iterator[Whole]:
    """Put runs together to bodies: pixels that share a side are of one body.

    Memory is that of a block and of the bodies that reach below it.

    Args:
        blocks: the runs of the rows of a raster, from top to bottom, and the row that follows on each block.
        width: of the raster.

    Yields:
        Bodies that end in a block, after each block that ends some.
    """
    pending = _Pending()
    for runs, next_row in blocks:
        whole, pending = _advance(pending, runs, next_row, width)
        if len(whole.runs):
            yield whole
    if pending.pieces:
        yield _joined(list(pending.pieces.values()), _NONE, np.zeros(0, dtype=np.int64))


def _advance(pending: _Pending, runs: Runs, next_row: int, width: int) -> tuple[Whole, _Pending]:
    """One block more: the bodies that it ends, and those that it leaves open."""
    seam = len(pending.seam)
    both = np.concatenate([pending.seam, runs])
    order = np.argsort(pending.owner, kind="stable")
    joined = np.flatnonzero(np.diff(pending.owner[order]) == 0)
    upper, lower = touching(both, width)
    links = np.concatenate([upper, order[joined]]), np.concatenate([lower, order[joined + 1]])
    root = components(len(both), *links)
    last = np.flatnonzero(both["row"] == next_row - 1)
    goes_on, came = np.zeros((2, len(both)), dtype=bool)
    goes_on[root[last]] = True
    came[root[:seam]] = True

    inside = ~(goes_on | came)[root[seam:]]
    body = root[seam:][~inside]
    held = _merged(pending, root[:seam])
    order = np.argsort(body, kind="stable")
    names, firsts = np.unique(body[order], return_index=True)
    for name, piece in zip(names.tolist(), np.split(runs[~inside][order], firsts[1:]), strict=False):
        held.setdefault(name, []).append(piece)
    ended = [name for name in held if not goes_on[name]]
    whole = _joined([held.pop(name) for name in ended], runs[inside], root[seam:][inside])
    return whole, _Pending(held, both[last], root[last])


def _merged(pending: _Pending, root: Integers) -> dict[int, list[Runs]]:
    """The open bodies under their new names; some have met."""
    held: dict[int, list[Runs]] = {}
    pairs = np.unique(np.stack([root, pending.owner], axis=1), axis=0)
    for name, owner in pairs.tolist():
        pieces = pending.pieces[owner]
        others = held.get(name, [])
        if len(others) > len(pieces):
            pieces, others = others, pieces
        pieces.extend(others)
        held[name] = pieces
    return held


def _joined(bodies: list[list[Runs]], runs: Runs, body: Integers) -> Whole:
    """Bodies of many pieces, and bodies of one block whose runs lie in each other's company, as one record."""
    order = np.argsort(body, kind="stable")
    numbers = np.unique(body[order], return_inverse=True)[1]
    count = int(numbers[-1]) + 1 if len(numbers) else 0
    pieces = [np.concatenate(each) for each in bodies]
    lengths = [len(each) for each in pieces]
    more = np.repeat(np.arange(count, count + len(pieces)), lengths)
    return Whole(np.concatenate([runs[order], *pieces]), np.concatenate([numbers, more]))
