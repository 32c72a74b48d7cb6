"""What sensors call their bands, and what that means."""

import pytest

from watermap.bands import (
    SENSORS,
    SENTINEL2,
    STANDARD_BANDS,
    Sensor,
    SensorName,
    band_code,
    band_names,
    canonical_name,
    parse_bands,
)
from watermap.errors import DataError, UsageError

OLI, TM = SENSORS["landsat-8-9"], SENSORS["landsat-4-7"]


@pytest.mark.parametrize(
    ("sensor", "texts", "names"),
    [
        ("landsat-8-9", "B1,B2,B3,B4,B5,B6,B7", "B1,B2,B3,B4,B8,B11,B12"),
        ("landsat-4-7", "B1,B2,B3,B4,B5,B7", "B2,B3,B4,B8,B11,B12"),
        ("hls-l30", "B02,B03,B04,B05,B06,B07", "B2,B3,B4,B8,B11,B12"),
        ("hls-s30", "B02,B03,B04,B08,B11,B12,B8A,B05", "B2,B3,B4,B8,B11,B12,B8A,B5"),
        ("planetscope-4-band", "blue,green,red,nir", "B2,B3,B4,B8"),
        (
            "planetscope-8-band",
            "coastal_blue,blue,green_i,green,yellow,red,rededge,nir",
            "B1,B2,green_i,B3,yellow,B4,B5,B8",
        ),
        ("landsat-8-9", "SR_B5,Band 5 (NIR),nir08,swir16,SR_B7", "B8,B8,B8,B11,B12"),
        ("planetscope-8-band", "Green I,Coastal Blue", "green_i,B1"),
    ],
)
def test_each_sensors_bands_have_the_names_used_everywhere(sensor: SensorName, texts: str, names: str) -> None:
    assert [SENSORS[sensor].band(text) for text in texts.split(",")] == names.split(",")


@pytest.mark.parametrize(("sensor", "text"), [(OLI, "B12"), (TM, "B9"), (OLI, "rededge1"), (OLI, "QA"), (TM, "B99")])
def test_what_a_sensor_does_not_have_is_none(sensor: Sensor, text: str) -> None:
    assert sensor.band(text) is None


def test_a_band_without_a_counterpart_is_taken_for_none_of_sentinels() -> None:
    for sensor in SENSORS.values():
        for name in sensor.bands.values():
            assert canonical_name(name) == (name if name in SENTINEL2 else None)


def test_every_landsat_and_hls_has_the_six_bands_of_water() -> None:
    for name, sensor in SENSORS.items():
        wanted = ("B2", "B3", "B4", "B8") if name.startswith("planetscope") else STANDARD_BANDS
        assert set(wanted) <= set(sensor.bands.values())
        assert len(set(sensor.bands.values())) == len(sensor.bands)


def test_numbers_mean_what_their_makers_say() -> None:
    for name, (number, reflectance) in {
        "landsat-8-9": (7273, 0.0000075),
        "landsat-4-7": (43_636, 0.99999),
        "hls-l30": (10_000, 1.0),
        "hls-s30": (500, 0.05),
        "planetscope-8-band": (1234, 0.1234),
    }.items():
        stated = SENSORS[name].radiometry
        assert stated is not None
        assert (number + stated.offset) * stated.scale == pytest.approx(reflectance, abs=1e-9)
    assert [sensor.no_data for sensor in SENSORS.values()] == [0, 0, 0, -9999, -9999, 0, 0]


def test_the_number_of_a_band_is_found() -> None:
    assert [band_code(text) for text in ("SR_B5", "B05", "red", "LC08_x_B7", "b8a")] == ["B5", "B5", None, "B7", "B8A"]


def test_bands_are_listed_as_the_sensor_numbers_them() -> None:
    assert parse_bands("B4,B3,B2,B5", "landsat-8-9") == ("B4", "B3", "B2", "B8")
    assert parse_bands("B1,B2,B6,nir", "landsat-4-7") == ("B2", "B3", "thermal1", "B8")
    with pytest.raises(UsageError, match=r"'B12' is not a Landsat 8 or 9 band: .*choose from B1, B2"):
        parse_bands("B12", "landsat-8-9")
    with pytest.raises(UsageError, match="comes twice"):
        parse_bands("B5,nir", "landsat-8-9")


def test_descriptions_that_say_nothing_of_a_sensor_stay() -> None:
    assert band_names(("B5", None, "red"), where="x.tif") == (("B5", None, "red"), None)
    assert band_names(("SR_B4",), where="x.tif") == (("SR_B4",), None)
    assert band_names(("SR_B4", "SR_B8A"), where="x.tif")[1] is None


def test_earth_engines_names_of_landsat_are_known() -> None:
    names, sensor = band_names(("SR_B3", "SR_B5", "SR_B6", "ST_B10", "QA_PIXEL"), where="x.tif")
    assert names == ("B3", "B8", "B11", "thermal1", None)
    assert sensor == OLI


def test_what_depends_on_who_wrote_it_is_refused_unless_it_is_stated() -> None:
    with pytest.raises(DataError, match="state --sensor landsat-4-7 if they are that sensor's"):
        band_names(("B2", "B3"), TM, where="x.tif")
    assert band_names(("B2", "B3"), TM, where="x.tif", is_stated=True)[0] == ("B3", "B4")
    assert band_names(("B2", "B3"), OLI, where="x.tif")[0] == ("B2", "B3")
    assert band_names(("B3", "B8", "B12"), TM, where="x.tif")[0] == ("B3", "B8", "B12")
