import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waters import water_arrays
from watermap.labels.shores import beside_shores


def near(here: npt.NDArray[np.bool_], px: int) -> npt.NDArray[np.bool_]:
    """Reference: pixel by pixel."""
    found = np.zeros_like(here)
    for row, col in np.ndindex(here.shape):
        found[row, col] = here[max(0, row - px) : row + px + 1, max(0, col - px) : col + px + 1].any()
    return found


@given(water_arrays(max_side=12), st.integers(0, 15))
def test_pixels_near_others_against_one_by_one(codes: npt.NDArray[np.uint8], px: int) -> None:
    np.testing.assert_array_equal(beside_shores(codes, px), near(codes == 1, px) & near(codes == 0, px))


def test_a_shore_lies_between_land_and_water_and_nothing_else() -> None:
    codes = np.array([[0, 0, 1, 1, 255, 0, 0]], np.uint8)
    np.testing.assert_array_equal(beside_shores(codes, 1), [[0, 1, 1, 0, 1, 0, 0]])
    assert not beside_shores(codes, 0).any()
