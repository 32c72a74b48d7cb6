"""UTM zones, and how an area is laid out on a pixel grid. Pure: no file is opened here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from watermap.arrays import Shapes
from watermap.earthengine.aoi import Area
from watermap.geo.grid import Grid
from watermap.geo.shapes import polygons

_ZONE_DEGREES: Final = 6
_SLIVER_DEGREES: Final = 1e-6
"""What reaches less than this (0.1 m) into a zone is no part of it."""
_TOUCH_PIXELS: Final = 1e-6
"""What reaches less than this into a pixel does not touch it: float digits of a transformation."""
_GAP_SHARE: Final = 4
"""Parts are well apart where at least a window's size divided by this lies between them."""

Boxes = npt.NDArray[np.int64]
"""(..., 2, 2): first (col, row) and the one after the last, in whole pixels."""


def utm_crs(lon: float, lat: float) -> CRS:
    """The UTM zone of a place: EPSG:326zz in the north and on the equator, EPSG:327zz in the south.

    Zones are plain, 6 degrees wide everywhere; the wider ones of Norway and Svalbard are not.

    Args:
        lon: degrees in [-180, 180]; an edge belongs to the zone east of it, 180 to zone 60.
        lat: degrees in [-90, 90].
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(f"longitude {lon} and latitude {lat} are not degrees")
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + min(60, math.floor((lon + 180) / _ZONE_DEGREES) + 1))


def zone_parts(area: Area) -> list[tuple[CRS, shapely.Polygon | shapely.MultiPolygon]]:
    """An area cut at the edges of UTM zones and at the equator.

    Returns:
        (zone, the area's part in it, in that zone's CRS) from west to east, north before south. What reaches less than
        0.1 m into a zone is left out there, unless nothing else is left.
    """
    west, south, east, north = area.bounds
    parts = []
    for edge in range(math.floor(west / _ZONE_DEGREES) * _ZONE_DEGREES, math.ceil(east), _ZONE_DEGREES):
        for low, high in ((0, 90), (-90, 0)):
            if low < north and high > south:
                cut = shapely.box(edge, low, edge + _ZONE_DEGREES, high)
                part = shapely.union_all(polygons(shapely.intersection(area.geometry, cut)))
                if not part.is_empty:
                    parts.append((utm_crs(edge, low), part))
    broad = [(crs, part) for crs, part in parts if _extent(part) > _SLIVER_DEGREES]
    return [(crs, Area(part).in_crs(crs)) for crs, part in broad or parts]


def _extent(part: Any) -> float:
    """The shorter side of a geometry's bounds."""
    west, south, east, north = part.bounds
    return float(min(east - west, north - south))


def zone_grid(crs: CRS, geometry: Any, *, pixel_m: float = 10.0) -> Grid:
    """The smallest north-up grid that covers a geometry, its corners at multiples of the pixel.

    Args:
        crs: of the geometry, in metres.
        geometry: a shapely geometry with an area.
        pixel_m: side of a pixel.
    """
    west, south, east, north = np.array(geometry.bounds) / pixel_m
    left, bottom = math.floor(west + _TOUCH_PIXELS), math.floor(south + _TOUCH_PIXELS)
    right, top = math.ceil(east - _TOUCH_PIXELS), math.ceil(north - _TOUCH_PIXELS)
    transform = Affine(pixel_m, 0, left * pixel_m, 0, -pixel_m, top * pixel_m)
    return Grid(crs, transform, max(1, right - left), max(1, top - bottom))


