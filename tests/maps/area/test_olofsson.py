"""Estimates from stratified samples: the published example, and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.coverage import CASES, covered
from watermap.errors import DataError
from watermap.maps.area.olofsson import assess, samples_wanted

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
    shares = [0.70, 0.60, 0.90, 0.95]
    assert samples_wanted(PIXELS, shares, 0.01) == samples_wanted(PIXELS, shares, 0.01, PIXELS) == 641
    assert samples_wanted([1, 1], [0.5, 0.5], 0.05) == 100
    assert samples_wanted([1, 1], [0.5, 0.5], 0.05, [50, 50]) == 50


USUAL = ("usual, 300 samples", "usual, 500 samples")
HARD = {
    "a good map, 300 samples": (93, 90, 93, 92.5),
    "60 samples": (93, 91, 93, 93),
    "20 x 20 pixels, 150 samples": (93, 89.5, 93, 93),
}
"""Percent that hold at least: area, user's and producer's accuracy of water, overall accuracy; else 93 of each. User's
accuracy is of one stratum: its interval is that of a share, which holds the more or less often the truth."""


@pytest.mark.parametrize("name", USUAL)
def test_intervals_cover_the_truth_as_often_as_they_say(name: str) -> None:
    found = [new for _, new in covered(CASES[name], 1000).values()]
    assert all(93 <= share <= 97 for share in found), found


@pytest.mark.parametrize("name", [name for name in CASES if name not in USUAL])
def test_intervals_cover_the_truth_where_standard_errors_are_too_small(name: str) -> None:
    found = covered(CASES[name], 1000)
    for (wald, new), least in zip(found.values(), HARD.get(name, (93,) * len(found)), strict=True):
        assert new >= least, found
        assert new > wald or wald > 90, found


def test_where_all_samples_agree_the_interval_holds_what_may_be_otherwise() -> None:
    found = assess([[2, 48], [200, 0]], [1, 99], mapped_as=(1, 0))
    assert found.users[0] is not None
    assert found.users[0].standard_error == 0
    assert 0.97 < found.users[0].low < 0.985  # about 3 of 200
    assert found.users[0].high == 1
    assert found.producers[1] is not None
    assert (found.producers[1].value, found.producers[1].high) == (1, 1)
    assert found.producers[1].low < 0.4


def test_what_was_looked_at_whole_is_known() -> None:
    counts, areas, pixels = [[1, 7], [60, 2], [1, 0]], [8, 900, 1], [8, 900, 1]
    found = assess(counts, areas, (1, 0, 0), pixels)
    assert found.users[1] is not None
    assert (found.users[1].standard_error, found.users[1].low, found.users[1].high) == (0, 7 / 8, 7 / 8)
    assert found.users[1].is_exact
    alone = assess(counts[1:2], areas[1:2], (0,), pixels[1:2]).overall
    assert found.overall.standard_error == pytest.approx(alone.standard_error * 900 / 909)
    assert found.overall.high - found.overall.low == pytest.approx((alone.high - alone.low) * 900 / 909)
    whole = assess([[1, 7], [3, 0]], [8, 3], (1, 0), [8, 3])
    for one in (*whole.shares, *whole.users, *whole.producers, whole.overall):
        assert one is not None
        assert one.is_exact
        assert one.standard_error == 0


def test_few_pixels_vary_as_much_as_is_estimated() -> None:
    rng, pixels, sizes = np.random.default_rng(6), np.array([100, 80, 220]), np.array([60, 20, 150])
    wet, found = np.array([90, 12, 11]), []
    for _ in range(3000):
        water = rng.hypergeometric(wet, pixels - wet, sizes)
        found.append(assess(np.stack([sizes - water, water], axis=1), pixels, (1, 0, 0), pixels).shares[1])
    estimated = np.mean([one.standard_error**2 for one in found]) ** 0.5
    assert np.std([one.value for one in found]) == pytest.approx(estimated, rel=0.04)
    endless = assess(np.stack([sizes - water, water], axis=1), pixels, (1, 0, 0)).shares[1]
    assert endless.standard_error > 1.3 * found[-1].standard_error


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
    assert (found.shares[1].value, found.shares[1].low) == (0, 0)
    assert found.shares[1].high == pytest.approx(1.96**2 / (50 + 1.96**2))
    assert found.overall.value == 1


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(DataError, match="stratum 1 has 1 interpreted sample"):
        assess([[5, 5], [1, 0]], [1, 1], mapped_as=(0, 1))
    assert assess([[5, 5], [0, 0]], [1, 0], mapped_as=(0, 1)).shares[1].value == 0.5
    with pytest.raises(DataError, match="stratum 1 has 1 interpreted sample"):
        assess([[5, 5], [1, 0]], [1, 1], (0, 1), [20, 2])
    assert assess([[5, 5], [1, 0]], [1, 1], (0, 1), [20, 1]).shares[1].value == 0.25
