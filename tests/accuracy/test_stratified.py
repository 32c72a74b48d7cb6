"""Estimates from stratified samples: the published example, and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from watermap.accuracy.stratified import assess, samples_wanted
from watermap.errors import DataError

# Olofsson et al. 2014, tables 8 and 9: deforestation, forest gain, stable forest, stable non-forest
COUNTS = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
PIXELS = [200_000, 150_000, 3_200_000, 6_450_000]
HECTARES = sum(PIXELS) * 0.09


def test_the_published_example_to_its_printed_digits() -> None:
    found = assess(COUNTS, PIXELS, mapped_as=range(4))
    areas = [share.scaled(HECTARES) for share in found.shares]
    assert [round(area.value) for area in areas] == [21_158, 11_686, 285_770, 581_386]
    assert [round(area.margin) for area in areas] == [6_158, 3_756, 15_510, 16_282]
    assert round(found.shares[0].standard_error, 4) == 0.0035
    users = [(round(one.value, 2), round(one.margin, 2)) for one in found.users if one]
    assert users == [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    producers = [(round(one.value, 2), round(one.margin, 2)) for one in found.producers if one]
    assert [value for value, _ in producers] == [0.75, 0.85, 0.93, 0.96]
    assert [margin for _, margin in producers] == [0.21, 0.25, 0.03, 0.02]
    assert (round(found.overall.value, 2), round(found.overall.margin, 2)) == (0.95, 0.02)


def test_the_published_sample_size() -> None:
    assert samples_wanted(PIXELS, [0.70, 0.60, 0.90, 0.95], 0.01) == 641


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Strata water, land beside shores, other land; 1,000 samples drawn from ground whose truth is known."""
    rng = np.random.default_rng(8)
    areas, truth, sizes = np.array([0.1, 0.1, 0.8]), np.array([0.92, 0.12, 0.03]), np.array([100, 100, 300])
    share = float(areas @ truth)
    right = areas @ np.array([truth[0], 1 - truth[1], 1 - truth[2]])
    goal = {"share": share, "producers": areas[0] * truth[0] / share, "overall": right}
    hits = dict.fromkeys(goal, 0)
    for _ in range(1000):
        water = rng.binomial(sizes, truth)
        found = assess(np.stack([sizes - water, water], axis=1), areas, mapped_as=(1, 0, 0))
        estimates = {"share": found.shares[1], "producers": found.producers[1], "overall": found.overall}
        for name, estimate in estimates.items():
            assert estimate is not None
            low, high = estimate.interval
            hits[name] += low <= goal[name] <= high
    assert all(930 <= count <= 970 for count in hits.values()), hits


def test_a_class_of_several_strata_is_the_same_as_one_where_they_do_not_differ() -> None:
    whole = assess([[40, 10], [6, 54]], [70, 30], mapped_as=(0, 1))
    parts = assess([[40, 10], [40, 10], [6, 54]], [35, 35, 30], mapped_as=(0, 0, 1))
    assert parts.shares[1].value == pytest.approx(whole.shares[1].value)
    assert parts.users[0] is not None
    assert whole.users[0] is not None
    assert parts.users[0].value == pytest.approx(whole.users[0].value)
    assert parts.users[0].standard_error == pytest.approx(whole.users[0].standard_error / 2**0.5)


def test_what_nothing_speaks_for_is_none() -> None:
    found = assess([[50, 0]], [10], mapped_as=(0,))
    assert (found.users[1], found.producers[1]) == (None, None)
    assert found.shares[1].interval == (0, 0)
    assert found.overall.value == 1


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(DataError, match="stratum 1 has 1 interpreted sample"):
        assess([[5, 5], [1, 0]], [1, 1], mapped_as=(0, 1))
    assert assess([[5, 5], [0, 0]], [1, 0], mapped_as=(0, 1)).shares[1].value == 0.5
