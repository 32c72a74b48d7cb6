"""Where on the ground scenes lie, and the division of that ground into blocks.

Scenes that touch, or nearly do, are one site: the same place at other dates, or chips cut side by side. A site is
divided into blocks and a patch is cut inside one block, so that blocks never share ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform, transform_geom
from rasterio.windows import Window
from shapely.geometry import shape

from watermap.errors import DataError
from watermap.gdal import GDAL_ERRORS
from watermap.grid import Grid

Points = npt.NDArray[np.float64]
"""(n, 2): (col, row) positions on some grid; (0, 0) is the corner of its first pixel."""

LON_LAT: Final = CRS.from_epsg(4326)

_TOLERANCE_PIXELS: Final = 0.01
"""How far a patch may reach over its block's edge: the float digits of another grid."""
_OUTLINE_STEPS: Final = 16
_EARTH_RADIUS_KM: Final = 6371.0072
"""Of the sphere with the area of the WGS 84 ellipsoid."""


@dataclass(frozen=True)
class Box:
    """Pixels [left, right) x [top, bottom) of a scene.

    Attributes:
        left, top, right, bottom: in whole pixels.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def window(self) -> Window:
        """The same pixels, for reading."""
        return Window(self.left, self.top, self.right - self.left, self.bottom - self.top)


@dataclass(frozen=True)
class Block:
    """A rectangle of ground that goes to one split as a whole.

    Attributes:
        name: unique among all blocks.
        ground: its pixel grid, in the CRS of its site.
    """

    name: str
    ground: Grid

    def box(self, grid: Grid) -> Box | None:
        """The largest upright rectangle of a scene's pixels inside the block, or None where there is none."""
        corners = locate(_corners(self.ground), self.ground, grid)
        if not np.isfinite(corners).all():
            return None
        (left, top), (right, bottom) = np.sort(corners, axis=0)[1:3]
        box = Box(
            max(0, math.ceil(left - _TOLERANCE_PIXELS)),
            max(0, math.ceil(top - _TOLERANCE_PIXELS)),
            min(grid.width, math.floor(right + _TOLERANCE_PIXELS)),
            min(grid.height, math.floor(bottom + _TOLERANCE_PIXELS)),
        )
        return box if box.left < box.right and box.top < box.bottom else None

    def contains(self, grid: Grid, starts: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.bool_]:
        """Which patches of a scene lie in the block.

        Args:
            grid: the scene's.
            starts: (n, 2) first row and col of each patch.
            size: rows and cols of a patch.

        Returns:
            (n,) True where all four corners are inside, to a hundredth of a pixel.
        """
        offsets = np.array([(0, 0), (size, 0), (size, size), (0, size)], dtype=np.float64)
        corners = starts[:, None, ::-1] + offsets
        on_block = locate(corners.reshape(-1, 2), grid, self.ground).reshape(-1, 4, 2)
        far = np.array(self.ground.shape[::-1]) + _TOLERANCE_PIXELS
        inside: npt.NDArray[np.bool_] = np.all((on_block >= -_TOLERANCE_PIXELS) & (on_block <= far), axis=(1, 2))
        return inside


