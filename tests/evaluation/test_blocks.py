import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from watermap.evaluation.blocks import ScoredBlock, in_context


def whole(rows: int) -> ScoredBlock:
    numbers = np.arange(rows)[:, None] + np.zeros(3)
    return ScoredBlock(numbers.astype(np.uint8), numbers.astype(np.float32), {"B3": numbers.astype(np.float32)})


@given(heights=st.lists(st.integers(1, 12), min_size=1, max_size=8), halo=st.integers(0, 9))
def test_each_row_comes_once_with_all_its_neighbours(heights: list[int], halo: int) -> None:
    scene = whole(sum(heights))
    starts = np.cumsum([0, *heights])
    blocks = [scene.rows(slice(start, end)) for start, end in itertools.pairwise(starts)]
    rows = sum(heights)
    done = 0
    for block, inner in in_context(blocks, halo):
        own = block.label[inner, 0].tolist()
        assert own == list(range(done, done + len(own)))
        first, last = int(block.label[0, 0]), int(block.label[-1, 0])
        assert first <= max(0, done - halo)
        assert last >= min(rows - 1, done + len(own) - 1 + halo)
        np.testing.assert_array_equal(block.probability, block.reflectance["B3"])
        done += len(own)
    assert done == rows


def test_memory_holds_no_more_than_pieces_and_halo() -> None:
    blocks = [whole(10) for _ in range(50)]
    assert max(len(block.label) for block, _ in in_context(blocks, 4)) <= 10 + 3 * 4
