"""The one way from one CRS to another, for points, shapes and outlines of grids; and which scenes share ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely
from rasterio._err import (  # rasterio lets some of GDAL's own errors through, and names them only there
    CPLE_BaseError,
)
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform, transform_geom
from rasterio.windows import Window
from shapely.geometry import mapping, shape

from watermap.arrays import Points
from watermap.errors import DataError
from watermap.geo.grid import Grid

LON_LAT: Final = CRS.from_epsg(4326)

TOLERANCE_PIXELS: Final = 0.01
"""How far a patch may reach over its block's edge: the float digits of another grid."""
_OUTLINE_STEPS: Final = 16
_STEP_DEGREES: Final = 0.02
_STEP_M: Final = 2000.0
"""Points on an edge that is transformed lie no further apart; an edge of this length bends by some 0.1 m."""
_FARTHEST_STEPS: Final = 50_000
"""Coordinates beyond so many steps are no place's in any CRS; to transform their edges could take for ever."""


def transform_points(points: Points, source: CRS, target: CRS) -> Points:
    """Points in another CRS.

    Args:
        points: (n, 2) x and y, or longitude and latitude.
        source: their CRS.
        target: the CRS wanted.

    Returns:
        (n, 2), not finite where the CRS does not reach.

    Raises:
        DataError: no way leads from one CRS to the other.
    """
    try:
        xs, ys = transform(source, target, points[:, 0].tolist(), points[:, 1].tolist())
    except GDAL_ERRORS as error:
        raise DataError(f"{source} cannot be transformed to {target}", hint="reproject the file") from error
    return np.column_stack([xs, ys]).astype(np.float64)


def transform_shapes(shapes: Any, source: CRS, target: CRS) -> Any:
    """Shapes in another CRS, right to a metre: where their edges are straight in their own CRS, they bend in it.

    Args:
        shapes: a shapely geometry, or an array of them.
        source: their CRS.
        target: the CRS wanted.

    Returns:
        As many; they may be invalid, and are not finite where the CRS does not reach.

    Raises:
        DataError: no way leads from one CRS to the other, or the shapes lie at no place.
    """
    if source == target or not np.size(shapes):
        return shapes
    step = _STEP_M / source.linear_units_factor[1] if source.is_projected else _STEP_DEGREES
    if np.abs(shapely.total_bounds(shapes)).max() > _FARTHEST_STEPS * step:
        raise DataError(f"coordinates lie beyond what {source} describes", hint="check the CRS and the coordinates")
    return shapely.transform(shapely.segmentize(shapes, step), lambda points: transform_points(points, source, target))


def to_lon_lat(shapes: Sequence[Any], crs: CRS) -> list[Any]:
    """Shapes in EPSG:4326, point by point, cut at the antimeridian.

    Args:
        shapes: shapely geometries.
        crs: theirs.

    Raises:
        DataError: no way leads there from their CRS.
    """
    if crs == LON_LAT or not len(shapes):
        return list(shapes)
    try:
        moved: list[dict[str, Any]] = transform_geom(crs, LON_LAT, [mapping(each) for each in shapes])
    except GDAL_ERRORS as error:
        raise DataError(f"{crs} cannot be transformed to longitude and latitude", hint="reproject the file") from error
    return [shape(each) for each in moved]


def locate(points: Points, grid: Grid, other: Grid) -> Points:
    """Where positions on one grid lie on another.

    Args:
        points: (n, 2) col and row on `grid`; 0.5 is the middle of the first pixel.
        grid: the grid they are on.
        other: the grid wanted.

    Returns:
        (n, 2) col and row on `other`, not finite where its CRS does not reach.

    Raises:
        DataError: no way leads from one CRS to the other.
    """
    if grid.crs == other.crs:
        return _apply(~other.transform @ grid.transform, points)
    return _apply(~other.transform, transform_points(_apply(grid.transform, points), grid.crs, other.crs))


def footprints(grid: Grid, windows: Sequence[Window]) -> list[Any]:
    """The outlines of windows of a grid in EPSG:4326: shapely polygons, in two parts at the antimeridian."""
    return to_lon_lat([shape(grid.footprint(window)) for window in windows], grid.crs)


def connected(grids: Mapping[str, Grid], *, margin_px: int = 0) -> list[list[str]]:
    """Group scenes that share ground, or lie nearer to each other than a margin.

    Args:
        grids: the scenes' by name.
        margin_px: in pixels of either.
    """
    names = sorted(grids)
    near = [_polygon(grids[name], Window(0, 0, grids[name].width, grids[name].height)) for name in names]
    wide = [_polygon(grids[name], _widened(grids[name], margin_px)) for name in names]
    leader = list(range(len(names)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for one, other in zip(*shapely.STRtree(near).query(wide, predicate="intersects").tolist(), strict=True):
        first, second = sorted((find(one), find(other)))
        leader[second] = first
    members: dict[int, list[str]] = {}
    for index, name in enumerate(names):
        members.setdefault(find(index), []).append(name)
    return list(members.values())


def _apply(affine: Any, points: Points) -> Points:
    """Affine transform of (n, 2) points."""
    matrix = np.array([[affine.a, affine.b], [affine.d, affine.e]])
    moved: Points = points @ matrix.T + np.array([affine.c, affine.f])
    return moved


def corners_of(grid: Grid) -> Points:
    """(4, 2) positions of a grid's corners, from its first pixel on."""
    return np.array([(0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height)], dtype=np.float64)


def outline_of(grid: Grid, window: Window | None = None) -> Points:
    """(n, 2) positions along the edge of a grid, or of a window of it: edges bend in another CRS."""
    corners = corners_of(grid)
    if window is not None:
        corners = corners / corners.max(axis=0) * (window.width, window.height) + (window.col_off, window.row_off)
    steps = np.linspace(0, 1, _OUTLINE_STEPS, endpoint=False)[:, None]
    edges = [start + steps * (end - start) for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return np.concatenate(edges)


def _widened(grid: Grid, margin: int) -> Window:
    return Window(-margin, -margin, grid.width + 2 * margin, grid.height + 2 * margin)


def _polygon(grid: Grid, window: Window) -> Any:
    """A window's outline in EPSG:4326 with bent edges; it may reach beyond the grid."""
    return to_lon_lat([shapely.Polygon(_apply(grid.transform, outline_of(grid, window)))], grid.crs)[0]


GDAL_ERRORS: Final[tuple[type[Exception], ...]] = (RasterioError, CPLE_BaseError)
