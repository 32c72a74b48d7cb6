"""What the names of band files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.failures import one_line
from tests.support.safes import TILE
from watermap.bands import SENSORS
from watermap.errors import DataError
from watermap.io.band_files import band_of, by_band, classes_of, finest


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("B02", "B2"),
        ("B2", "B2"),
        (f"{TILE}_B8A_20m", "B8A"),
        (f"{TILE}_B11", "B11"),
        ("HLS.S30.T32TPT.2023158T101559.v2.0.B12", "B12"),
        ("red", "B4"),
        ("S2A_32TPT_20230607_0_L2A_nir", "B8"),
        ("swir16", "B11"),
        ("rededge1", "B5"),
        (f"{TILE}_SCL_20m", None),
        (f"{TILE}_TCI_10m", None),
        (f"{TILE}_AOT_10m", None),
        (f"MSK_DETFOO_{TILE}_B02", None),
        ("B02_mask", None),
        ("B02_water", None),
        ("ndwi_B3_B8", None),
        ("near_infra_red", None),
        ("LC08_L2SP_193027_20230607_20230614_02_T1_SR_B2", None),
        ("HLS.L30.T32TPT.2023158T101559.v2.0.B05", None),
        ("image", None),
    ],
)
def test_a_band_is_told_by_the_name_of_its_file(name: str, band: str | None) -> None:
    assert band_of(name) == band


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("B2", "B2"),
        ("lake_B5", "B8"),
        ("lake_sr_b07", "B12"),
        ("nir08", "B8"),
        ("red", "B4"),
        ("B10", None),
        ("B8", None),
    ],
)
def test_the_numbers_in_names_are_those_of_the_sensor_that_is_stated(name: str, band: str | None) -> None:
    assert band_of(name, SENSORS["landsat-8-9"]) == band


def test_of_several_files_of_a_band_the_finest_is_taken() -> None:
    names = ("B02_60m.jp2", "B02_10m.jp2", "B12.jp2", "B8A.jp2", "TCI.jp2", "B03.txt")
    named, others = by_band(map(Path, names))
    assert [file.name for file in others] == ["TCI.jp2"]
    found = finest(Path("lake"), named)
    assert {band: file.name for band, file in found.items()} == {
        "B2": "B02_10m.jp2",
        "B12": "B12.jp2",
        "B8A": "B8A.jp2",
    }
    assert list(found) == ["B2", "B12", "B8A"]


def test_two_files_as_fine_as_each_other_are_told() -> None:
    named, _ = by_band([Path("a_B02.tif"), Path("b_B02.tif")])
    with pytest.raises(DataError, match=r"several files hold B2 \(a_B02.tif, b_B02.tif\)") as error:
        finest(Path("lake"), named)
    one_line(error)


def test_the_finest_classification_is_taken() -> None:
    assert classes_of(map(Path, (f"{TILE}_SCL_60m.jp2", f"{TILE}_SCL_20m.jp2", "B02.jp2"))) == Path(
        f"{TILE}_SCL_20m.jp2"
    )
    assert classes_of([Path("B02.jp2")]) is None
