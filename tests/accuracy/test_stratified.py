"""Estimates from stratified samples: the published example, and intervals that hold what they promise."""

from __future__ import annotations

from dataclasses import dataclass

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
    shares = [0.70, 0.60, 0.90, 0.95]
    assert samples_wanted(PIXELS, shares, 0.01) == samples_wanted(PIXELS, shares, 0.01, PIXELS) == 641


@dataclass(frozen=True)
class Case:
    """Strata water, land beside water and other land, whose truth is known, and how they are sampled.

    Attributes:
        areas: of each.
        water: the share of each that is water in truth.
        sizes: samples of each.
        floors: how many of 1,000 intervals hold the truth at least: area, user's and producer's of water, overall.
        pixels: of each, where there are few.
    """

    areas: tuple[float, ...]
    water: tuple[float, ...]
    sizes: tuple[int, ...]
    floors: tuple[int, ...] = (930, 930, 930, 930)
    pixels: tuple[int, ...] | None = None


USUAL = {
    "300 samples": Case((0.1, 0.1, 0.8), (0.92, 0.12, 0.03), (51, 60, 189)),
    "500 samples": Case((0.1, 0.1, 0.8), (0.92, 0.12, 0.03), (100, 100, 300)),
    "1,000 samples": Case((0.2, 0.1, 0.7), (0.92, 0.12, 0.03), (200, 200, 600)),
}
HARD = {
    "rare water, 300 samples": Case((0.01, 0.02, 0.97), (0.95, 0.1, 0.003), (50, 50, 200)),
    "rarer water, 300 samples": Case((0.01, 0.02, 0.97), (0.95, 0.1, 0.001), (50, 50, 200)),
    "rare water, 1,000 samples": Case((0.01, 0.02, 0.97), (0.95, 0.1, 0.001), (60, 60, 880)),
    "a good map": Case((0.1, 0.05, 0.85), (0.98, 0.03, 0.002), (50, 50, 200), (930, 900, 930, 920)),
    "60 samples": Case((0.1, 0.1, 0.8), (0.92, 0.12, 0.03), (20, 20, 20), (930, 910, 930, 930)),
    "30 samples": Case((0.1, 0.1, 0.8), (0.92, 0.12, 0.03), (10, 10, 10)),
    "12 samples": Case((0.1, 0.1, 0.8), (0.92, 0.12, 0.03), (4, 4, 4)),
    "a tiny raster": Case((100, 80, 220), (0.9, 0.15, 0.05), (50, 50, 50), (930, 890, 930, 930), pixels=(100, 80, 220)),
}
"""User's accuracy is of one stratum: its interval holds as often as score intervals do, which depends on the truth."""


def covered(case: Case, draws: int = 1000) -> list[int]:
    """How many intervals hold the area, user's and producer's accuracy of water, and overall accuracy."""
    rng = np.random.default_rng(8)
    areas, sizes = np.array(case.areas) / sum(case.areas), np.array(case.sizes)
    wet = None if case.pixels is None else np.round(np.array(case.pixels) * case.water).astype(int)
    truth = np.array(case.water) if wet is None else wet / np.array(case.pixels)
    share = float(areas @ truth)
    goals = (share, truth[0], areas[0] * truth[0] / share, areas @ [truth[0], 1 - truth[1], 1 - truth[2]])
    hits = [0] * len(goals)
    for _ in range(draws):
        water = rng.binomial(sizes, truth) if wet is None else rng.hypergeometric(wet, case.pixels - wet, sizes)
        found = assess(np.stack([sizes - water, water], axis=1), areas, (1, 0, 0), case.pixels)
        for place, one in enumerate((found.shares[1], found.users[1], found.producers[1], found.overall)):
            hits[place] += one is None or one.low <= goals[place] <= one.high
            assert one is None or 0 <= one.low <= one.value <= one.high <= 1
    return hits


@pytest.mark.parametrize("name", USUAL)
def test_intervals_cover_the_truth_as_often_as_they_say(name: str) -> None:
    found = covered(USUAL[name])
    assert all(930 <= count <= 970 for count in found), found


@pytest.mark.parametrize("name", HARD)
def test_intervals_cover_where_standard_errors_are_too_small(name: str) -> None:
    found = covered(HARD[name])
    assert all(count >= floor for count, floor in zip(found, HARD[name].floors, strict=True)), found


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
