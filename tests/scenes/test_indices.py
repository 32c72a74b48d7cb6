import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.scenes.indices import MNDWI, NDWI, index_histogram, otsu_threshold


def test_water_is_positive_and_land_negative() -> None:
    water, land = np.array([0.06, 0.05]), np.array([0.08, 0.30])
    assert NDWI(water[:1], np.array([0.02]))[0] > 0 > NDWI(land[:1], land[1:])[0]
    assert (NDWI.bright, NDWI.dark, MNDWI.dark) == ("B3", "B8", "B11")


def test_zero_and_negative_reflectance_stay_within_bounds() -> None:
    index = NDWI(np.array([0.0, -0.01, 0.0, 0.1]), np.array([0.0, -0.02, 0.1, -0.1]))
    assert np.isfinite(index).all()
    assert (np.abs(index) <= 1).all()
    assert index[0] == 0


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.8, 0.0), st.floats(0.15, 0.8), st.integers(0, 999))
def test_otsu_splits_two_hills_between_them(low: float, high: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(low, 0.02, 3000), rng.normal(high, 0.02, 3000)])
    threshold = otsu_threshold(index_histogram(values))
    assert low < threshold < high


def test_otsu_equals_brute_force() -> None:
    values = np.random.default_rng(0).beta(2, 3, 4000) * 2 - 1
    histogram = index_histogram(values)
    centres = (np.arange(2000) + 0.5) / 1000 - 1

    def between(first: int) -> float:
        a, b = histogram[:first], histogram[first:]
        if not a.sum() or not b.sum():
            return -1.0
        gap = (a * centres[:first]).sum() / a.sum() - (b * centres[first:]).sum() / b.sum()
        return float(a.sum() * b.sum() * gap**2)

    best = max(range(1, 2000), key=between)
    assert abs(otsu_threshold(histogram) - (best / 1000 - 1)) < 0.002


def test_otsu_of_nothing_or_of_one_value_is_a_number() -> None:
    assert otsu_threshold(np.zeros(2000, dtype=np.int64)) == 0
    assert np.isfinite(otsu_threshold(index_histogram(np.full(10, 0.5))))
