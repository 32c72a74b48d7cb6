"""Intervals of shares: those that were published, and their sums and ratios as the formulas have them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watermap.maps.area.intervals import finite_correction, part_interval, score_intervals, sum_interval


@pytest.mark.parametrize(
    ("hits", "taken", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)],
)
def test_the_published_score_intervals(hits: int, taken: int, low: float, high: float) -> None:
    """Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3."""
    found = [float(end) for end in score_intervals(hits, taken, math.inf)]
    assert found == pytest.approx([low, high], abs=6e-5)
    other = [float(end) for end in score_intervals(taken - hits, taken, math.inf)]
    assert other == pytest.approx([1 - high, 1 - low], abs=6e-5)


def test_where_few_differ_they_may_be_rarer_than_the_score_interval_has_them() -> None:
    low, _ = score_intervals([1, 2, 3, 4], 100, math.inf)
    assert low[:3] == pytest.approx([-math.log(0.95) / 100, 0.3554 / 100, 0.8177 / 100], rel=1e-3)
    assert low[3] > 0.015
    assert score_intervals(3, 50, math.inf)[0] > 0.02


def test_few_pixels_make_samples_worth_more() -> None:
    """50 of 99 pixels are worth 100 of an endless stratum."""
    assert finite_correction(50, 99) == pytest.approx(0.5)
    few, many = score_intervals(15, 50, 99), score_intervals(30, 100, math.inf)
    assert few == pytest.approx(many)
    low, high = score_intervals([1, 2, 8], [9, 9, 9], [10, 10, 10])
    assert (low >= np.array([1, 2, 8]) / 10).all()  # these were seen
    assert (high <= 1 - np.array([8, 7, 1]) / 10 + 1e-12).all()
    assert score_intervals(7, 9, 9) == pytest.approx((7 / 9, 7 / 9))


def test_a_sum_reaches_as_far_as_its_parts_together() -> None:
    weights, shares = np.array([0.4, 0.6]), np.array([0.5, 0.1])
    found = sum_interval(weights, shares, np.array([0.2, 0.05]), np.array([0.6, 0.3]))
    assert found == pytest.approx((0.26 - math.hypot(0.12, 0.03), 0.26 + math.hypot(0.04, 0.12)))


def test_a_part_is_as_the_ratio_of_rest_and_part_has_it() -> None:
    """Donner and Zou 2012, the ratio of two independent figures."""
    part, (less, more), rest, (fewer, most) = 0.09, (0.07, 0.1), 0.02, (0.01, 0.05)
    product = part * rest
    root = math.sqrt(product**2 - fewer * more * (2 * rest - fewer) * (2 * part - more))
    low = (product - root) / (more * (2 * part - more))
    root = math.sqrt(product**2 - most * less * (2 * rest - most) * (2 * part - less))
    high = (product + root) / (less * (2 * part - less))
    assert part_interval(part, (less, more), rest, (fewer, most)) == pytest.approx((1 / (1 + high), 1 / (1 + low)))


def test_a_part_or_a_rest_of_nothing() -> None:
    low, high = part_interval(0.1, (0.08, 0.11), 0.0, (0.0, 0.03))
    assert 0.7 < low < 0.8
    assert high == 1
    assert part_interval(0.0, (0.0, 0.03), 0.1, (0.08, 0.11)) == pytest.approx((0, 1 - low))
    assert part_interval(0.0, (0.0, 0.0), 0.1, (0.08, 0.11)) == (0, 0)
    assert part_interval(0.1, (0.1, 0.1), 0.3, (0.3, 0.3)) == pytest.approx((0.25, 0.25))
