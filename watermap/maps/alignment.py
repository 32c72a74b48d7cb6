"""Rasters of one pixel grid: how far they are shifted against each other, and what mends those that are not."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.windows import Window

from watermap.errors import DataError
from watermap.geo.crs import locate
from watermap.geo.grid import Grid
from watermap.maps.water_rasters import WATER_SUFFIX

_SHIFT_PIXELS = 0.01
"""Pixels that differ by less than this share are one (float digits differ by writer)."""
_EDGE_POINTS = 17


@dataclass(frozen=True)
class Placed:
    """Where a raster lies on the pixel grid of another.

    Attributes:
        path: the raster.
        grid: its own.
        row, col: its first pixel, counted from the first of the other, or of their union.
    """

    path: Path
    grid: Grid
    row: int
    col: int

    @property
    def bottom(self) -> int:
        """The row after its last."""
        return self.row + self.grid.height

    @property
    def right(self) -> int:
        """The column after its last."""
        return self.col + self.grid.width

    def own(self, window: Window) -> Window:
        """A window of that grid, in the raster's own pixels."""
        return Window(window.col_off - self.col, window.row_off - self.row, window.width, window.height)


def place(path: Path, grid: Grid, onto: Placed) -> Placed:
    """Find a raster's place on another's pixel grid.

    Args:
        path: the raster.
        grid: its own.
        onto: the raster whose grid it is.

    Raises:
        DataError: CRS, pixel size or orientation differ, or the pixels lie between those of the other; the message
            names the difference, and the gdalwarp command that mends it.
    """
    difference = _difference(grid, onto.grid)
    if difference is None:
        col, row = ~onto.grid.transform @ (grid.transform @ (0, 0))
        shift_col, shift_row = abs(col - round(col)), abs(row - round(row))
        if max(shift_col, shift_row) <= _SHIFT_PIXELS:
            return Placed(path, grid, onto.row + round(row), onto.col + round(col))
        difference = f"its pixels lie {shift_col:.2f} columns and {shift_row:.2f} rows beside the other's"
    raise DataError(f"{path}: does not fit {onto.path}, {difference}", hint=_remedy(path, grid, onto))


def common(one: Placed, other: Placed) -> Window | None:
    """The window of their pixel grid where two rasters overlap, None where they do not."""
    top, bottom = max(one.row, other.row), min(one.bottom, other.bottom)
    left, right = max(one.col, other.col), min(one.right, other.right)
    return Window(left, top, right - left, bottom - top) if top < bottom and left < right else None


def union(rasters: Sequence[tuple[Path, Grid]]) -> tuple[Grid, list[Placed]]:
    """The grid that rasters of aligned pixels cover together, and where each lies on it.

    Raises:
        DataError: a raster is not aligned with the first one.
    """
    path, grid = rasters[0]
    first = Placed(path, grid, 0, 0)
    placed = [first, *(place(path, grid, first) for path, grid in rasters[1:])]
    top, left = min(each.row for each in placed), min(each.col for each in placed)
    height, width = max(each.bottom for each in placed) - top, max(each.right for each in placed) - left
    whole = grid.crop(Window(left, top, width, height))
    return whole, [Placed(each.path, each.grid, each.row - top, each.col - left) for each in placed]


def _difference(grid: Grid, other: Grid) -> str | None:
    """How CRS or pixels differ, None where all of the raster's pixels are the other's, shifted."""
    if grid.crs != other.crs:
        return f"it is in {grid.crs} and the other in {other.crs}"
    ours, theirs = grid.transform, other.transform
    longer_side = max(grid.width, grid.height)
    allowed = _SHIFT_PIXELS * min(other.pixel_width, other.pixel_height) / longer_side
    sides = zip((ours.a, ours.b, ours.d, ours.e), (theirs.a, theirs.b, theirs.d, theirs.e), strict=True)
    if all(abs(a - b) <= allowed for a, b in sides):
        return None
    sizes = [f"{each.pixel_width:.10g} x {each.pixel_height:.10g}" for each in (grid, other)]
    if sizes[0] != sizes[1]:
        return f"its pixels are {sizes[0]} and the other's {sizes[1]}"
    return "its rows and columns run another way"


def _remedy(path: Path, grid: Grid, onto: Placed) -> str:
    """The command that warps a raster onto another's grid, or the other onto its, since gdalwarp makes north-up."""
    if not _is_north_up(onto.grid) and _is_north_up(grid):
        return _remedy(onto.path, onto.grid, Placed(path, grid, 0, 0))
    if not _is_north_up(onto.grid):
        return f"make both north-up first, beginning with {_command(onto.path, '-r near')}"
    crs = onto.grid.crs.to_string()
    t = onto.grid.transform
    options = f"-t_srs {shlex.quote(crs)} -tr {t.a:.12g} {-t.e:.12g}"
    try:
        left, top, right, bottom = _cover(grid, onto.grid)
    except DataError:
        return f"{_command(path, f'{options} -r near')}"
    west, north = t @ (left, top)
    east, south = t @ (right, bottom)
    extent = " ".join(f"{edge:.12g}" for edge in (west, south, east, north))
    return _command(path, f"{options} -te {extent} -r near -dstnodata 255")


def _command(path: Path, options: str) -> str:
    name = shlex.quote(str(path))
    end = WATER_SUFFIX if path.stem.endswith(WATER_SUFFIX) else ""
    aligned = shlex.quote(f"{path.stem.removesuffix(end)}_aligned{end}{path.suffix}")
    return f"gdalwarp {options} {name} {aligned}"


def _is_north_up(grid: Grid) -> bool:
    t: Affine = grid.transform
    return bool(t.b == 0 and t.d == 0 and t.a > 0 and t.e < 0)


def _cover(grid: Grid, onto: Grid) -> tuple[int, int, int, int]:
    """First col and row and those after the last, of the other grid's pixels that cover a grid."""
    along = np.linspace(0, 1, _EDGE_POINTS)
    cols = np.concatenate([along, along, np.zeros(_EDGE_POINTS), np.ones(_EDGE_POINTS)]) * grid.width
    rows = np.concatenate([np.zeros(_EDGE_POINTS), np.ones(_EDGE_POINTS), along, along]) * grid.height
    points = locate(np.column_stack([cols, rows]), grid, onto)
    if not np.isfinite(points).all():
        raise DataError(f"{grid.crs}: does not reach there")
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    slack = _SHIFT_PIXELS
    return math.floor(left + slack), math.floor(top + slack), math.ceil(right - slack), math.ceil(bottom - slack)
