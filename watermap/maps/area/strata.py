"""Strata of a water raster: water, the land beside it, where most errors are, and the rest of the land."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.geo.grid import blocks
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.label import Label

Strata = npt.NDArray[np.uint8]
"""(rows, cols): index of the stratum, 255 no data."""

NAMES: Final = ("water", "land beside water", "other land")
MAPPED_AS: Final = (WATER, LAND, LAND)
_BESIDE: Final = 1
_OTHER: Final = 2

_BLOCK_ROWS: Final = 256


def stratify(codes: npt.NDArray[np.uint8], shore_px: int) -> Strata:
    """The stratum of each pixel.

    Args:
        codes: (rows, cols) of a water raster.
        shore_px: land as near to water as this, along rows, columns and diagonals, lies beside it.
    """
    water = codes == WATER
    near = _spread(_spread(water, shore_px).T, shore_px).T
    strata = np.where(water, 0, np.where(near, _BESIDE, _OTHER)).astype(np.uint8)
    strata[codes == NO_DATA] = NO_DATA
    return strata


def _spread(water: npt.NDArray[np.bool_], px: int) -> npt.NDArray[np.bool_]:
    """Water, and all that lies as near to it along its column as some pixels."""
    near = water.copy()
    for step in range(1, px + 1):
        near[step:] |= water[:-step]
        near[:-step] |= water[step:]
    return near


def strata_blocks(label: Label, shore_px: int) -> Iterator[tuple[Window, Strata]]:
    """Strata of a water raster from top to bottom, in memory of some rows.

    Args:
        label: the water raster, open.
        shore_px: as in `stratify`.

    Yields:
        A window of full width, and its strata; the windows are the same whatever `shore_px` is.
    """
    grid = label.own_grid
    for block in blocks(grid, _BLOCK_ROWS):
        first, end = int(block.row_off), int(block.row_off + block.height)
        above, below = max(0, first - shore_px), min(grid.height, end + shore_px)
        codes = label.read(Window(0, above, grid.width, below - above))
        yield block, stratify(codes, shore_px)[first - above : len(codes) - (below - end)]
