"""Dates of rasters."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermap.dates import DATE_TAG, shown_date


@given(st.dates(date(1970, 1, 1), date(2099, 12, 31)), st.sampled_from(["", "-", "_"]))
def test_a_date_in_a_name_is_found(day: date, between: str) -> None:
    text = day.strftime(f"%Y{between}%m{between}%d")
    for name in (f"{text}_water.tif", f"lake_{text}_water.tif", f"S2A_MSIL2A_{text}T101031_N0509_water.tif"):
        assert shown_date(name, {}) == day


@pytest.mark.parametrize(
    "name",
    [
        "lake_water.tif",
        "lake_20231301.tif",
        "lake_20230230.tif",
        "v120230601.tif",
        "12345678.tif",
        "2023060112.tif",
        "2023-0601",
    ],
)
def test_other_digits_are_no_date(name: str) -> None:
    assert shown_date(name, {}) is None


def test_what_tells_a_date_has_an_order() -> None:
    tags = {"WATERMAP_SCENE": "lake_20200101", "TIFFTAG_DATETIME": "2019:01:01 00:00:00"}
    assert shown_date("lake.tif", tags) == date(2020, 1, 1)
    assert shown_date("lake_20210101.tif", tags) == date(2021, 1, 1)
    assert shown_date("lake_20210101.tif", tags | {DATE_TAG: "2022-01-01"}) == date(2022, 1, 1)
    assert shown_date("lake.tif", {"ACQUISITIONDATETIME": "2023-06-01 10:10:31Z"}) == date(2023, 6, 1)


def test_the_day_of_sensing_is_the_first_in_the_name_of_a_product() -> None:
    name = "S2A_MSIL2A_20230601T101031_N0509_R022_T32TQM_20230603T140000_water.tif"
    assert shown_date(name, {}) == date(2023, 6, 1)
