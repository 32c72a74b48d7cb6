"""Rasters that lie elsewhere: the same pixels and the same no data, and what goes wrong on the way."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.failures import one_line
from tests.support.rasters import lake_image, make_grid, shore_label, write_scene, write_tif
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.errors import DataError, StorageError
from watermap.io.gdal import open_dataset, raster_files
from watermap.io.paths import location
from watermap.io.raster import Pixels, open_raster

GRID = make_grid(300, 200)
MASKED_ROWS = 20


def write_mask(image: Path) -> None:
    """A mask beside an image that hides its first rows."""
    mask = np.full(GRID.shape, 255, np.uint8)
    mask[:MASKED_ROWS] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(image, "r+") as dataset:
        dataset.write_mask(mask)


def read(path: Path) -> Pixels:
    with open_raster(path) as raster:
        return raster.read()


def same(found: Pixels, expected: Pixels) -> bool:
    return np.array_equal(found.values, expected.values) and np.array_equal(found.valid, expected.valid)


@pytest.fixture
def image(web: Web) -> Path:
    return write_scene(web.folder, "lake", GRID) / "image.tif"


@pytest.fixture
def place(web: Web, image: Path) -> Path:
    return location(f"{web.url}/lake/image.tif")


def test_pixels_are_the_same_and_little_is_asked(web: Web, image: Path, place: Path) -> None:
    assert same(read(place), read(image))
    asked = web.asked()
    assert {path.rpartition("/")[2] for _, path in asked} <= {"image.tif", "image.tif.msk", "image.tif.aux.xml"}
    assert len(asked) < 14


@pytest.mark.parametrize("store", ["web", "s3"])
def test_what_a_mask_hides_stays_no_data(store: str, web: Web, bucket: Bucket, image: Path, place: Path) -> None:
    write_mask(image)
    if store == "s3":
        place = location(f"{bucket.put_folder(image.parent, 'lake')}/image.tif")
    found = read(place)
    assert same(found, read(image))
    assert not found.valid[:MASKED_ROWS].any()
    assert found.valid[MASKED_ROWS:].all()
    assert raster_files(place) == [place, place.parent / "image.tif.msk"]
    assert len(web.asked()) < 40


def test_metadata_beside_an_image_count(web: Web, place: Path) -> None:
    xml = "<PAMDataset><PAMRasterBand band='1'><NoDataValue>65535</NoDataValue></PAMRasterBand></PAMDataset>"
    (web.folder / "lake" / "image.tif.aux.xml").write_text(xml)
    with open_raster(place) as raster:
        assert raster.no_data == 65535


@pytest.mark.parametrize("method", ["any", "GET"])
def test_a_mask_that_cannot_be_read_is_not_taken_for_absent(
    method: str, web: Web, image: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    write_mask(image)
    web.fail(".msk", status=503, method=method.removeprefix("any"))
    with pytest.raises(StorageError) as error:
        read(place)
    assert "image.tif.msk" in one_line(error)
    assert error.value.transient
    web.mend()
    assert not read(place).valid[:MASKED_ROWS].any()


def test_a_store_that_says_forbidden_of_what_is_absent_is_read(web: Web, image: Path, place: Path) -> None:
    for ending in (".msk", ".xml"):
        web.fail(ending, status=403)
        assert same(read(place), read(image))


@pytest.mark.parametrize(
    ("status", "words"), [(404, "no such file"), (403, "no permission"), (503, "cannot be reached")]
)
def test_what_is_wrong_with_the_store_is_told(status: int, words: str, web: Web, place: Path) -> None:
    web.fail(status=status)
    with pytest.raises(DataError, match=words) as error, open_dataset(place):
        pass
    assert one_line(error).startswith(str(place))


@pytest.mark.parametrize("status", [503, 403, 404])
def test_an_outage_in_the_middle_is_no_damage(
    status: int, web: Web, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    with open_raster(place) as raster:
        web.fail(status=status)
        with pytest.raises(StorageError) as error:
            raster.read()
        assert "damaged" not in one_line(error)
        web.mend()
        assert raster.read().valid.all()


def test_an_outage_that_passes_is_read_over(
    web: Web, image: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    expected = read(image)
    with open_raster(place) as raster:
        web.fail(status=503, method="GET", times=3)  # so many GDAL asks before it gives up
        assert same(raster.read(), expected)


def test_damage_is_no_outage(web: Web, image: Path, place: Path) -> None:
    content = image.read_bytes()
    image.write_bytes(content[:20_000])
    with pytest.raises(DataError, match="a truncated or damaged TIFF"):
        read(place)
    image.write_text("hello")
    with pytest.raises(DataError, match="not a raster"):
        read(place)
    label = shore_label(GRID.shape)
    write_tif(image, lake_image(label, 6), GRID, compress="deflate")
    spoiled = bytearray(image.read_bytes())
    spoiled[len(spoiled) // 2 : len(spoiled) // 2 + 20_000] = bytes(20_000)
    image.write_bytes(bytes(spoiled))
    with open_raster(place) as raster, pytest.raises(DataError, match="truncated or damaged") as error:
        raster.read()
    assert not isinstance(error.value, StorageError)


def test_a_file_that_changed_is_read_as_it_is_now(web: Web, image: Path, place: Path) -> None:
    first = read(place)
    write_scene(web.folder, "lake", GRID, seed=5)
    second = read(place)
    assert not same(first, second)
    assert same(second, read(image))


def test_gdal_that_is_not_let_in_is_told_from_damage(
    bucket: Bucket, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = location(bucket.put("image.tif", image.read_bytes()))
    monkeypatch.setenv("AWS_S3_ENDPOINT", "127.0.0.1:9")
    monkeypatch.setenv("AWS_HTTPS", "NO")
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    with pytest.raises(StorageError, match="GDAL cannot reach it") as error:
        read(place)
    assert "variables" in one_line(error)


def test_the_files_of_a_raster_are_all_that_decide_its_pixels(image: Path) -> None:
    assert raster_files(image) == [image]
    write_mask(image)
    assert raster_files(image) == [image, image.with_name("image.tif.msk")]
    vrt = image.with_name("lake.vrt")
    vrt.write_text(
        f"<VRTDataset rasterXSize='300' rasterYSize='200'><SRS>EPSG:32633</SRS>"
        "<GeoTransform>500000,10,0,5300000,0,-10</GeoTransform><VRTRasterBand dataType='UInt16' band='1'>"
        f"<SimpleSource><SourceFilename relativeToVRT='1'>{image.name}</SourceFilename><SourceBand>1</SourceBand>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    mask = image.with_name("image.tif.msk")
    assert raster_files(vrt) == [vrt, image, mask]
    outer = image.with_name("outer.vrt")
    outer.write_text(vrt.read_text().replace(image.name, vrt.name))
    assert raster_files(outer) == [outer, vrt, image, mask]
    archive = image.with_name("scene.zip")
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(image, "inner.tif")
    packed = image.with_name("packed.vrt")
    name = f"<SourceFilename relativeToVRT='0'>/vsizip/{archive}/inner.tif"
    packed.write_text(vrt.read_text().replace(f"<SourceFilename relativeToVRT='1'>{image.name}", name))
    assert raster_files(packed) == [packed, archive]
