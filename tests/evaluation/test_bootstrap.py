import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest

from watermap.bundles.contract import LEAST_GROUNDS
from watermap.evaluation import bootstrap as intervals
from watermap.evaluation.bootstrap import (
    RESAMPLES,
    SCORES,
    Interval,
    Score,
    bootstrap_sums,
    interval,
    iou_gain,
    water_iou,
)
from watermap.evaluation.scores import scores_from_counts


def bootstrap(counts: Sequence[np.ndarray], score: Score, *, seed: int = 0) -> Interval | None:
    sums = bootstrap_sums(counts, seed=seed)
    return None if sums is None else interval(sums, score)


def scenes(seed: int, count: int = 12) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 500, (count, 2, 2)))


def test_scores_of_draws_are_those_of_counts() -> None:
    for counts in scenes(0):
        expected = scores_from_counts(counts)
        for name, score in SCORES.items():
            assert float(score(counts[None].astype(float))[0]) == pytest.approx(getattr(expected, name)), name


def test_an_interval_equals_one_from_a_loop() -> None:
    counts = scenes(1)
    rng = np.random.default_rng(7)
    times = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=RESAMPLES)
    drawn = [scores_from_counts(np.tensordot(row, counts, axes=1)).water_iou or 0.0 for row in times]
    assert bootstrap(counts, water_iou, seed=7) == pytest.approx(np.percentile(drawn, (2.5, 97.5)))


def test_draws_are_the_same_however_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = scenes(4)
    whole = bootstrap_sums(counts)
    monkeypatch.setattr(intervals, "_AT_ONCE", 1000)
    np.testing.assert_array_equal(bootstrap_sums(counts), whole)


def test_memory_does_not_grow_with_the_pieces() -> None:
    counts = [np.ones((3, 2, 2))] * 1000
    tracemalloc.start()
    bootstrap_sums(counts)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 64e6


def test_another_seed_moves_no_end_by_half_a_hundredth() -> None:
    ends = np.array([bootstrap(scenes(5, 30), water_iou, seed=seed) for seed in range(8)])
    assert np.ptp(ends, axis=0).max() < 0.005


def test_intervals_are_repeatable_and_depend_on_the_seed() -> None:
    counts = scenes(2)
    assert bootstrap(counts, water_iou) == bootstrap(counts, water_iou)
    assert bootstrap(counts, water_iou) != bootstrap(counts, water_iou, seed=1)


def test_equal_scenes_leave_no_doubt_and_few_scenes_no_interval() -> None:
    one = np.array([[50, 10], [20, 40]])
    low, high = bootstrap([one] * 8, water_iou) or (0, 1)
    assert low == high == pytest.approx(40 / 70)
    assert bootstrap([one] * (LEAST_GROUNDS - 1), water_iou) is None


def test_draws_without_water_are_left_out() -> None:
    dry, wet = np.array([[100, 0], [0, 0]]), np.array([[50, 5], [5, 40]])
    assert bootstrap([dry] * 4 + [wet], water_iou) is not None
    assert bootstrap([dry] * 6, water_iou) is None


def test_a_gain_is_drawn_on_the_same_scenes() -> None:
    counts = [np.stack([c, c]) for c in scenes(3)]
    assert bootstrap(counts, iou_gain) == (0, 0)


def test_intervals_cover_the_truth_about_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 1000)
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        drawn = [np.array([[900, 40], [0, 0]]) + rng.poisson(30, (2, 2)) * [[0, 1], [1, 3]] for _ in range(40)]
        ends = bootstrap(drawn, water_iou)
        assert ends is not None
        hits += ends[0] <= 90 / (90 + 30 + 70) <= ends[1]
    assert hits >= 180
