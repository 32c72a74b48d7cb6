"""Rasters on one pixel lattice: the grid that covers all of them, and where each lies on it. Pure: opens no file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rasterio.errors import CRSError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from watermap.errors import DataError
from watermap.grid import Grid

_TOLERANCE_PIXELS: Final = 0.01
"""Float digits differ by writer."""


@dataclass(frozen=True)
class Lattice:
    """The smallest grid that covers rasters whose pixels lie in step.

    Attributes:
        grid: over all of them.
        windows: of that grid, by file, in the order given.
    """

    grid: Grid
    windows: Mapping[Path, Window]


def cover(grids: Mapping[Path, Grid]) -> Lattice:
    """The grid over rasters of one CRS and pixel size that are whole pixels apart.

    Args:
        grids: by file, at least one; the first is what the others are held against.

    Raises:
        DataError: one lies on another lattice; the message tells the difference and the command that mends it.
    """
    first_path, first = next(iter(grids.items()))
    offsets = {path: _offset(grid, first, path, first_path) for path, grid in grids.items()}
    left, top = (min(offset[axis] for offset in offsets.values()) for axis in (0, 1))
    right = max(offsets[path][0] + grid.width for path, grid in grids.items())
    bottom = max(offsets[path][1] + grid.height for path, grid in grids.items())
    windows = {
        path: Window(offsets[path][0] - left, offsets[path][1] - top, grid.width, grid.height)
        for path, grid in grids.items()
    }
    return Lattice(first.crop(Window(left, top, right - left, bottom - top)), windows)


def _offset(grid: Grid, first: Grid, path: Path, first_path: Path) -> tuple[int, int]:
    """(cols, rows) from the first grid's origin to another's."""
    difference = _difference(grid, first)
    if difference:
        raise DataError(
            f"{path}: does not lie on the pixels of {first_path.name} ({difference})", hint=_remedy(grid, first, path)
        )
    col, row = ~first.transform @ (grid.transform @ (0, 0))
    return round(col), round(row)


def _difference(grid: Grid, first: Grid) -> str:
    """What keeps a grid off the first one's lattice, nothing where it lies on it."""
    if grid.crs != first.crs:
        return f"its CRS is {_name(grid)}, not {_name(first)}"
    sizes = [f"{each.pixel_width:.10g} x {each.pixel_height:.10g}" for each in (grid, first)]
    if sizes[0] != sizes[1] and not _is_in_step(grid, first, moved=True):
        return f"its pixels measure {sizes[0]}, not {sizes[1]}"
    if not _is_in_step(grid, first, moved=True):
        return "its rows run in another direction"
    if not _is_in_step(grid, first):
        col, row = (value - round(value) for value in ~first.transform @ (grid.transform @ (0, 0)))
        return f"it is shifted by {col:.2g} columns and {row:.2g} rows of a pixel"
    return ""


def _is_in_step(grid: Grid, first: Grid, *, moved: bool = False) -> bool:
    """Whether a grid's corners are whole pixels of the first one, as it lies or moved to a corner of a pixel."""
    origin = ~first.transform @ (grid.transform @ (0, 0))
    start = origin if moved else (round(origin[0]), round(origin[1]))
    corners = ((0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height))
    expected = [(start[0] + col, start[1] + row) for col, row in corners]
    found = [~first.transform @ (grid.transform @ corner) for corner in corners]
    return all(math.dist(*pair) <= _TOLERANCE_PIXELS for pair in zip(found, expected, strict=True))


def _name(grid: Grid) -> str:
    code = grid.crs.to_epsg()
    return f"EPSG:{code}" if code else "one without an EPSG code"


def _remedy(grid: Grid, first: Grid, path: Path) -> str:
    """The gdalwarp command that brings a raster onto the first one's lattice."""
    t = first.transform
    if t.b or t.d or t.e > 0 or first.crs.to_epsg() is None:
        return "bring all rasters onto one north-up grid with gdalwarp -r near"
    points = grid.corners()
    xs, ys = zip(*points, strict=True)
    bounds = (min(xs), min(ys), max(xs), max(ys))
    try:
        west, south, east, north = transform_bounds(grid.crs, first.crs, *bounds)
    except CRSError:
        return "bring all rasters into one CRS with gdalwarp -r near"
    left, right = math.floor((west - t.c) / t.a) * t.a + t.c, math.ceil((east - t.c) / t.a) * t.a + t.c
    top, bottom = math.floor((north - t.f) / t.e) * t.e + t.f, math.ceil((south - t.f) / t.e) * t.e + t.f
    extent = " ".join(f"{value:.12g}" for value in (left, bottom, right, top))
    return (
        f"gdalwarp -r near -t_srs {_name(first)} -tr {t.a:.12g} {-t.e:.12g} -te {extent} {path} "
        f"{path.stem.removesuffix('_water')}_aligned_water.tif, and use that file in its place"
    )