@dataclass(frozen=True)
class Site:
    """Scenes on connected ground, and that ground's division.

    Attributes:
        scenes: their names, sorted; the first one's CRS and pixel size are the site's.
        frame: the pixel grid that covers the site.
        col_edges, row_edges: where blocks begin and end on the frame, in pixels.
    """

    scenes: tuple[str, ...]
    frame: Grid
    col_edges: tuple[int, ...]
    row_edges: tuple[int, ...]

    def blocks(self, grid: Grid) -> Iterator[Block]:
        """The blocks that a scene of the site may meet, from top left to bottom right."""
        outline = locate(_outline(grid), grid, self.frame)
        (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
        for row in _between(self.row_edges, top, bottom):
            for col in _between(self.col_edges, left, right):
                width = self.col_edges[col + 1] - self.col_edges[col]
                height = self.row_edges[row + 1] - self.row_edges[row]
                window = Window(self.col_edges[col], self.row_edges[row], width, height)
                yield Block(f"{self.scenes[0]}_r{row}_c{col}", self.frame.crop(window))


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


def find_sites(grids: Mapping[str, Grid], *, patch_size: int, block_patches: int) -> list[Site]:
    """Group scenes into sites and divide each into blocks.

    Scenes less than a patch apart are one site. A block is about `block_patches` patches a side and its edges lie on
    whole patches; a narrow site has longer blocks of the same area, and one that is smaller than a block is one.
    Where all scenes of a site are smaller than a block, a block is `block_patches` scenes a side instead, so that
    chips side by side stay together.

    Args:
        grids: the scenes' by name.
        patch_size: pixels a side.
        block_patches: patches a side.
    """
    return [
        _divide({name: grids[name] for name in scenes}, patch_size, block_patches)
        for scenes in connected(grids, margin_px=patch_size)
    ]


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


def _corners(grid: Grid) -> Points:
    return np.array([(0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height)], dtype=np.float64)


def _outline(grid: Grid, window: Window | None = None) -> Points:
    """(n, 2) positions along the edge of a grid, or of a window of it: edges bend in another CRS."""
    corners = _corners(grid)
    if window is not None:
        corners = corners / corners.max(axis=0) * (window.width, window.height) + (window.col_off, window.row_off)
    steps = np.linspace(0, 1, _OUTLINE_STEPS, endpoint=False)[:, None]
    edges = [start + steps * (end - start) for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return np.concatenate(edges)


def _widened(grid: Grid, margin: int) -> Window:
    return Window(-margin, -margin, grid.width + 2 * margin, grid.height + 2 * margin)


def _polygon(grid: Grid, window: Window) -> Any:
    """A window's outline in EPSG:4326 with bent edges; it may reach beyond the grid."""
    ring = _apply(grid.transform, _outline(grid, window)).tolist()
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return shape(geometry if grid.crs == LON_LAT else _to_lon_lat(grid.crs, [geometry])[0])


def _to_lon_lat(crs: CRS, geometries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        moved: list[dict[str, Any]] = transform_geom(crs, LON_LAT, geometries)
    except GDAL_ERRORS as error:
        raise DataError(f"{crs} cannot be transformed to longitude and latitude", hint="reproject the file") from error
    return moved


def _divide(grids: Mapping[str, Grid], patch_size: int, block_patches: int) -> Site:
    """One site's frame and block edges."""
    first = next(iter(grids.values()))
    outlines = np.concatenate([locate(_outline(grid), grid, first) for grid in grids.values()])
    outlines = outlines[np.isfinite(outlines).all(axis=1)]
    left, top = np.floor(outlines.min(axis=0) + _TOLERANCE_PIXELS).astype(int).tolist()
    right, bottom = np.ceil(outlines.max(axis=0) - _TOLERANCE_PIXELS).astype(int).tolist()
    frame = first.crop(Window(left, top, right - left, bottom - top))
    ratios = {name: _pixel_ratio(grid, frame) for name, grid in grids.items()}
    unit = patch_size * max(1, math.ceil(max(ratios.values()) - 0.1))
    longest = max(round(ratios[name] * max(grid.shape)) for name, grid in grids.items())
    if longest <= block_patches * unit:
        unit = max(unit, longest)
    cols, rows = max(1, frame.width // unit), max(1, frame.height // unit)
    return Site(
        tuple(grids),
        frame,
        _edges(frame.width, unit, cols, block_patches**2 / min(rows, block_patches)),
        _edges(frame.height, unit, rows, block_patches**2 / min(cols, block_patches)),
    )


def _pixel_ratio(grid: Grid, frame: Grid) -> float:
    """Side of a scene's middle pixel in pixels of the frame."""
    middle = np.array([grid.width / 2, grid.height / 2])
    points = locate(middle + np.array([(0, 0), (1, 0), (0, 1)], dtype=np.float64), grid, frame)
    (a, b), (c, d) = points[1] - points[0], points[2] - points[0]
    ratio = math.sqrt(abs(a * d - b * c))
    return ratio if math.isfinite(ratio) else 1.0


def _edges(length: int, unit: int, units: int, units_a_block: float) -> tuple[int, ...]:
    """Block edges along one axis: on whole units, the remainder in the last block."""
    count = max(1, round(units / units_a_block))
    return (*(round(i * units / count) * unit for i in range(count)), length)


def _between(edges: Sequence[int], low: float, high: float) -> range:
    """Indexes of the intervals between edges that [low, high] meets; all where a bound is not finite."""
    if not math.isfinite(low + high):
        return range(len(edges) - 1)
    start, stop = np.searchsorted(edges, [low + _TOLERANCE_PIXELS, high - _TOLERANCE_PIXELS])
    return range(max(0, int(start) - 1), min(len(edges) - 1, int(stop)))
