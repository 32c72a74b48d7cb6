from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from tests.support.failures import one_line
from watermap.bands import Radiometry
from watermap.errors import DataError
from watermap.io.raster import open_raster
from watermap.maps.water_rasters import find_water

NORTH_UP = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def write(path: Path, values: np.ndarray, descriptions: tuple[str, ...] | None = None, **profile: Any) -> Path:
    profile = {"crs": "EPSG:32633", "transform": NORTH_UP} | profile
    count, rows, cols = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=rows, width=cols, dtype=values.dtype, **profile
    ) as dataset:
        dataset.write(values)
        if descriptions:
            dataset.descriptions = descriptions
    return path


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 9000, (6, 20, 30)).astype(np.uint16)


def test_pixels_bands_and_grid_are_the_files_own(image: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", image, ("B2", "B3", "B4", "B8", "B11", "B12"))
    with open_raster(path) as raster:
        assert raster.grid.shape == (20, 30)
        assert raster.grid.transform == NORTH_UP
        assert (raster.count, raster.dtype.name, raster.no_data) == (6, "uint16", None)
        positions = raster.find(["B4", "B2"])
        pixels = raster.read(positions, Window(3, 4, 5, 6))
    np.testing.assert_array_equal(pixels.values, image[[2, 0], 4:10, 3:8])
    assert pixels.valid.all()


def test_one_zero_band_is_a_dark_lake_and_all_zero_is_no_data(image: np.ndarray, tmp_path: Path) -> None:
    image[3, 0, 0] = 0
    image[:, 1, 1] = 0
    for no_data in (0, None, 65535):
        with open_raster(write(tmp_path / "x.tif", image, nodata=no_data)) as raster:
            valid = raster.read().valid
            assert valid[0, 0]
            assert not valid[1, 1]
            assert valid.sum() == valid.size - 1
            assert bool(raster.notes) == (no_data != 0)


def test_zero_in_the_bands_in_use_alone_is_still_data(image: np.ndarray, tmp_path: Path) -> None:
    image[:3, 0, 0] = 0
    image[:, 1, 1] = 0
    with open_raster(write(tmp_path / "x.tif", image, nodata=0)) as raster:
        valid = raster.read([0, 1, 2]).valid
        assert valid[0, 0]
        assert not valid[1, 1]
        assert not raster.read([0, 1], Window(1, 1, 1, 1)).valid.any()


def test_a_band_in_use_that_misses_a_value_makes_no_data(image: np.ndarray, tmp_path: Path) -> None:
    image[2, 0, 0] = 65535
    with open_raster(write(tmp_path / "x.tif", image, nodata=65535)) as raster:
        assert not raster.read([1, 2]).valid[0, 0]
        assert raster.read([0, 1]).valid[0, 0]


def test_nan_is_no_data_whatever_the_tag(image: np.ndarray, tmp_path: Path) -> None:
    values = image.astype(np.float32)
    for number, no_data in ((np.nan, None), (np.nan, np.nan), (np.nan, -9999.0), (np.inf, None), (-np.inf, np.nan)):
        values[1, 2, 3] = number
        with open_raster(write(tmp_path / "x.tif", values, nodata=no_data)) as raster:
            valid = raster.read().valid
            assert not valid[2, 3]
            assert valid.sum() == valid.size - 1


def test_a_mask_and_an_alpha_band_decide(image: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "mask.tif", image)
    hidden = np.full((20, 30), 255, np.uint8)
    hidden[5:7, :] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(hidden)
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read([0]).valid, hidden > 0)
    for count in (1, 3, 6):
        path = write(tmp_path / "alpha.tif", np.concatenate([image[:count], hidden[None].astype(np.uint16)]))
        with rasterio.open(path, "r+") as dataset:
            dataset.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * (count - 1), ColorInterp.alpha]
        with open_raster(path) as raster:
            assert raster.count == count
            np.testing.assert_array_equal(raster.read().valid, hidden > 0)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), no_data=st.sampled_from([None, 0, 65535]), used=st.integers(1, 3))
