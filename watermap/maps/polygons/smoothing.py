"""Outlines of pixels made into shores: stairs rounded, points that say little left out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely

from watermap.geo.ellipsoid import Values
from watermap.geo.runs import Integers
from watermap.maps.polygons.outlines import Outlines, Polygons

_CUT_PIXELS: Final = 0.25
"""How far at most the second cut reaches along an edge."""
_CHANGED: Final = 0.1
"""A body that a simplification would make larger or smaller by more than this share keeps its outline."""


def smooth(outlines: Outlines) -> Outlines:
    """Round the stairs of pixels.

    Corners are cut twice (Chaikin): half a pixel from the corner, which makes a straight line of even stairs, and then
    a quarter of each edge, a quarter of a pixel at most. Every ring is then grown or shrunk about its middle to the
    area that it had, so that bodies keep theirs, a pond of one pixel too. A shore moves by less than a pixel.

    Args:
        outlines: with corners of whole pixels.
    """
    points = outlines.corners.astype(np.float64)
    halved, rings = _cut(points, outlines.rings, share=0.5, most=0.5)
    twice = (halved == halved[_previous(rings)]).all(axis=1)  # edges of one pixel
    halved, rings = halved[~twice], _sums(~twice, rings)
    bends = _cross(halved - halved[_previous(rings)], halved[_following(rings)] - halved) != 0  # exact: all are halves
    straight, rings = halved[bends], _sums(bends, rings)
    rounded, rings = _cut(straight, rings, share=0.25, most=_CUT_PIXELS)
    area, _ = _areas_and_middles(points, outlines.rings)
    new_area, middle = _areas_and_middles(rounded, rings)
    growth = np.repeat(np.sqrt(area / new_area), rings)[:, None]
    middle = np.repeat(middle, rings, axis=0)
    return Outlines(middle + growth * (rounded - middle), rings, outlines.bodies)


def simplify(polygons: Polygons, tolerance_m: float, frames: Values) -> Polygons:
    """Leave out points that lie within a tolerance of the line without them (Douglas and Peucker).

    Rings keep apart and islands stay. A body keeps its outline if it would lose or gain a tenth of its area: a pond of
    a few pixels would become a triangle.

    Args:
        polygons: in pixels.
        tolerance_m: in metres on the ground.
        frames: (polygons, 2, 2), of `Ellipsoid.frames`.
    """
    ground = _turned(polygons, frames)
    found = shapely.simplify(ground, tolerance_m, preserve_topology=True)
    before = shapely.area(ground)
    keeps = np.abs(shapely.area(found) - before) > _CHANGED * before
    return np.where(keeps, polygons, _turned(found, np.asarray(np.linalg.inv(frames), dtype=np.float64)))


def _turned(polygons: Polygons, matrices: Values) -> Polygons:
    """Every polygon by a matrix of its own."""
    kind, points, (rings, bodies) = shapely.to_ragged_array(polygons)
    owner = np.repeat(np.arange(len(polygons)), np.diff(rings[bodies]))
    turned = np.einsum("nij,nj->ni", matrices[owner], points)
    made: Polygons = shapely.from_ragged_array(kind, turned, (rings, bodies))
    return made


def _cut(points: Values, rings: Integers, *, share: float, most: float) -> tuple[Values, Integers]:
    """Every corner replaced by two points on its edges, a share of their lengths away, or as much as allowed."""
    edges = points[_following(rings)] - points
    lengths = np.hypot(edges[:, 0], edges[:, 1])[:, None]
    steps = edges / lengths * np.minimum(lengths * share, most)
    return np.stack([points + steps, points + edges - steps], axis=1).reshape(-1, 2), 2 * rings


def _following(rings: Integers) -> Integers:
    """The next point of its ring, of each point."""
    ends = np.cumsum(rings)
    following = np.arange(1, ends[-1] + 1)
    following[ends - 1] = ends - rings
    return following


def _previous(rings: Integers) -> Integers:
    ends = np.cumsum(rings)
    previous = np.arange(-1, ends[-1] - 1)
    previous[ends - rings] = ends - 1
    return previous


def _sums(values: Any, rings: Integers) -> Any:
    return np.add.reduceat(values, np.cumsum(rings) - rings, dtype=np.result_type(values, np.int64))


def _cross(one: Values, other: Values) -> Values:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])


def _areas_and_middles(points: Values, rings: Integers) -> tuple[Values, Values]:
    """(rings,) areas and (rings, 2) centroids; from each ring's first point, so that large numbers cost no digits."""
    firsts = points[np.cumsum(rings) - rings]
    own = points - np.repeat(firsts, rings, axis=0)
    other = own[_following(rings)]
    doubled = _cross(own, other)
    area = _sums(doubled, rings)
    middles = _sums((own + other) * doubled[:, None], rings) / (3 * area[:, None])
    return np.abs(area) / 2, firsts + middles
