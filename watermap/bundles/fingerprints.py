"""Recognises pixels that were seen before, wherever they lie now: in a copy, a part, or a shifted copy of an image."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.bands import Radiometry

Prints = npt.NDArray[np.uint64]
"""(n,) sorted, each once."""

SIDE: Final = 8
"""Rows and columns of the squares that are recognised."""
ONE_IN: Final = 64
"""Of all squares so many as one are kept, those whose hash says so: the same ones in every copy."""
_TELLING: Final = 16
"""So many hashes do not share a factor by chance."""
_PER_REFLECTANCE: Final = 10_000
"""Steps that are told apart between reflectance 0 and 1, whatever unit an image is stored in."""
_LEAST_CHANGES: Final = 16
"""Pixels of a square that differ from their left neighbour; flat ones are alike everywhere."""

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_ACROSS: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_DOWN: Final = np.uint64(0x165667B19E3779F9)


def fingerprints(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], radiometry: Radiometry) -> Prints:
    """What an image, or some rows of it, can be recognised by.

    Args:
        values: (rows, cols, bands).
        valid: (rows, cols); squares that hold a pixel without data are left out.
        radiometry: what the values mean: a copy in other units is the same.

    Returns:
        Hashes of some of its squares: whichever image a square lies in, and wherever, it is chosen or not.

    Source: winnowing by the hash itself, as in Manber 1994, Finding similar files in a large file system, in two
    dimensions with the polynomial hash of Rabin and Karp.
    """
    rows, cols, bands = values.shape
    if rows < SIDE or cols < SIDE:
        return np.empty(0, dtype=np.uint64)
    with np.errstate(over="ignore"):
        pixels = np.zeros((rows, cols), dtype=np.uint64)
        for band in range(bands):
            pixels = _mixed(pixels * _ODD + _steps(values[..., band], valid, radiometry).astype(np.uint64))
        across = np.zeros((rows, cols - SIDE + 1), dtype=np.uint64)
        for step in range(SIDE):
            across = across * _ACROSS + pixels[:, step : cols - SIDE + 1 + step]
        squares = np.zeros((rows - SIDE + 1, across.shape[1]), dtype=np.uint64)
        for step in range(SIDE):
            squares = squares * _DOWN + across[step : rows - SIDE + 1 + step]
        squares = _mixed(squares)
    chosen = squares % np.uint64(ONE_IN) == 0
    changes = np.zeros((rows, cols), dtype=np.int32)
    changes[:, 1:] = pixels[:, 1:] != pixels[:, :-1]
    chosen &= _summed(changes)[:, : chosen.shape[1]] >= _LEAST_CHANGES
    chosen &= _summed((~valid).astype(np.int32)) == 0
    return np.unique(squares[chosen])


def thinned(prints: Prints, most: int) -> Prints:
    """The same ones in every copy again, half of them as often as it takes to be no more than so many."""
    one_in = rate(prints)
    while len(prints) > most:
        one_in *= 2
        prints = prints[prints % np.uint64(one_in) == 0]
    return prints


def rate(prints: Prints) -> int:
    """Of how many squares one was kept: what divides all of them, where they are more than chance can make even."""
    if len(prints) < _TELLING:
        return ONE_IN
    signs = int(np.bitwise_or.reduce(prints))
    return signs & -signs


def _steps(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], radiometry: Radiometry) -> npt.NDArray[np.int64]:
    reflectance = (np.where(valid, values, 0).astype(np.float64) + radiometry.offset) * radiometry.scale
    return np.rint(reflectance * _PER_REFLECTANCE).astype(np.int64)


def _mixed(values: Prints) -> Prints:
    """Each bit of a number spread over all of it."""
    values = values ^ (values >> np.uint64(29))
    values = values * _ODD
    return values ^ (values >> np.uint64(32))


def _summed(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The sum of each square, by its first row and column."""
    total = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    found: npt.NDArray[np.int32] = (
        total[SIDE:, SIDE:] - total[:-SIDE, SIDE:] - total[SIDE:, :-SIDE] + total[:-SIDE, :-SIDE]
    )
    return found
