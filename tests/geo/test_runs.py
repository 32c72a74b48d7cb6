import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bodies import Codes, blocks_of, codes_of, drawn
from watermap.geo.runs import components, touching
from watermap.legend import NO_DATA, WATER


@given(codes_of())
def test_runs_are_the_water(codes: Codes) -> None:
    ((runs, end),) = blocks_of(codes, len(codes))
    water = np.zeros(codes.shape, dtype=bool)
    for run in runs:
        row, start, stop = run["row"], run["start"], run["stop"]
        assert start < stop
        assert not water[row, max(0, start - 1) : stop + 1].any()  # runs do not touch along their row
        water[row, start:stop] = True
    assert (water == (codes == WATER)).all()
    assert end == len(codes)
    assert [tuple(place) for place in runs[["row", "start"]].tolist()] == sorted(runs[["row", "start"]].tolist())


def test_a_run_beside_no_data_or_the_edge_is_open() -> None:
    codes = drawn("""
        .......
        .##..#.
        .....?.
        .##?...
        .....?.
        ..##...
        .......""")
    ((runs, _),) = blocks_of(codes, len(codes))
    assert runs["open"].tolist() == [False, True, True, False]
    ((runs, _),) = blocks_of(drawn("..#.. ..... #...# ..... ..#.."), 5)
    assert runs["open"].all()


def test_probabilities_are_summed_up_where_they_are_known() -> None:
    steps = np.array([[7, 30, -1, 9, 50, 60]], dtype=np.int32)
    ((runs, _),) = blocks_of(drawn(".##.##"), 1, steps)
    assert runs["probability"].tolist() == [30, 110]
    assert runs["known"].tolist() == [1, 2]


@given(codes_of(8))
def test_runs_touch_where_they_share_a_side(codes: Codes) -> None:
    ((runs, _),) = blocks_of(codes, len(codes))
    expected = {
        (i, j)
        for i, one in enumerate(runs)
        for j, other in enumerate(runs)
        if one["row"] + 1 == other["row"] and one["start"] < other["stop"] and other["start"] < one["stop"]
    }
    found = list(zip(*(each.tolist() for each in touching(runs, codes.shape[1])), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_components_are_those_of_the_graph(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = graph
    expected = list(range(count))
    for _ in range(count):
        for one, other in pairs:
            expected[one] = expected[other] = min(expected[one], expected[other])
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    assert components(count, ends[:, 0], ends[:, 1]).tolist() == expected


def test_nothing_is_no_data_by_itself() -> None:
    ((runs, _),) = blocks_of(np.full((3, 3), NO_DATA, dtype=np.uint8), 3)
    assert len(runs) == 0
