"""Where a label changes from land to water, and what lies near it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.arrays import Codes
from watermap.geo.grid import Grid, blocks
from watermap.legend import LAND, WATER

Mask = npt.NDArray[np.bool_]


def spread(here: Mask, px: int) -> Mask:
    """Pixels that lie at most so many rows and columns from one that is marked.

    Args:
        here: (rows, cols), True where marked.
        px: how far, along rows, columns and diagonals; 0 for the mask itself.
    """
    for turned in (False, True):
        along = here.T if turned else here
        width = 0
        while width < px:  # twice as far each time; no farther, or pixels beside the edge would be passed over
            step = min(width + 1, px - width)
            wider = along.copy()
            wider[step:] |= along[:-step]
            wider[:-step] |= along[step:]
            along, width = wider, width + step
        here = along.T if turned else along
    return here


def beside_shores(codes: Codes, px: int) -> Mask:
    """Pixels that have land and water at most so many rows and columns away.

    With 1 these are the last land and the first water. What borders on unknown pixels only is no shore.

    Args:
        codes: (rows, cols) of a label.
        px: how far, along rows, columns and diagonals; 0 for none.
    """
    return spread(codes == LAND, px) & spread(codes == WATER, px)


def widened_blocks(grid: Grid, rows: int, px: int) -> Iterator[tuple[Window, Window, slice]]:
    """Blocks of rows that cover a grid, each with the rows around it that what happens in it depends on.

    Args:
        grid: any.
        rows: of a block.
        px: rows above and below, as far as the grid reaches.

    Yields:
        The block, the wider window, and which rows of the wider window the block is.
    """
    for block in blocks(grid, rows):
        first, last = int(block.row_off), int(block.row_off + block.height)
        top, bottom = max(first - px, 0), min(last + px, grid.height)
        yield block, Window(0, top, grid.width, bottom - top), slice(first - top, last - top)
