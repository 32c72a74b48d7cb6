"""Where an index changes sharply, as at a shore. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray, Mask
from watermap.scenes.neighbourhood import dilate

_SIGMA_PX: Final = 1.0
_RADIUS_PX: Final = 3
"""Beyond it Gauss' curve weighs next to nothing."""
_LEAST_GRADIENT: Final = 1 / 8
"""Of an index's range, how much it changes from a pixel to the next, smoothed, where there is an edge: as much as it
does between water and land, and seldom between field and forest."""
_NO_DATA_PX: Final = 3
"""So close to no data nothing is an edge: what is missing may begin with a fringe."""
_BESIDE_PX: Final = 1
"""How far from an edge pixels lie that show both its sides."""
_ROWS: Final = 128
"""Rows in which edges are looked for at once: they take twenty times the memory of the index."""
HALO: Final = 8
"""Rows and columns around a pixel that say whether it lies beside an edge."""


def values_beside_edges(strips: Iterable[FloatArray], value_range: tuple[float, float]) -> Iterator[FloatArray]:
    """The values of an index on its sharp edges and beside them: those that Otsu's rule then splits.

    Args:
        strips: (rows, cols) from top to bottom, of any height; NaN is no data.
        value_range: between which values the index lies.

    Yields:
        (pixels,) of some rows.

    Source: Donchyts et al. 2016, doi:10.3390/rs8050386.
    """
    pieces = (values[row : row + _ROWS] for values in strips for row in range(0, len(values), _ROWS))
    for wide in with_halo(pieces):
        yield wide[HALO:-HALO][beside_edges(wide, value_range)]


def with_halo(strips: Iterable[FloatArray]) -> Iterator[FloatArray]:
    """Rows of a raster with those around them that `beside_edges` needs; NaN beyond the raster.

    Args:
        strips: (rows, cols) from top to bottom, of any height.

    Yields:
        (`HALO` + rows + `HALO`, cols) of rows that follow each other.
    """
    held: FloatArray | None = None
    for strip in strips:
        above = _nothing(strip.shape[1]) if held is None else held
        held = np.concatenate([above, strip])
        if len(held) > 2 * HALO:
            yield held
            held = held[-2 * HALO :]
    if held is not None and len(held) > HALO:
        yield np.concatenate([held, _nothing(held.shape[1])])


def beside_edges(values: FloatArray, value_range: tuple[float, float]) -> Mask:
    """Which pixels lie on a sharp edge of an index or beside it.

    Edges are Canny's without hysteresis, as Earth Engine finds them: the ridges of the gradient of the smoothed index,
    where they are steep enough. What is found of a pixel depends on no more than `HALO` pixels around it.

    Args:
        values: (`HALO` + rows + `HALO`, cols) of the index; NaN is no data.
        value_range: between which values the index lies.

    Returns:
        (rows, cols).

    Source: Canny 1986; Donchyts et al. 2016, doi:10.3390/rs8050386.
    """
    wide = np.pad(values, ((0, 0), (HALO, HALO)), constant_values=np.nan)
    valid = np.isfinite(wide)
    smoothed = _smoothed(np.where(valid, wide, 0).astype(np.float32), valid)
    down, across = np.zeros((2, *wide.shape), dtype=np.float32)
    down[1:-1] = (smoothed[2:] - smoothed[:-2]) / 2
    across[:, 1:-1] = (smoothed[:, 2:] - smoothed[:, :-2]) / 2
    steepness = np.hypot(down, across)
    steepness[dilate(~valid, _NO_DATA_PX, metric="chessboard")] = 0
    edges = _ridges(steepness, down, across) & (steepness >= _LEAST_GRADIENT * (value_range[1] - value_range[0]))
    beside = dilate(edges, _BESIDE_PX, metric="chessboard") & valid
    return beside[HALO:-HALO, HALO:-HALO]


def _nothing(cols: int) -> FloatArray:
    return np.full((HALO, cols), np.nan, dtype=np.float32)


def _smoothed(values: npt.NDArray[np.float32], valid: Mask) -> npt.NDArray[np.float32]:
    """Weighted means over the pixels that hold data."""
    steps = np.arange(-_RADIUS_PX, _RADIUS_PX + 1)
    weights = np.exp(-((steps / _SIGMA_PX) ** 2) / 2).astype(np.float32)
    total, weight = (_weighted(_weighted(each, weights).T, weights).T for each in (values, valid.astype(np.float32)))
    return np.divide(total, weight, out=np.zeros_like(total), where=valid)


def _weighted(values: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sums along the first axis; 0 beyond the ends."""
    padded = np.pad(values, ((_RADIUS_PX, _RADIUS_PX), (0, 0)))
    total = np.zeros_like(values)
    for step, weight in enumerate(weights):
        total += weight * padded[step : step + len(values)]
    return total


def _ridges(steepness: npt.NDArray[np.float32], down: npt.NDArray[np.float32], across: npt.NDArray[np.float32]) -> Mask:
    """Which pixels are at least as steep as both their neighbours in the direction of the gradient."""
    octant = np.rint(np.arctan2(down, across) / (np.pi / 4)).astype(np.int8) % 4
    padded = np.pad(steepness, 1)
    found = np.zeros(steepness.shape, dtype=bool)
    for number, (row, col) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        after = padded[1 + row : 1 + row + len(steepness), 1 + col : 1 + col + steepness.shape[1]]
        before = padded[1 - row : 1 - row + len(steepness), 1 - col : 1 - col + steepness.shape[1]]
        found |= (octant == number) & (steepness > before) & (steepness >= after)
    return found
