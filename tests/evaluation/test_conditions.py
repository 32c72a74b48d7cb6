import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.bands import Radiometry
from watermap.evaluation.blocks import ScoredBlock, in_context
from watermap.evaluation.conditions import CONDITIONS, CONTEXT_PX
from watermap.scenes.radiometry import to_reflectance

SHORE, AWAY, NARROW, DARK, TURBID, UNKNOWN = CONDITIONS


def block(label: np.ndarray, green: float = 0.1, red: float = 0.05) -> ScoredBlock:
    bands = {"B3": np.full(label.shape, green, np.float32), "B4": np.full(label.shape, red, np.float32)}
    return ScoredBlock(label.astype(np.uint8), np.zeros(label.shape, np.float32), bands)


def holds(name: str, one: ScoredBlock) -> np.ndarray:
    found = CONDITIONS[name](one)
    assert found is not None
    return found


def test_the_shore_is_two_pixels_wide_on_each_side() -> None:
    label = np.zeros((9, 20))
    label[:, 10:] = 1
    shore = holds(SHORE, block(label))
    assert np.flatnonzero(shore[4]).tolist() == [8, 9, 10, 11]
    np.testing.assert_array_equal(holds(AWAY, block(label)), ~shore)


def test_narrow_water_is_what_no_square_of_five_fits_in() -> None:
    label = np.zeros((40, 40))
    label[5:9, :] = 1  # a river of four pixels that leaves the scene
    label[20:26, 10:16] = 1  # a pond of six
    narrow = holds(NARROW, block(label))
    assert narrow[5:9, 4:36].all()
    assert not narrow[20:26, 10:16].any()
    assert not narrow[label == 0].any()


def test_water_that_may_go_on_under_what_is_unknown_is_not_called_narrow() -> None:
    label = np.zeros((20, 20))
    label[:, 8:10] = 1
    label[:, 10:14] = 255
    assert not holds(NARROW, block(label))[5:15].any()


def test_dark_and_turbid_follow_reflectance() -> None:
    label = np.zeros((4, 4))
    label[:2] = 1
    assert holds(DARK, block(label, green=0.04)).all()
    assert not holds(DARK, block(label, green=0.06)).any()
    turbid = holds(TURBID, block(label, green=0.1, red=0.1))
    np.testing.assert_array_equal(turbid, label == 1)
    assert not holds(TURBID, block(label, green=0.1, red=0.09)).any()


def test_exactly_a_twentieth_is_not_dark() -> None:
    values = np.array([[499, 500], [1499, 1500]])
    for offset, row in zip((0, -1000), values, strict=True):
        green = to_reflectance(row[None], Radiometry(1e-4, offset))
        one = ScoredBlock(np.zeros((1, 2), np.uint8), np.zeros((1, 2), np.float32), {"B3": green})
        assert holds(DARK, one).tolist() == [[True, False]]


def test_without_its_bands_a_condition_is_not_told() -> None:
    bare = ScoredBlock(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.float32), {})
    assert [name for name, find in CONDITIONS.items() if find(bare) is None] == [DARK, TURBID]


def test_beside_no_data_reaches_as_far_as_it_says() -> None:
    label = np.zeros((30, 30))
    label[15, 15] = 255
    found = holds(UNKNOWN, block(label))
    assert found[15, 15 + CONTEXT_PX]
    assert not found[15, 15 + CONTEXT_PX + 1]


@given(seed=st.integers(0, 1000), cut=st.integers(1, 59))
@settings(max_examples=30)
def test_pieces_with_context_say_the_same_as_the_whole(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.array([0, 1, 255], np.uint8), (10, 6), p=[0.5, 0.47, 0.03])
    one = block(np.kron(coarse, np.ones((6, 5), np.uint8)))
    for name in CONDITIONS:
        parts = [
            holds(name, part)[inner]
            for part, inner in in_context([one.rows(slice(0, cut)), one.rows(slice(cut, None))], CONTEXT_PX)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), holds(name, one), err_msg=name)


@pytest.mark.parametrize("name", list(CONDITIONS))
def test_a_scene_smaller_than_any_reach_is_no_error(name: str) -> None:
    assert holds(name, block(np.ones((1, 2)))).shape == (1, 2)
