import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.bands import Radiometry
from watermap.bundles.fingerprints import ONE_IN, SIDE, fingerprints

DN = Radiometry(1e-4, 0.0)


def image(seed: int, rows: int = 160, cols: int = 150) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3000, (rows, cols, 3))


def prints(values: np.ndarray, radiometry: Radiometry = DN) -> np.ndarray:
    return fingerprints(values, np.ones(values.shape[:2], bool), radiometry)


def test_about_one_square_in_64_is_kept() -> None:
    squares = (160 - SIDE + 1) * (150 - SIDE + 1)
    assert 0.8 < len(prints(image(0))) / (squares / ONE_IN) < 1.25


@pytest.mark.parametrize("copy", ["reflectance", "offset", "doubled"])
def test_other_units_are_the_same_pixels(copy: str) -> None:
    values = image(8)
    others = {
        "reflectance": (values.astype(np.float32) / np.float32(10_000), Radiometry(1.0, 0.0)),
        "offset": (values + 1000, Radiometry(1e-4, -1000.0)),
        "doubled": (values * 2, Radiometry(5e-5, 0.0)),
    }
    np.testing.assert_array_equal(prints(*others[copy]), prints(values))


@given(top=st.integers(0, 40), left=st.integers(0, 40))
@settings(max_examples=25)
def test_a_part_is_known_wherever_it_is_cut(top: int, left: int) -> None:
    whole, part = prints(image(1)), prints(image(1)[top : top + 110, left : left + 100])
    assert len(part) > 5
    assert np.isin(part, whole).all()


def test_pieces_that_overlap_by_a_square_hold_all_that_the_whole_does() -> None:
    values = image(2)
    parts = [prints(values[start : start + 40 + SIDE - 1]) for start in range(0, 160, 40)]
    np.testing.assert_array_equal(np.unique(np.concatenate(parts)), prints(values))


def test_other_pixels_share_nothing() -> None:
    assert not np.isin(prints(image(3)), prints(image(4))).any()


def test_order_of_bands_and_turns_make_other_pixels() -> None:
    values = image(5)
    for other in (values[..., ::-1], values[::-1], np.swapaxes(values, 0, 1)):
        assert not np.isin(prints(other), prints(values)).any()


def test_flat_and_hidden_squares_are_left_out() -> None:
    assert not len(prints(np.full((200, 200, 3), 7)))
    valid = np.ones((160, 150), bool)
    valid[::5, ::5] = False
    assert not len(fingerprints(image(6), valid, DN))


def test_what_is_smaller_than_a_square_has_none() -> None:
    assert not len(prints(image(7, rows=SIDE - 1)))
