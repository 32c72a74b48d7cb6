"""Small water bodies taken out of a map whose rows come from top to bottom. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.arrays import Codes
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_area_m2
from watermap.geo.runs import RUN, Integers, Runs, components, find_runs, touching
from watermap.legend import LAND

_UNITS_A_M2: Final = 10_000
"""Areas are summed up in whole cm2, so that no sum depends on the order of its pixels."""
_STRIP_ROWS: Final = 64
"""Rows whose pixels are measured at once: areas take eight times the memory of codes."""


class BodySieve:
    """Makes land of the water bodies that cover less than some ground.

    Pixels that share a side are of one body; where two touch at a corner only, they are two. All else is as it was:
    islands, and what has no data, at which a body ends. A row is given out once nothing of it can change any more:
    a body that is still too small reaches down no more rows than its pixels, so that memory is that of a strip and of
    as many rows as pixels fit in the least area.

    Args:
        grid: of the map.
        min_area_m2: the ground, on the ellipsoid of the grid's CRS; 0: all stays as it is.

    Raises:
        DataError: the CRS is not tied to the Earth.
    """

    def __init__(self, grid: Grid, min_area_m2: float) -> None:
        self._grid = grid
        self._least = round(min_area_m2 * _UNITS_A_M2)
        self._held = np.zeros((0, grid.width), dtype=np.uint8)
        self._next_row = 0
        self._areas: Integers = np.zeros(0, dtype=np.int64)
        """Of the bodies that reach the last row, so far."""
        self._last = np.zeros(0, dtype=RUN), np.zeros(0, dtype=np.int64)
        """The runs of the last row, and the body of each."""
        self._small = self._last
        """The runs of those bodies that are still too small, and the body of each."""
        if self._least:
            pixel_area_m2(grid, Window(0, 0, 1, 1))  # a CRS that has no areas is told before hours of work

    @property
    def waiting_rows(self) -> int:
        """How many rows are taken in and not given out."""
        return len(self._held)

    def add(self, codes: Codes) -> Codes:
        """Take in the next rows.

        Args:
            codes: (rows, cols), one row at least.

        Returns:
            (rows, cols) of those after the rows given out before that nothing can change any more; perhaps none.
        """
        if not self._least:
            return codes
        runs = find_runs(np.pad(codes, 1, constant_values=LAND), self._next_row)
        root, areas = self._joined(runs)
        self._held = np.concatenate([self._held, codes])
        self._next_row += len(codes)
        bodies = len(self._areas)
        is_last = runs["row"] == self._next_row - 1
        goes_on = np.zeros(len(root), dtype=bool)
        goes_on[root[bodies:][is_last]] = True
        small, of = np.concatenate([self._small[0], runs]), np.concatenate([root[self._small[1]], root[bodies:]])
        is_small = areas[of] < self._least
        self._erase(small[is_small & ~goes_on[of]])
        names = np.flatnonzero(goes_on)
        self._areas = areas[names]
        self._last = runs[is_last], np.searchsorted(names, root[bodies:][is_last])
        waits = is_small & goes_on[of]
        self._small = small[waits], np.searchsorted(names, of[waits])
        return self._given(int(self._small[0]["row"].min()) if waits.any() else self._next_row)

    def finish(self) -> Codes:
        """The rows that are left, once all have been taken in."""
        self._erase(self._small[0])
        return self._given(self._next_row)

    def _joined(self, runs: Runs) -> tuple[Integers, Integers]:
        """Of the bodies so far, and of new runs: the body that each is of now, and the area of each body."""
        last, of = self._last
        bodies = len(self._areas)
        upper, lower = touching(np.concatenate([last, runs]), self._grid.width)
        node = np.concatenate([of, np.arange(len(runs)) + bodies])
        root = components(bodies + len(runs), node[upper], node[lower])
        areas = np.zeros(len(root), dtype=np.int64)
        np.add.at(areas, root, np.concatenate([self._areas, self._measured(runs)]))
        return root, np.minimum(areas, self._least)

    def _measured(self, runs: Runs) -> Integers:
        """The area of each run."""
        areas = np.zeros(len(runs), dtype=np.int64)
        for first in range(self._next_row, int(runs["row"][-1]) + 1 if len(runs) else 0, _STRIP_ROWS):
            here = slice(*np.searchsorted(runs["row"], (first, first + _STRIP_ROWS)))
            rows = min(_STRIP_ROWS, self._grid.height - first)
            units = np.zeros((rows, self._grid.width + 1), dtype=np.int64)
            pixels = pixel_area_m2(self._grid, Window(0, first, self._grid.width, rows)) * _UNITS_A_M2
            np.cumsum(np.rint(pixels).astype(np.int64), axis=1, out=units[:, 1:])
            row = runs["row"][here] - first
            areas[here] = units[row, runs["stop"][here]] - units[row, runs["start"][here]]
        return areas

    def _erase(self, runs: Runs) -> None:
        lengths = (runs["stop"] - runs["start"]).astype(np.int64)
        top = self._next_row - len(self._held)
        starts = (runs["row"].astype(np.int64) - top) * self._grid.width + runs["start"]
        steps: npt.NDArray[np.int64] = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        self._held.reshape(-1)[np.repeat(starts, lengths) + steps] = LAND

    def _given(self, before: int) -> Codes:
        """Rows up to one of the map, which are no longer held."""
        count = before - (self._next_row - len(self._held))
        given, self._held = self._held[:count], self._held[count:].copy()
        return given
