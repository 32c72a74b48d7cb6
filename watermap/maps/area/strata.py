"""Strata of a water raster: water, the land beside it, where most errors are, and the rest of the land."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.geo.grid import blocks_with_halo
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.label import Label
from watermap.scenes.neighbourhood import dilate

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
    near = dilate(water, shore_px, metric="chessboard")
    strata = np.where(water, 0, np.where(near, _BESIDE, _OTHER)).astype(np.uint8)
    strata[codes == NO_DATA] = NO_DATA
    return strata


def strata_blocks(label: Label, shore_px: int) -> Iterator[tuple[Window, Strata]]:
    """Strata of a water raster from top to bottom, in memory of some rows.

    Args:
        label: the water raster, open.
        shore_px: as in `stratify`.

    Yields:
        A window of full width, and its strata; the windows are the same whatever `shore_px` is.
    """
    for block, wide, inner in blocks_with_halo(label.own_grid, _BLOCK_ROWS, shore_px):
        yield block, stratify(label.read(wide), shore_px)[inner]
