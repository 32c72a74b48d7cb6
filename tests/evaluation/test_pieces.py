import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from watermap.evaluation.pieces import Piece, in_context


def whole(rows: int) -> Piece:
    numbers = np.arange(rows)[:, None] + np.zeros(3)
    return Piece(numbers.astype(np.uint8), numbers.astype(np.float32), {"B3": numbers.astype(np.float32)})


@given(heights=st.lists(st.integers(1, 12), min_size=1, max_size=8), halo=st.integers(0, 9))
def test_each_row_comes_once_with_all_its_neighbours(heights: list[int], halo: int) -> None:
    scene = whole(sum(heights))
    starts = np.cumsum([0, *heights])
    pieces = [scene.rows(slice(start, end)) for start, end in itertools.pairwise(starts)]
    rows = sum(heights)
    done = 0
    for piece, inner in in_context(pieces, halo):
        own = piece.label[inner, 0].tolist()
        assert own == list(range(done, done + len(own)))
        first, last = int(piece.label[0, 0]), int(piece.label[-1, 0])
        assert first <= max(0, done - halo)
        assert last >= min(rows - 1, done + len(own) - 1 + halo)
        np.testing.assert_array_equal(piece.probability, piece.reflectance["B3"])
        done += len(own)
    assert done == rows


def test_memory_holds_no_more_than_pieces_and_halo() -> None:
    pieces = [whole(10) for _ in range(50)]
    assert max(len(piece.label) for piece, _ in in_context(pieces, 4)) <= 10 + 3 * 4
