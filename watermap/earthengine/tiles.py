"""Pieces of a raster, as tiles or as shards of an export: checked one by one, then put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from rasterio.windows import Window

from watermap.earthengine.failures import UnusableAnswerError
from watermap.earthengine.plan import Request
from watermap.geo.crs import GDAL_ERRORS
from watermap.geo.grid import Grid, blocks
from watermap.io.cog import RasterWriter
from watermap.legend import LAND, NO_DATA, WATER

_ROWS: Final = 512
_OFF_GRID_PIXELS: Final = 0.01


@dataclass(frozen=True)
class Tile:
    """A file that holds a part of a raster.

    Attributes:
        path: the file.
        window: of the raster's grid.
    """

    path: Path
    window: Window


def open_tile(path: Path, request: Request) -> Tile:
    """Check that a file is a whole, undamaged part of a raster: its place, bands, type and every block.

    Raises:
        UnusableAnswerError: it is not.
    """
    try:
        with rasterio.open(path) as dataset:
            grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
            window = _place(grid, request.grid)
            if window is None:
                raise UnusableAnswerError("the pixels lie on another grid than the one asked for")
            if (dataset.count, dataset.dtypes[0]) != (len(request.layout.bands), request.layout.dtype):
                raise UnusableAnswerError(f"{dataset.count} bands of {dataset.dtypes[0]} are not what was asked for")
            for block in blocks(grid, _ROWS):
                values = dataset.read(window=block)
                if request.raster == "label" and not np.isin(values, (LAND, WATER, NO_DATA)).all():
                    raise UnusableAnswerError("the label holds other codes than 0, 1 and 255")
    except GDAL_ERRORS as error:
        raise UnusableAnswerError("the answer is no GeoTIFF, or a damaged one") from error
    return Tile(path, window)


def tile_on_disk(path: Path, request: Request) -> Tile | None:
    """A piece that an earlier run left; a damaged one is removed."""
    try:
        return open_tile(path, request)
    except UnusableAnswerError:
        path.unlink()
        return None


def assemble(tiles: Sequence[Tile], request: Request, target: Path) -> int:
    """Write a raster from its pieces, as a cloud optimised GeoTIFF that appears complete or not at all.

    Memory holds some 512 rows of it.

    Returns:
        How many of its pixels hold data.

    Raises:
        UnusableAnswerError: the pieces do not cover every pixel exactly once, or one was damaged meanwhile.
        DataError: the target cannot be written.
    """
    valid = 0
    with RasterWriter(target, request.grid, request.layout, tags=request.tags) as writer:
        for block in blocks(request.grid, _ROWS):
            values = _read(tiles, block, request)
            valid += int((values != request.layout.no_data).any(axis=0).sum())
            writer.write(values)
    return valid


def _read(tiles: Sequence[Tile], block: Window, request: Request) -> Any:
    """(bands, rows, cols) of a block of whole rows."""
    shape = int(block.height), int(block.width)
    values = np.empty((len(request.layout.bands), *shape), request.layout.dtype)
    covered = np.zeros(shape, np.uint8)
    for tile in tiles:
        top = max(block.row_off, tile.window.row_off)
        bottom = min(block.row_off + block.height, tile.window.row_off + tile.window.height)
        if top >= bottom:
            continue
        left, width = tile.window.col_off, tile.window.width
        try:
            with rasterio.open(tile.path) as dataset:
                found = dataset.read(window=Window(0, top - tile.window.row_off, width, bottom - top))
        except GDAL_ERRORS as error:
            raise UnusableAnswerError(f"{tile.path.name} was damaged since it came") from error
        here = slice(top - block.row_off, bottom - block.row_off), slice(left, left + width)
        values[:, *here] = found
        covered[here] += 1
    if not (covered == 1).all():
        raise UnusableAnswerError("the files of the export do not cover every pixel exactly once")
    return values


def _place(grid: Grid, whole: Grid) -> Window | None:
    """The window of a grid that another grid is, or None where it is none."""
    if grid.crs != whole.crs:
        return None
    col, row = ~whole.transform @ (grid.transform.c, grid.transform.f)
    window = Window(round(col), round(row), grid.width, grid.height)
    outside = (
        window.col_off < 0
        or window.row_off < 0
        or window.col_off + grid.width > whole.width
        or window.row_off + grid.height > whole.height
    )
    off = max(abs(col - window.col_off), abs(row - window.row_off)) > _OFF_GRID_PIXELS
    return None if outside or off or not whole.crop(window).same_as(grid) else window
