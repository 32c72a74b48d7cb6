import numpy as np
import pytest

from watermap.scenes.indices import AWEI_NSH, AWEI_SH, INDICES, MNDWI, NDVI, NDWI, WATER_INDICES

REFLECTANCE = {"B2": 0.031, "B3": 0.047, "B4": 0.022, "B8": 0.013, "B11": 0.009, "B12": 0.004}
"""Of a pixel of clear water."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ndwi", (0.047 - 0.013) / (0.047 + 0.013)),
        ("mndwi", (0.047 - 0.009) / (0.047 + 0.009)),
        ("awei_nsh", 4 * (0.047 - 0.009) - (0.25 * 0.013 + 2.75 * 0.004)),
        ("awei_sh", 0.031 + 2.5 * 0.047 - 1.5 * (0.013 + 0.009) - 0.25 * 0.004),
        ("ndvi", (0.013 - 0.022) / (0.013 + 0.022)),
    ],
)
def test_each_index_is_its_authors_formula(name: str, expected: float) -> None:
    index = INDICES[name]
    bands = [np.array([REFLECTANCE[band]]) for band in index.bands]
    assert index(*bands)[0] == pytest.approx(expected, rel=1e-12)
    assert index.is_water(index(*bands), 0).tolist() == [True]


def test_land_is_no_water_by_any_of_them() -> None:
    grass = {"B2": 0.03, "B3": 0.08, "B4": 0.04, "B8": 0.40, "B11": 0.20, "B12": 0.10}
    for index in INDICES.values():
        values = index(*(np.array([grass[band]]) for band in index.bands))
        assert index.is_water(values, 0).tolist() == [False]


def test_a_threshold_itself_and_no_data_are_no_water() -> None:
    values = np.array([-0.1, 0.0, 0.1, np.nan], dtype=np.float32)
    assert NDWI.is_water(values, 0).tolist() == [False, False, True, False]
    assert NDVI.is_water(values, 0).tolist() == [True, False, False, False]


def test_formulas_read_as_they_are_computed() -> None:
    assert NDWI.formula == "(B3 - B8) / (B3 + B8)"
    assert AWEI_SH.formula == "B2 + 2.5 B3 - 1.5 B8 - 1.5 B11 - 0.25 B12"
    assert AWEI_NSH.formula == "4 B3 - 0.25 B8 - 4 B11 - 2.75 B12"
    assert WATER_INDICES == (NDWI, MNDWI)


def test_zero_and_negative_reflectance_stay_within_bounds() -> None:
    index = NDWI(np.array([0.0, -0.01, 0.0, 0.1]), np.array([0.0, -0.02, 0.1, -0.1]))
    assert np.isfinite(index).all()
    assert (np.abs(index) <= 1).all()
    assert index[0] == 0


def test_values_of_reflectance_are_left_as_they_are_and_their_type_is_kept() -> None:
    bands = [np.full((2, 3), 0.1, dtype=np.float32) for _ in AWEI_SH.bands]
    assert AWEI_SH(*bands).dtype == np.float32
    assert all((band == np.float32(0.1)).all() for band in bands)