def split(grid: Grid, geometry: Any, size: int) -> list[Window]:
    """Windows of a grid that cover an area and little else.

    Every pixel that the geometry touches lies in exactly one window; no window is larger than `size` or reaches beyond
    the grid. An area is laid out so:

    1. Where an empty band of at least a quarter of `size`, over the whole width or height, parts its polygons, each
       side is laid out on its own.
    2. What is left is shrunk to its bounding window, and that is the window if it fits.
    3. Otherwise it is divided evenly into the fewest columns and rows that fit, and what lies in each cell is laid out
       from step 1; empty cells (holes, bays) vanish.

    Sides of a band have no pixel in common, nor have cells, and a window stays within its side or cell: hence no two
    windows overlap. Each step hands on all that it was given: hence the windows cover the area.

    Args:
        grid: any grid; windows are of its pixels.
        geometry: shapely Polygon or MultiPolygon in the grid's CRS.
        size: most rows and columns of a window.

    Returns:
        Windows sorted by row, then column; none where grid and geometry do not meet.
    """
    if size < 1:
        raise ValueError(f"windows of {size} pixels hold nothing")
    inverse = ~grid.transform
    matrix, offset = np.array([[inverse.a, inverse.b], [inverse.d, inverse.e]]), (inverse.c, inverse.f)
    on_grid = polygons(shapely.transform(geometry, lambda points: points @ matrix.T + offset))
    extent = np.array([(0, 0), (grid.width, grid.height)])
    found = sorted(_lay_out(_clip(on_grid, extent), extent, size), key=lambda box: (box[0, 1], box[0, 0]))
    return [Window(int(left), int(top), int(right - left), int(bottom - top)) for (left, top), (right, bottom) in found]


def _lay_out(parts: Shapes, cell: Boxes, size: int) -> Iterator[Boxes]:
    """The windows, as boxes, of polygons that lie in a cell."""
    boxes = _bounding(parts, cell)
    touching = (boxes[:, 0] < boxes[:, 1]).all(axis=1)
    parts, boxes = parts[touching], boxes[touching]
    if not len(parts):
        return
    for axis in (0, 1):
        sides = _sides(boxes[:, :, axis], max(1, size // _GAP_SHARE))
        if sides.any():
            for side in np.unique(sides):
                yield from _lay_out(parts[sides == side], cell, size)
            return
    box = np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])
    if (box[1] - box[0] <= size).all():
        yield box
        return
    cols, rows = (_even(first, last, size) for first, last in box.T.tolist())
    for top, bottom in pairwise(rows):
        band = _clip(parts, np.array([(cols[0], top), (cols[-1], bottom)]))
        for left, right in pairwise(cols):
            inner = np.array([(left, top), (right, bottom)])
            yield from _lay_out(_clip(band, inner), inner, size)


def _clip(parts: Shapes, box: Boxes) -> Shapes:
    """What of polygons lies in a box."""
    return polygons(shapely.intersection(parts, shapely.box(*box.ravel().tolist())))


def _bounding(parts: Shapes, cell: Boxes) -> Boxes:
    """(n, 2, 2) the pixels of a cell that each polygon's bounds touch; first and last swap where it touches none."""
    bounds = shapely.bounds(parts).reshape(-1, 2, 2)
    first = np.floor(bounds[:, 0] + _TOUCH_PIXELS)
    last = np.ceil(bounds[:, 1] - _TOUCH_PIXELS)
    return np.stack([np.maximum(first, cell[0]), np.minimum(last, cell[1])], axis=1).astype(np.int64)


def _sides(intervals: npt.NDArray[np.int64], gap: int) -> npt.NDArray[np.int64]:
    """(n,) number of the group of each interval; between groups there is a gap."""
    order = np.argsort(intervals[:, 0], kind="stable")
    starts, ends = intervals[order, 0], np.maximum.accumulate(intervals[order, 1])
    sides = np.zeros(len(order), dtype=np.int64)
    sides[order[1:]] = np.cumsum(starts[1:] - ends[:-1] >= gap)
    return sides


def _even(start: int, stop: int, size: int) -> list[int]:
    """Edges of the fewest even parts of an interval that are not longer than `size`."""
    count = math.ceil((stop - start) / size)
    return [start + i * (stop - start) // count for i in range(count + 1)]