def test_validity_of_windows_is_that_of_the_whole(seed: int, no_data: int | None, used: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    values = rng.choice(np.array([0, 7, 65535], np.uint16), (4, 11, 13), p=[0.6, 0.3, 0.1])
    with open_raster(write(tmp_path / "x.tif", values, nodata=no_data)) as raster:
        positions = range(used)
        whole = raster.read(positions).valid
        expected = (values != 0).any(axis=0)
        if no_data == 65535:
            expected &= (values[:used] != 65535).all(axis=0)
        np.testing.assert_array_equal(whole, expected)
        part = raster.read(positions, Window(2, 3, 7, 5)).valid
        np.testing.assert_array_equal(part, whole[3:8, 2:9])


def test_a_damaged_mask_is_told_like_damaged_pixels(image: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", np.random.default_rng(0).integers(1, 9, (1, 900, 900)).astype(np.uint8))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(np.random.default_rng(0).integers(0, 2, (900, 900)).astype(np.uint8) * 255)
    mask = path.with_name("x.tif.msk")
    mask.write_bytes(mask.read_bytes()[:3000])
    with open_raster(path) as raster, pytest.raises(DataError, match="cannot be read"):
        raster.read()


def test_scale_and_offset_of_the_file_are_told(image: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "x.tif", image)
    with open_raster(path) as raster:
        assert raster.radiometry([0, 1]) is None
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = [1e-4] * 6, [-0.1] * 6
    with open_raster(path) as raster:
        assert raster.radiometry([0, 1]) == Radiometry(scale=1e-4, offset=-1000)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = [1e-4, 2e-4, *[1e-4] * 4]
    with open_raster(path) as raster:
        assert raster.radiometry([0, 2]) == Radiometry(scale=1e-4, offset=-1000)
        with pytest.raises(DataError, match="different scales and offsets"):
            raster.radiometry([0, 1])


def test_names_stated_by_the_user_win_and_are_told(image: np.ndarray, tmp_path: Path) -> None:
    names = ("B12", "B11", "B8", "B4", "B3", "B2")
    with open_raster(write(tmp_path / "plain.tif", image), names=names) as raster:
        assert raster.find(["B4"]) == (3,)
        assert not raster.notes
    with open_raster(write(tmp_path / "named.tif", image, tuple(reversed(names))), names=names) as raster:
        assert raster.find(["B4"]) == (3,)
        assert "calls its bands B2, B3" in raster.notes[0]
    with (
        pytest.raises(DataError, match="has 6 bands, but 2 were named"),
        open_raster(tmp_path / "plain.tif", names=["B2", "B3"]),
    ):
        pass


def test_what_is_no_usable_raster_is_refused_in_one_line(image: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("hello")
    (tmp_path / "empty.tif").touch()
    write(tmp_path / "no_crs.tif", image, crs=None)
    write(tmp_path / "complex.tif", image.astype(np.complex64))
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        write(tmp_path / "nowhere.tif", image, transform=Affine.identity())
    words = {
        "absent.tif": "no such file",
        "text.tif": "not a raster",
        "empty.tif": "not a raster",
        "no_crs.tif": "no coordinate reference system",
        "complex.tif": "complex numbers",
        "nowhere.tif": "not georeferenced",
    }
    for name, expected in words.items():
        with pytest.raises(DataError, match=expected) as caught, open_raster(tmp_path / name):
            pass
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_a_truncated_file_is_told_with_the_rows_that_are_lost(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1, 9000, (2, 400, 400)).astype(np.uint16)
    path = write(tmp_path / "x.tif", values)
    path.write_bytes(path.read_bytes()[:200_000])
    with (
        open_raster(path) as raster,
        pytest.raises(DataError, match="rows 0 to 399 cannot be read, the file is truncated"),
    ):
        raster.read()


@pytest.mark.parametrize("compress", ["deflate", "zstd", "lzw", "none"])
def test_a_tiled_file_that_shrinks_or_spoils_while_it_is_read_is_told(compress: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1, 9000, (2, 1024, 1024)).astype(np.uint16)
    layout: dict[str, Any] = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": compress}
    path = write(tmp_path / "x.tif", values, **layout)
    with open_raster(path) as raster:
        read = raster.reader((0, 1))
        np.testing.assert_array_equal(read(Window(0, 0, 1024, 256)).values, values[:, :256])
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size * 2 // 3)
        with pytest.raises(DataError, match="rows 512 to 1023 cannot be read, the file is truncated"):
            read(Window(0, 512, 1024, 512))
    if compress != "none":
        path = write(tmp_path / "y.tif", values, **layout)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(bytes(range(256)) * 200)
        with open_raster(path) as raster, pytest.raises(DataError, match="rows 0 to 1023 cannot be read"):
            raster.reader((0, 1))(Window(0, 0, 1024, 1024))


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20)), min_size=1, max_size=5))
def test_reading_into_the_same_memory_reads_the_same(spans: list[tuple[int, int]], tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 3, (3, 20, 30)).astype(np.uint16)
    with open_raster(write(tmp_path / "x.tif", image, nodata=2)) as raster:
        read = raster.reader((2, 0))
        for start, rows in spans:
            window = Window(0, start, 30, min(rows, 20 - start))
            found, expected = read(window), raster.read((2, 0), window)
            np.testing.assert_array_equal(found.values, expected.values)
            np.testing.assert_array_equal(found.valid, expected.valid)


