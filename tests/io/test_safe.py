"""Sentinel-2 products as they are downloaded, as one raster."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.io.products import GRID, at_10_m, read, stacked
from tests.support.failures import one_line
from tests.support.safes import (
    FINE,
    NAME,
    SIZE,
    TILE,
    Bands,
    band_file,
    band_values,
    code_of,
    metadata_text,
    transform_of,
    write_band,
    write_safe,
)
from tests.support.scenes import paths_of_found
from watermap.bands import SENTINEL2, STANDARD_BANDS, Radiometry
from watermap.errors import DataError
from watermap.io.gdal import raster_files
from watermap.io.products import find_scene
from watermap.io.raster import open_raster


def test_a_product_is_one_raster_on_the_grid_of_its_finest_bands(safe: Path, bands: Bands) -> None:
    with open_raster(safe) as raster:
        assert raster.path == safe
        assert raster.grid.same_as(GRID)
        assert raster.names == STANDARD_BANDS
        assert raster.dtype == np.uint16
        assert raster.find(["B11", "B3"]) == (4, 1)
        assert raster.radiometry(range(6)) == Radiometry(1e-4, -1000)
        pixels = raster.read()
        assert raster.notes == []
    for band in FINE:
        np.testing.assert_array_equal(pixels.values[STANDARD_BANDS.index(band)], bands[band])
    np.testing.assert_array_equal(pixels.values, stacked(bands))
    assert pixels.valid.all()


def test_all_bands_are_there_with_the_standard_ones_first(tmp_path: Path) -> None:
    bands = band_values(bands=tuple(band for band in SENTINEL2 if band != "B10"))
    safe = write_safe(tmp_path, bands)
    with open_raster(safe) as raster:
        assert raster.names == (*STANDARD_BANDS, "B5", "B6", "B7", "B8A", "B1", "B9")
        values = raster.read().values
        for band in ("B5", "B1", "B9"):
            expected = at_10_m(bands[band], SENTINEL2[band].pixel_size_m)
            rounding = 1 if band in ("B1", "B9") else 0  # of what lies half-way between two numbers
            np.testing.assert_allclose(values[raster.names.index(band)].astype(int), expected, atol=rounding)


def test_a_product_of_level_1c_is_read_too(tmp_path: Path) -> None:
    bands = band_values(bands=("B2", "B3", "B11", "B10"))
    safe = write_safe(tmp_path, bands, level="1C")
    with open_raster(safe) as raster:
        assert raster.names == ("B2", "B3", "B11", "B10")
        assert raster.radiometry((0, 2)) == Radiometry(1e-4, -1000)
        np.testing.assert_array_equal(raster.read((0, 1, 2)).values, stacked(bands)[:3])
    images = band_file(safe, "B2").parent
    with open_raster(images) as raster:  # its metadata lie above
        assert raster.radiometry((0, 2)) == Radiometry(1e-4, -1000)


def test_of_each_band_the_finest_file_is_taken(safe: Path, bands: Bands) -> None:
    coarse = np.full((SIZE // 2, SIZE // 2), 7, np.uint16)
    for band in FINE:
        write_band(band_file(safe, band).parents[1] / "R20m" / f"{TILE}_{code_of(band)}_20m.jp2", coarse, 20)
    write_band(band_file(safe, "B11").parents[1] / "R60m" / f"{TILE}_B11_60m.jp2", coarse[::3, ::3], 60)
    np.testing.assert_array_equal(read(safe).values, stacked(bands))


def test_the_offset_is_the_metadatas(tmp_path: Path, bands: Bands) -> None:
    old = write_safe(tmp_path / "old", bands, offset=None)
    with open_raster(old) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, 0)
    text = metadata_text([], level="2A", offset=-500, quantification=20_000)
    (old / "MTD_MSIL2A.xml").write_text(text.replace('band_id="3">-500', 'band_id="3">-600'))
    with open_raster(old) as raster:
        assert raster.radiometry((0,)) == Radiometry(5e-5, -500)
        assert raster.radiometry((2,)) == Radiometry(5e-5, -600)
        with pytest.raises(DataError, match="different scales and offsets"):
            raster.radiometry((0, 2))


def test_the_files_of_a_product_are_those_that_decide_its_pixels(safe: Path) -> None:
    write_band(band_file(safe, "B2").parents[1] / "R20m" / f"{TILE}_B02_20m.jp2", np.ones((60, 60), np.uint16), 20)
    assert [path.name for path in raster_files(safe)] == [
        *(f"{TILE}_{code_of(band)}_{'10m' if band in FINE else '20m'}.jp2" for band in STANDARD_BANDS),
        "MTD_MSIL2A.xml",
    ]


def test_a_file_that_the_metadata_name_must_be_there(safe: Path) -> None:
    band_file(safe, "B3").unlink()
    with pytest.raises(DataError, match=f"{TILE}_B03_10m.jp2, which its metadata name, is missing") as error:
        read(safe)
    assert one_line(error).startswith(str(safe))
    assert paths_of_found([safe]) == [safe]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no metadata", "has no MTD_MSIL2A.xml"),
        ("half metadata", "truncated or damaged metadata"),
        ("no quantification", "does not say what the scene's numbers mean"),
        ("no granule", "band files of 0 granules"),
        ("two granules", "band files of 2 granules"),
        ("empty file", "not a raster"),
        ("half a header", "damaged JPEG 2000"),
        ("several bands", "holds 2 bands, not B3 alone"),
        ("another place", "B2 and B3 do not cover the same ground"),
        ("another CRS", "B2 and B3 have different coordinate reference systems"),
    ],
)
def test_what_is_wrong_with_a_product_is_one_line(what: str, words: str, safe: Path, bands: Bands) -> None:
    metadata, band = safe / "MTD_MSIL2A.xml", band_file(safe, "B3")
    text = metadata.read_text()
    if what == "no metadata":
        metadata.unlink()
    elif what == "half metadata":
        metadata.write_text(text[: len(text) // 2])
    elif what == "no quantification":
        metadata.write_text(text.replace("BOA_QUANTIFICATION_VALUE", "OTHER"))
    elif what == "no granule":
        shutil.rmtree(safe / "GRANULE")
    elif what == "two granules":
        granule = band.parents[2]
        shutil.copytree(granule, granule.with_name("another"))
    elif what == "empty file":
        band.write_bytes(b"")
    elif what == "half a header":
        band.write_bytes(band.read_bytes()[:100])
    elif what == "several bands":
        write_band(band, np.stack([bands["B3"]] * 2), 10)
    elif what == "another place":
        write_band(band, bands["B3"], 10, transform=transform_of(10).translation(300_000, 5_000_000) @ transform_of(10))
    else:
        write_band(band, bands["B3"], 10, crs="EPSG:32633")
    with pytest.raises(DataError, match=words) as error:
        read(safe)
    one_line(error)


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_what_was_found_is_not_looked_for_again(kind: str, safe: Path, bands: Bands, tmp_path: Path) -> None:
    place = safe
    if kind == "archive":
        place = Path(shutil.make_archive(str(tmp_path / "zips" / NAME), "zip", tmp_path, safe.name))
    scene = find_scene(place)
    assert list(scene.bands) == list(STANDARD_BANDS)
    assert scene.layers == ()
    with open_raster(scene) as raster:
        known = raster.scene
    assert [layer.name for layer in known.layers] == list(STANDARD_BANDS)
    assert find_scene(known) is known
    sent = pickle.loads(pickle.dumps(known))
    assert sent == known
    (band_file(safe, "B2").parent / f"{TILE}_B02_05m.jp2").touch()  # would be the finest
    with open_raster(sent) as raster:
        assert raster.scene is sent
        np.testing.assert_array_equal(raster.read().values, stacked(bands))
