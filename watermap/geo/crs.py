"""Where on the ground scenes lie, and the division of that ground into blocks.

Scenes that touch, or nearly do, are one site: the same place at other dates, or chips cut side by side. A site is
divided into blocks and a patch is cut inside one block, so that blocks never share ground.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from rasterio._err import (  # rasterio lets some of GDAL's own errors through, and names them only there
    CPLE_BaseError,
)
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform, transform_geom
from rasterio.windows import Window
from shapely.geometry import shape

from watermap.arrays import Points
from watermap.errors import DataError
from watermap.geo.grid import Grid

LON_LAT: Final = CRS.from_epsg(4326)

TOLERANCE_PIXELS: Final = 0.01
"""How far a patch may reach over its block's edge: the float digits of another grid."""
_OUTLINE_STEPS: Final = 16
_EARTH_RADIUS_KM: Final = 6371.0072
"""Of the sphere with the area of the WGS 84 ellipsoid."""


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
    xy = _apply(grid.transform, points)
    try:
        xs, ys = transform(grid.crs, other.crs, xy[:, 0].tolist(), xy[:, 1].tolist())
    except GDAL_ERRORS as error:
        raise DataError(f"{grid.crs} cannot be transformed to {other.crs}", hint="reproject the file") from error
    return _apply(~other.transform, np.column_stack([xs, ys]).astype(np.float64))


def footprints(grid: Grid, windows: Sequence[Window]) -> list[Any]:
    """The outlines of windows of a grid in EPSG:4326: shapely polygons, in two parts at the antimeridian."""
    geometries = [grid.footprint(window) for window in windows]
    if grid.crs != LON_LAT and geometries:
        geometries = _to_lon_lat(grid.crs, geometries)
    return [shape(geometry) for geometry in geometries]


def equal_area(lon_lat: Sequence[Any]) -> npt.NDArray[Any]:
    """Polygons in EPSG:4326 on the cylindrical equal-area plane, in km."""

    def project(points: Points) -> Points:
        radians = np.radians(points)
        return _EARTH_RADIUS_KM * np.column_stack([radians[:, 0], np.sin(radians[:, 1])])

    moved: npt.NDArray[Any] = shapely.transform(np.array(lon_lat, dtype=object), project)
    return moved


def connected(grids: Mapping[str, Grid], *, margin_px: int = 0) -> list[list[str]]:
    """Group scenes that share ground, or lie nearer to each other than a margin.

    Args:
        grids: the scenes' by name.
        margin_px: in pixels of either.
    """
    names = sorted(grids)
    near = equal_area([_polygon(grids[name], Window(0, 0, grids[name].width, grids[name].height)) for name in names])
    wide = equal_area([_polygon(grids[name], _widened(grids[name], margin_px)) for name in names])
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
    ring = _apply(grid.transform, outline_of(grid, window)).tolist()
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return shape(geometry if grid.crs == LON_LAT else _to_lon_lat(grid.crs, [geometry])[0])


def _to_lon_lat(crs: CRS, geometries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        moved: list[dict[str, Any]] = transform_geom(crs, LON_LAT, geometries)
    except GDAL_ERRORS as error:
        raise DataError(f"{crs} cannot be transformed to longitude and latitude", hint="reproject the file") from error
    return moved


GDAL_ERRORS: Final[tuple[type[Exception], ...]] = (RasterioError, CPLE_BaseError)
