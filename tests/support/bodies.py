"""Small water rasters for tests of bodies and outlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from watermap.geo.runs import Runs, find_runs
from watermap.legend import LAND, NO_DATA, WATER

Codes = npt.NDArray[np.uint8]


def codes_of(side: int = 12, codes: tuple[int, ...] = (LAND, WATER, WATER, NO_DATA)) -> st.SearchStrategy[Codes]:
    """Water rasters of any shape up to a side."""
    shapes = st.tuples(st.integers(1, side), st.integers(1, side))
    return arrays.arrays(np.uint8, shapes, elements=st.sampled_from(codes), fill=st.nothing())


def blocks_of(codes: Codes, rows: int, probability: npt.NDArray[np.int32] | None = None) -> Iterator[tuple[Runs, int]]:
    """The runs of a raster, so many rows at once."""
    padded = np.pad(codes, 1, constant_values=NO_DATA)
    for start in range(0, len(codes), rows):
        end = min(start + rows, len(codes))
        steps = None if probability is None else probability[start:end]
        yield find_runs(padded[start : end + 2], start, steps), end


def drawn(text: str) -> Codes:
    """A raster of lines of `#` water, `.` land and `?` no data."""
    meant: dict[str, Any] = {"#": WATER, ".": LAND, "?": NO_DATA}
    return np.array([[meant[letter] for letter in line] for line in text.split()], dtype=np.uint8)


def spiral(side: int) -> Codes:
    """One body that winds inwards, a pixel wide, with a pixel of land between its turns."""
    codes = np.zeros((side, side), dtype=np.uint8)
    row, col, down, right = 0, 0, 0, 1
    codes[0, 0] = WATER
    turned = 0
    while turned < 2:
        prefetch, beyond = (row + down, col + right), (row + 2 * down, col + 2 * right)
        inside = 0 <= prefetch[0] < side and 0 <= prefetch[1] < side
        free = not (0 <= beyond[0] < side and 0 <= beyond[1] < side) or codes[beyond] == LAND
        if inside and free and codes[prefetch] == LAND:
            (row, col), turned = prefetch, 0
            codes[row, col] = WATER
        else:
            down, right, turned = right, -down, turned + 1
    return codes
