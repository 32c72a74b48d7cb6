import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermap.geo.area_text import PICTURE_DIGITS, km2, km2_column

AREAS = st.floats(1e-3, 1e14)
"""From a tenth of a thousandth of a square metre to the Pacific, in m2."""


@pytest.mark.parametrize(
    ("area_m2", "text", "short"),
    [
        (0, "0", "0"),
        (1_234_567_890, "1,235", "1,235"),
        (123_456_789_012, "123,457", "123,457"),
        (123_456_789, "123.5", "123"),
        (12_345_678, "12.35", "12.3"),
        (1_000_000, "1.000", "1.00"),
        (123_456, "0.1235", "0.123"),
        (600.5, "0.000601", "0.000601"),  # to the square metre
        (100, "0.000100", "0.000100"),
        (0.4, "0.0000004", "0.0000004"),
        (-123_456, "-0.1235", "-0.123"),
    ],
)
def test_an_area_has_the_digits_that_count(area_m2: float, text: str, short: str) -> None:
    assert km2(area_m2) == text
    assert km2(area_m2, digits=PICTURE_DIGITS) == short
    assert km2(np.float64(area_m2)) == text


@pytest.mark.parametrize(
    ("area_m2", "like_m2", "text"),
    [
        (123_456, 12_345_678, "0.12"),
        (1_234, 12_345_678, "0.0012"),  # never 0, and never less than two digits
        (0, 12_345_678, "0.00"),
        (98_765_432_100, 12_345_678, "98,765.43"),
        (1_234_567_890, 1_234_567_890, "1,234.6"),  # so that two that stand side by side can be compared
        (123_456, 0, "0.1235"),
        (0, 0, "0"),
    ],
)
def test_areas_side_by_side_have_the_decimals_of_one(area_m2: float, like_m2: float, text: str) -> None:
    assert km2(area_m2, like_m2=like_m2) == text


def test_a_difference_has_a_sign() -> None:
    assert km2(123_456, signed=True) == "+0.1235"
    assert km2(-123_456, like_m2=12_345_678, signed=True) == "-0.12"
    assert km2(0, signed=True) == "+0"


def test_a_column_has_the_decimals_that_its_smallest_needs() -> None:
    assert km2_column([1_234_567_890, 0, 51_234]) == ["1,234.56789", "0.00000", "0.05123"]
    assert km2_column(np.array([483e6, 148.87e6])) == ["483.0", "148.9"]
    assert km2_column([0.0, 0.0]) == ["0", "0"]
    assert km2_column([]) == []


@given(AREAS, st.none() | AREAS)
def test_only_no_area_reads_as_0_and_the_error_is_small(area_m2: float, like_m2: float | None) -> None:
    read = float(km2(area_m2, like_m2=like_m2).replace(",", "")) * 1e6
    assert read > 0
    assert read == pytest.approx(area_m2, rel=0.05 if like_m2 else 5e-4, abs=0.51 if area_m2 > 1 else area_m2)


@given(st.lists(AREAS, min_size=1))
def test_the_points_of_a_column_lie_below_each_other(areas_m2: list[float]) -> None:
    assert len({len(text.partition(".")[2]) for text in km2_column(areas_m2)}) == 1
