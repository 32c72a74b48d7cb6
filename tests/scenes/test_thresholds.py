import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.scenes.thresholds import has_two_modes, index_histogram, otsu_threshold


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.8, 0.0), st.floats(0.15, 0.8), st.integers(0, 999))
def test_otsu_splits_two_hills_between_them(low: float, high: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(low, 0.02, 3000), rng.normal(high, 0.02, 3000)])
    threshold = otsu_threshold(index_histogram(values))
    assert low < threshold < high


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (-4.0, 4.0)])
def test_otsu_equals_brute_force(value_range: tuple[float, float]) -> None:
    values = np.random.default_rng(0).beta(2, 3, 4000) * 2 - 1
    histogram = index_histogram(values, value_range)
    low, high = value_range
    centres = (np.arange(len(histogram)) + 0.5) / 1000 + low
    assert len(histogram) == round((high - low) * 1000)

    def between(first: int) -> float:
        a, b = histogram[:first], histogram[first:]
        if not a.sum() or not b.sum():
            return -1.0
        gap = (a * centres[:first]).sum() / a.sum() - (b * centres[first:]).sum() / b.sum()
        return float(a.sum() * b.sum() * gap**2)

    best = max(range(1, len(histogram)), key=between)
    assert abs(otsu_threshold(histogram, value_range) - (best / 1000 + low)) < 0.002


def test_otsu_of_nothing_or_of_one_value_is_a_number() -> None:
    assert otsu_threshold(np.zeros(2000, dtype=np.int64)) == 0
    assert np.isfinite(otsu_threshold(index_histogram(np.full(10, 0.5))))


def test_what_lies_beyond_the_range_is_counted_at_its_ends() -> None:
    histogram = index_histogram(np.array([-9.0, -1.0, 0.0, 1.0, 3.0]))
    assert (histogram[0], histogram[1000], histogram[-1], histogram.sum()) == (2, 1, 2, 5)


def _split(values: np.ndarray) -> bool:
    histogram = index_histogram(values)
    return has_two_modes(histogram, otsu_threshold(histogram))


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_two_hills_are_two_modes_however_small_one_is(share: float) -> None:
    rng = np.random.default_rng(0)
    count = round(share * 20_000)
    assert _split(np.concatenate([rng.normal(-0.5, 0.08, 20_000 - count), rng.normal(0.4, 0.08, count)]))


def test_one_hill_an_even_spread_and_rare_water_beside_varied_land_are_none() -> None:
    rng = np.random.default_rng(0)
    assert not _split(rng.normal(-0.4, 0.15, 20_000))
    assert not _split(rng.uniform(-0.7, 0.3, 20_000))
    rare = np.concatenate([rng.normal(-0.4, 0.15, 20_000), rng.normal(0.4, 0.05, 20)])
    assert not _split(rare)  # where Otsu splits the land
    assert not _split(np.full(5000, 0.3))
    assert not _split(np.repeat([-0.5, 0.5], 49))  # too few to say
    assert _split(np.repeat([-0.5, 0.5], 51))
