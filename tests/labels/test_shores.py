import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rasters import make_grid
from tests.support.waters import water_arrays
from watermap.labels.shores import beside_shores, spread, widened_blocks


def near(here: npt.NDArray[np.bool_], px: int) -> npt.NDArray[np.bool_]:
    """Reference: pixel by pixel."""
    found = np.zeros_like(here)
    for row, col in np.ndindex(here.shape):
        found[row, col] = here[max(0, row - px) : row + px + 1, max(0, col - px) : col + px + 1].any()
    return found


@given(water_arrays(max_side=12), st.integers(0, 15))
def test_pixels_near_others_against_one_by_one(codes: npt.NDArray[np.uint8], px: int) -> None:
    np.testing.assert_array_equal(spread(codes == 1, px), near(codes == 1, px))
    np.testing.assert_array_equal(beside_shores(codes, px), near(codes == 1, px) & near(codes == 0, px))


def test_a_shore_lies_between_land_and_water_and_nothing_else() -> None:
    codes = np.array([[0, 0, 1, 1, 255, 0, 0]], np.uint8)
    np.testing.assert_array_equal(beside_shores(codes, 1), [[0, 1, 1, 0, 1, 0, 0]])
    assert not beside_shores(codes, 0).any()


@pytest.mark.parametrize("px", [0, 3, 40])
def test_widened_blocks_cover_a_grid_once(px: int) -> None:
    grid = make_grid(5, 37)
    rows = np.arange(37)
    covered: list[int] = []
    for block, wide, inner in widened_blocks(grid, 10, px):
        read = rows[int(wide.row_off) : int(wide.row_off + wide.height)]
        own = rows[int(block.row_off) : int(block.row_off + block.height)]
        np.testing.assert_array_equal(read[inner], own)
        assert read[0] == max(0, own[0] - px)
        assert read[-1] == min(36, own[-1] + px)
        covered.extend(own)
    np.testing.assert_array_equal(covered, rows)
