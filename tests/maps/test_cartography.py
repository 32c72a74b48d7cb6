"""Scale bars and arrows to the north."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rasters import UTM33
from watermap.geo.grid import Grid
from watermap.maps.cartography import north, round_length
from watermap.maps.panels import upright


@pytest.mark.parametrize(("down", "across"), [(-10, 10), (10, 10), (-10, -10), (10, -10)])
def test_the_arrow_points_up_whatever_way_rows_and_columns_run(down: float, across: float) -> None:
    grid = Grid(UTM33, Affine(across, 0, 500_000, 0, down, 5_300_000), 200, 100)
    turn, shown = upright(grid)
    assert north(shown) == pytest.approx((0, -1), abs=1e-3)
    corners = np.array([[shown.transform @ (col, row) for col in (0, 200)] for row in (0, 100)])
    own = np.array([[grid.transform @ (col, row) for col in (0, 200)] for row in (0, 100)])
    np.testing.assert_allclose(corners, own[turn])


@given(st.floats(1e-3, 1e7))
def test_scale_bars_are_round(most: float) -> None:
    length = round_length(most)
    assert most / 2.5 - 1e-9 <= length <= most * (1 + 1e-9)
    digits = f"{length:.6e}".split("e")[0]
    assert float(digits) in (1, 2, 5)