def test_bands_of_several_types_are_read_as_the_one_that_holds_all(image: np.ndarray, tmp_path: Path) -> None:
    whole, half = image[:1], (image[1:2] / 2).astype(np.float32)
    files = [write(tmp_path / "whole.tif", whole), write(tmp_path / "half.tif", half)]
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{number}"><SimpleSource><SourceFilename>{file}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for number, (kind, file) in enumerate(zip(("UInt16", "Float32"), files, strict=True), start=1)
    )
    (tmp_path / "both.vrt").write_text(
        '<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>500000,10,0,5000000,0,-10</GeoTransform>{bands}</VRTDataset>"
    )
    with open_raster(tmp_path / "both.vrt") as raster:
        for pixels in (raster.read(), raster.reader((0, 1))(Window(0, 0, 30, 20))):
            assert pixels.values.dtype == np.float32
            np.testing.assert_array_equal(pixels.values, np.concatenate([whole, half]))


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (Affine(0.1, 0, 100, 0, -0.1, 121), "its latitudes go from 119 to 121, beyond the poles: are longitude and"),
        (Affine(1, 0, 0, 0, 0, 10), "its georeference gives pixels no area"),
        (Affine(1, 2, 0, 2, 4, 10), "its georeference gives pixels no area"),
    ],
)
def test_a_raster_without_a_place_on_the_earth_is_refused(transform: Affine, said: str, tmp_path: Path) -> None:
    values = np.ones((1, 20, 30), np.uint8)
    path = write(tmp_path / "x_water.tif", values, crs="EPSG:4326", transform=transform)
    for opened in (lambda: open_raster(path).__enter__(), lambda: find_water(tmp_path)):
        with pytest.raises(DataError) as error:
            opened()
        assert said in one_line(error)


@pytest.mark.parametrize(("crs", "top"), [("EPSG:4326", 90), ("EPSG:4326", 95), ("EPSG:4807", 105)])
def test_a_grid_of_the_world_may_reach_half_a_pixel_beyond_the_poles(crs: str, top: float, tmp_path: Path) -> None:
    step = 200 / 20 if crs == "EPSG:4807" else 10  # a right angle has 100 grads
    rows = round(2 * top / step)
    values = np.ones((1, rows, 36), np.uint8)
    path = write(tmp_path / "x_water.tif", values, crs=crs, transform=Affine(step, 0, -180, 0, -step, top))
    with open_raster(path) as raster:
        assert raster.grid.height == rows
