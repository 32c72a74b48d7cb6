"""Water as runs of pixels along rows, and which runs are of one body: the arithmetic below `bodies`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.legend import NO_DATA, WATER

Runs = npt.NDArray[Any]
"""Runs in row-major order, of the type `RUN`."""
Integers = npt.NDArray[np.int64]

RUN: Final = np.dtype(
    [("row", "i4"), ("start", "i4"), ("stop", "i4"), ("open", "?"), ("probability", "i8"), ("known", "i4")]
)
"""Water from column `start` up to `stop`; `open`: a side of it is the raster's edge or no data; the sum of its
probabilities, and of how many pixels that is."""


def find_runs(
    codes: npt.NDArray[np.uint8],
    first_row: int,
    probability: npt.NDArray[np.int32] | None = None,
    *,
    code: int = WATER,
) -> Runs:
    """The runs of one code in some whole rows.

    Args:
        codes: (rows + 2, cols + 2) codes of the rows and of one pixel around them, 255 beyond the raster.
        first_row: which row of the raster `codes[1]` is.
        probability: (rows, cols) of water in whole steps; negative where it is unknown.
        code: of which runs are wanted; water, mostly.
    """
    water = codes[1:-1, 1:-1] == code
    rows, cols = water.shape
    line = np.zeros(rows * (cols + 1) + 1, dtype=bool)  # a dry pixel before the first row and after each
    line[1:].reshape(rows, cols + 1)[:, :cols] = water
    edges = np.flatnonzero(line[1:] != line[:-1])
    runs = np.zeros(len(edges) // 2, dtype=RUN)
    if not len(runs):
        return runs
    row = edges[::2] // (cols + 1)
    runs["row"], runs["start"], runs["stop"] = first_row + row, edges[::2] % (cols + 1), edges[1::2] % (cols + 1)
    lengths = edges[1::2] - edges[::2]
    firsts = np.cumsum(lengths) - lengths
    unknown = codes == NO_DATA
    if unknown.any():
        beside = unknown[:-2, 1:-1] | unknown[2:, 1:-1] | unknown[1:-1, :-2] | unknown[1:-1, 2:]
        runs["open"] = np.logical_or.reduceat(beside[water], firsts)
    if probability is not None:
        values = probability[water]
        runs["probability"] = np.add.reduceat(np.maximum(values, 0), firsts, dtype=np.int64)
        runs["known"] = np.add.reduceat(values >= 0, firsts, dtype=np.int64)
    return runs


def touching(runs: Runs, width: int) -> tuple[Integers, Integers]:
    """Which runs share a side.

    Args:
        runs: in row-major order.
        width: of the raster.

    Returns:
        indexes of the upper and of the lower run of each pair.
    """
    row = runs["row"].astype(np.int64) * (width + 1)
    starts, stops = row + runs["start"], row + runs["stop"]
    first = np.searchsorted(stops + width + 1, starts, side="right")
    counts = np.maximum(np.searchsorted(starts + width + 1, stops, side="left") - first, 0)
    lower = np.repeat(np.arange(len(runs)), counts)
    upper = np.arange(len(lower)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    return upper, lower


def components(count: int, one: Integers, other: Integers) -> Integers:
    """The connected components of a graph.

    Every round hooks each root that has a lower neighbour below its lowest, so that the roots of a component are
    halved at least.

    Args:
        count: of nodes.
        one: nodes, each joined with
        other: the node at the same position.

    Returns:
        (count,) the lowest node of each node's component.
    """
    root = np.arange(count)
    while len(one):
        one, other = root[one], root[other]
        apart = one != other
        one, other = one[apart], other[apart]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(root, further := root[root]):
            root = further
    return root
