"""The outlines of bodies of pixels as polygons: exact, valid, with holes, and without a point more than they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from watermap.geo.runs import Integers
from watermap.maps.polygons.bodies import Whole

Points = npt.NDArray[np.float64]
Polygons = npt.NDArray[Any]
"""shapely polygons."""


@dataclass(frozen=True)
class Outlines:
    """Polygons of bodies, in pixels of the raster.

    Every body's first ring is its outer one, and starts at the upper left corner of the body's first pixel; the others
    are islands. Outer rings run from there down along the left side, islands the other way round.

    Attributes:
        corners: (corners, 2) column and row, ring by ring; a ring does not repeat its first corner.
        rings: (rings,) corners of each.
        bodies: (bodies,) rings of each.
    """

    corners: Integers | Points
    rings: Integers
    bodies: Integers

    def polygons(self) -> Polygons:
        """As shapely polygons, (bodies,)."""
        ends = np.cumsum(self.rings)
        order = np.insert(np.arange(len(self.corners)), ends, ends - self.rings)  # closes each ring
        closed = np.append(0, np.cumsum(self.rings + 1))
        points = np.asarray(self.corners, dtype=np.float64)[order]
        made: Polygons = shapely.from_ragged_array(
            shapely.GeometryType.POLYGON, points, (closed, np.append(0, np.cumsum(self.bodies)))
        )
        return made


def trace(whole: Whole, shape: tuple[int, int]) -> Outlines:
    """The outlines of whole bodies.

    On a line between two rows a body has a corner wherever a run above or below it starts or ends, but where runs above
    and below start, or end, together. Corners that follow one another on a line are joined along it, the first with
    the second, and likewise in columns. Where two pixels of a body touch at a corner only, there are two corners in one
    place, and they are joined around the land between, so that no ring meets itself.

    Args:
        whole: the bodies.
        shape: rows and columns of the raster.
    """
    body, row, col, ends, above = _corners(whole, shape)
    count = len(body)
    beside = np.arange(count) ^ 1
    order = np.argsort(((body * (shape[1] + 1) + col) * (shape[0] + 1) + row) * 2 + ~above)
    across = np.empty(count, dtype=np.int64)
    across[order] = order[np.arange(count) ^ 1]

    leaves = np.flatnonzero(ends == above)  # by a side; the others leave along a line
    following = np.full(count, -1)
    following[leaves] = beside[across[leaves]]
    rings, walked = _walk(following.tolist(), leaves.tolist())
    order = np.stack([walked, across[walked]], axis=1).ravel()
    firsts = np.cumsum(rings) - rings
    ring_body = body[walked[firsts]]
    corners = np.stack([col[order], row[order]], axis=1)
    return Outlines(corners, 2 * rings, np.bincount(ring_body))


def _corners(whole: Whole, shape: tuple[int, int]) -> tuple[Integers, Integers, Integers, npt.NDArray[np.bool_], Any]:
    """Body, row, column of each corner, by these, whether its run ends there, and whether that run lies above it."""
    rows, cols = shape[0] + 1, shape[1] + 1
    runs = whole.runs
    line = whole.body * rows + runs["row"]
    keys = [
        (((line + above) * cols + runs[side]) * 2 + (side == "stop")) * 2 + above
        for above in (0, 1)
        for side in ("start", "stop")
    ]
    found = np.sort(np.concatenate(keys))
    straight = np.flatnonzero(found[1:] >> 1 == found[:-1] >> 1)
    keep = np.ones(len(found), dtype=bool)
    keep[straight] = keep[straight + 1] = False
    place, kind = np.divmod(found[keep], 4)
    line, col = np.divmod(place, cols)
    body, row = np.divmod(line, rows)
    return body, row, col, kind >= 2, kind % 2 == 1


def _walk(following: list[int], starts: list[int]) -> tuple[Integers, Integers]:
    """Follow every ring once, from its first corner.

    Args:
        following: the next corner but one of each corner that is left by a side.
        starts: those corners.

    Returns:
        corners of each ring, and all of them, ring by ring.
    """
    lengths: list[int] = []
    walked: list[int] = []
    for start in starts:
        corner = start
        before = len(walked)
        while following[corner] >= 0:
            walked.append(corner)
            following[corner], corner = -1, following[corner]
        if len(walked) > before:
            lengths.append(len(walked) - before)
    return np.array(lengths, dtype=np.int64), np.array(walked, dtype=np.int64)
