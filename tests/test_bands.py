import pytest

from watermap.bands import SENTINEL2, canonical_name, find_bands, parse_bands
from watermap.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("B4", "B4"),
        ("B04", "B4"),
        ("b4", "B4"),
        ("red", "B4"),
        ("Red", "B4"),
        ("B8A", "B8A"),
        ("B08", "B8"),
        ("NIR", "B8"),
        ("swir1", "B11"),
        ("SR_B4", "B4"),
        ("Band 11", None),
        ("band11", "B11"),
        ("B04, central wavelength 665 nm", "B4"),
        ("T32UPU_20230207T102159_B12_20m", "B12"),
        ("B4 (red)", "B4"),
        ("Red Edge 1", "B5"),
        ("Vegetation red edge 1", "B5"),
        ("red-edge", None),
        ("blue-green", None),
        ("NDVI (nir, red)", None),
        ("Red, 665 nm", "B4"),
        ("surface reflectance red", "B4"),
        ("QA60", None),
        ("B13", None),
        ("", None),
    ],
)
def test_descriptions_are_understood(text: str, name: str | None) -> None:
    assert canonical_name(text) == name


def test_every_band_is_found_by_its_own_names() -> None:
    for band in SENTINEL2.values():
        assert canonical_name(band.name) == canonical_name(band.common_name) == band.name


def test_a_list_of_bands_is_parsed_in_order() -> None:
    assert parse_bands("red, B03,b2") == ("B4", "B3", "B2")


@pytest.mark.parametrize("text", ["", "B4,B99", "B4,red"])
def test_a_list_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_bands(text)


def test_bands_are_found_by_description_in_the_order_wanted() -> None:
    assert find_bands(["B02", "B03", "B04", None], ["B4", "B2"], where="x.tif") == (2, 0)


@pytest.mark.parametrize(
    ("descriptions", "words"),
    [
        ([None, None], "no names"),
        (["b1", "b2", "b3", "b4"], "no names"),
        (["B2", "B3"], "band B4 is missing"),
        (["B4", "red"], "there more than once"),
    ],
)
def test_bands_that_cannot_be_found_are_an_error(descriptions: list[str | None], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        find_bands(descriptions, ["B4"], where="x.tif")
    assert str(caught.value).startswith("x.tif")
