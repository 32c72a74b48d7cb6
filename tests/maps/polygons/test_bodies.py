import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bodies import Codes, blocks_of, codes_of, drawn, spiral
from watermap.legend import WATER
from watermap.maps.polygons.bodies import Whole, whole_bodies


def numbered(codes: Codes, rows: int) -> np.ndarray:
    """Which body each pixel is of, from 1 by first pixels; 0 is none."""
    found = np.zeros(codes.shape, dtype=np.int64)
    count = 0
    for whole in whole_bodies(blocks_of(codes, rows), codes.shape[1]):
        assert (np.diff(whole.body) >= 0).all()
        for run, body in zip(whole.runs, whole.body.tolist(), strict=True):
            assert not found[run["row"], run["start"] : run["stop"]].any()
            found[run["row"], run["start"] : run["stop"]] = count + body + 1
        count += len(whole.firsts)
    _, firsts, names = np.unique(found, return_index=True, return_inverse=True)
    firsts[0] = -1 if (found == 0).any() else firsts[0]
    ranks = np.argsort(np.argsort(firsts)) + (0 if (found == 0).any() else 1)
    return ranks[names].reshape(found.shape)


def flooded(codes: Codes) -> np.ndarray:
    """The same, one pixel after the other."""
    found = np.zeros(codes.shape, dtype=np.int64)
    count = 0
    for place in np.argwhere(codes == WATER).tolist():
        if found[tuple(place)]:
            continue
        count += 1
        todo = [tuple(place)]
        while todo:
            row, col = todo.pop()
            inside = 0 <= row < codes.shape[0] and 0 <= col < codes.shape[1]
            if inside and codes[row, col] == WATER and not found[row, col]:
                found[row, col] = count
                todo += [(row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)]
    return found


@given(codes_of(), st.integers(1, 14))
def test_bodies_are_pixels_that_share_sides_whatever_the_blocks(codes: Codes, rows: int) -> None:
    assert (numbered(codes, rows) == flooded(codes)).all()


def test_a_spiral_is_one_body() -> None:
    codes = spiral(31)
    assert codes.sum() > 31 * 31 * 0.45
    for rows in (1, 2, 7, 31):
        assert numbered(codes, rows).max() == 1


def test_arms_that_meet_far_below_are_one_body() -> None:
    codes = drawn("#.#.#.# #.#.#.# #.###.# #.....# #######")
    for rows in range(1, 6):
        assert numbered(codes, rows).max() == 2


def test_a_body_is_given_out_as_soon_as_its_last_row_is_seen() -> None:
    codes = drawn("##...## ......# #.....# ......# ......#")
    found: list[Whole] = []
    seen: list[int] = []
    blocks = blocks_of(codes, 1)

    def told() -> object:
        for block in blocks:
            seen.append(len(found))
            yield block

    for whole in whole_bodies(told(), 7):  # type: ignore[arg-type]  # a stand-in
        found.append(whole)
    assert seen == [0, 0, 1, 1, 2]
    assert [whole.runs["row"].tolist() for whole in found] == [[0], [2], [0, 1, 2, 3, 4]]
