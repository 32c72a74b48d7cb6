"""The pixel grid of a raster and the algebra of windows over it. Pure: no file is opened here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

_SAME_GRID_PIXELS = 0.01
"""Grids whose corners differ by less than this share of a pixel are one grid (float digits differ by writer)."""


@dataclass(frozen=True)
class Grid:
    """Where a raster's pixels lie.

    Attributes:
        crs: coordinate reference system.
        transform: pixel (col, row) to (x, y) in CRS units; any orientation.
        width: columns.
        height: rows.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.height, self.width

    @property
    def pixel_width(self) -> float:
        """Width of a pixel in CRS units."""
        return math.hypot(self.transform.a, self.transform.d)

    @property
    def pixel_height(self) -> float:
        """Height of a pixel in CRS units."""
        return math.hypot(self.transform.b, self.transform.e)

    def same_as(self, other: Grid) -> bool:
        """Whether two grids put every pixel at the same place, to a hundredth of a pixel."""
        if self.shape != other.shape or self.crs != other.crs:
            return False
        tolerance = _SAME_GRID_PIXELS * min(self.pixel_width, self.pixel_height)
        corners = ((0, 0), (self.width, 0), (0, self.height), (self.width, self.height))
        return all(math.dist(self.transform @ corner, other.transform @ corner) <= tolerance for corner in corners)

    def crop(self, window: Window) -> Grid:
        """The grid of a window of this one."""
        transform = self.transform @ Affine.translation(window.col_off, window.row_off)
        return Grid(self.crs, transform, int(window.width), int(window.height))

    def corners(self, window: Window | None = None) -> list[tuple[float, float]]:
        """The four corners (x, y) of the grid, or of a window of it, as an open ring."""
        if window is None:
            window = Window(0, 0, self.width, self.height)
        left, top = window.col_off, window.row_off
        right, bottom = left + window.width, top + window.height
        return [self.transform @ point for point in ((left, top), (right, top), (right, bottom), (left, bottom))]

    def footprint(self, window: Window | None = None) -> dict[str, Any]:
        """The outline of the grid, or of a window of it, as a GeoJSON polygon in the grid's CRS."""
        ring = self.corners(window)
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


@dataclass(frozen=True)
class Span:
    """One window's extent along one axis.

    Attributes:
        start: first pixel; the window reads [start, start + size), which may reach beyond the raster.
        size: pixels read.
        used: pixels of the raster inside the window, from its start.
    """

    start: int
    size: int
    used: int


def spans(length: int, size: int, overlap: int) -> list[Span]:
    """Windows of one size that cover an axis, each sharing `overlap` pixels with the next.

    The first starts at 0 and each starts `size - overlap` after the one before, so that a pixel lies at the same
    phase of the network's stride whatever the size; the last may reach beyond the end.

    Args:
        length: pixels of the axis, at least 1.
        size: pixels of a window.
        overlap: pixels shared by neighbours, less than half of `size` so that no pixel lies in three windows.
    """
    if length < 1 or size < 1 or not 0 <= 2 * overlap < size:
        raise ValueError(f"length {length}, size {size} and overlap {overlap} cannot tile an axis")
    step = size - overlap
    count = max(1, math.ceil((length - overlap) / step))
    return [Span(i * step, size, min(size, length - i * step)) for i in range(count)]


def even_size(length: int, largest: int, overlap: int, multiple: int) -> int:
    """The size of the fewest equal windows that cover an axis, so that little of the last one lies beyond its end.

    Args:
        length: pixels of the axis, at least 1.
        largest: pixels that a window may have; a multiple of `multiple` and more than twice the overlap.
        overlap: pixels shared by neighbours; a multiple of `multiple`.
        multiple: of which the size is one.
    """
    count = 1 if length <= largest else math.ceil((length - overlap) / (largest - overlap))
    each = length if count == 1 else math.ceil((length - overlap) / count) + overlap
    least = multiple if count == 1 else 2 * overlap + multiple
    return max(least, math.ceil(each / multiple) * multiple)


def blocks(grid: Grid, rows: int) -> Iterator[Window]:
    """Full-width windows of at most `rows` rows that cover a grid from top to bottom."""
    for start in range(0, grid.height, rows):
        yield Window(0, start, grid.width, min(rows, grid.height - start))


def blocks_with_halo(grid: Grid, rows: int, halo: int | tuple[int, int]) -> Iterator[tuple[Window, Window, slice]]:
    """Blocks of rows as `blocks` gives them, each with the rows around it that what happens in it depends on.

    Args:
        grid: any.
        rows: of a block.
        halo: rows above and below, as far as the grid goes; or those above and those below.

    Yields:
        The block, the wider window, and which rows of the wider window the block is.
    """
    above, below = halo if isinstance(halo, tuple) else (halo, halo)
    for block in blocks(grid, rows):
        first, end = int(block.row_off), int(block.row_off + block.height)
        top, bottom = max(first - above, 0), min(end + below, grid.height)
        yield block, Window(0, top, grid.width, bottom - top), slice(first - top, end - top)
