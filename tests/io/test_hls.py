"""Granules of Harmonized Landsat Sentinel-2, as one raster."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.io.sensors import assert_same, read_reflectance
from tests.support.failures import one_line
from tests.support.sensors import GRID, L30, S30, reflectance, stated, write_hls
from watermap.bands import SENSORS, STANDARD_BANDS, Radiometry
from watermap.errors import DataError
from watermap.io.hls import hls_named
from watermap.io.products import find_scene
from watermap.io.raster import open_raster


@pytest.mark.parametrize(("granule", "near_infrared"), [(L30, "B8"), (S30, "B8"), (S30, "B8A")])
def test_a_folder_is_a_scene_of_the_reflectance_that_it_was_made_of(
    granule: str, near_infrared: str, tmp_path: Path
) -> None:
    source = reflectance()
    folder = write_hls(tmp_path, granule, source, near_infrared=near_infrared)
    found = read_reflectance(folder)
    assert tuple(found) == STANDARD_BANDS
    assert_same(found, source, 1e-4 / 2)
    with open_raster(folder) as raster:
        assert raster.grid.same_as(GRID)
        assert raster.names == ((*STANDARD_BANDS, "B5") if granule == S30 else STANDARD_BANDS)
        assert raster.no_data == -9999


def test_the_fill_value_and_the_scale_need_not_be_in_the_files(tmp_path: Path) -> None:
    source = reflectance()
    bare = write_hls(tmp_path / "without", L30, source, no_data=None)
    assert_same(read_reflectance(bare), source, 1e-4 / 2)
    with open_raster(bare) as raster:
        assert raster.no_data == -9999
    folder = write_hls(tmp_path / "with", L30, source)
    for path in folder.glob("*.B*.tif"):
        stated(path, 1e-4, 0.0)
    assert_same(read_reflectance(folder), source, 1e-4 / 2)


def test_where_both_near_infrareds_are_there_each_keeps_its_name(tmp_path: Path) -> None:
    folder = write_hls(tmp_path, S30, reflectance())
    shutil.copy(folder / f"{S30}.B12.tif", folder / f"{S30}.B8A.tif")
    with open_raster(folder) as raster:
        assert raster.names == (*STANDARD_BANDS, "B5", "B8A")


def test_a_granule_is_known_by_its_name() -> None:
    assert hls_named(Path(f"{L30}.B05.tif")) == SENSORS["hls-l30"]
    assert hls_named(Path(S30)) == SENSORS["hls-s30"]
    assert hls_named(Path("HLS.tif")) is None


def test_two_granules_in_a_folder_are_one_line(tmp_path: Path) -> None:
    folder = write_hls(tmp_path, L30, reflectance())
    for file in write_hls(tmp_path, S30, reflectance()).iterdir():
        shutil.copy(file, folder)
    with pytest.raises(DataError, match="band files of 2 HLS granules") as error:
        find_scene(folder)
    one_line(error)


def test_a_band_that_was_not_downloaded_is_one_line(tmp_path: Path) -> None:
    folder = write_hls(tmp_path, L30, reflectance())
    (folder / f"{L30}.B05.tif").unlink()
    with open_raster(folder) as raster, pytest.raises(DataError, match="band B8 is missing") as error:
        raster.find(STANDARD_BANDS)
    one_line(error)


def test_real_pixels_come_back_as_they_are(real_data: Path, tmp_path: Path) -> None:
    with open_raster(real_data / "mississippi_hls" / "image.tif") as raster:
        grid, positions = raster.grid, raster.find(STANDARD_BANDS)
        pixels = raster.read(positions)
    layers = zip(STANDARD_BANDS, pixels.values, strict=True)
    source = {band: np.where(pixels.valid, layer / 1e4, np.nan) for band, layer in layers}
    with open_raster(write_hls(tmp_path, L30, source, grid=grid)) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, 0)
        found = raster.read()
    np.testing.assert_array_equal(found.valid, pixels.valid)
    np.testing.assert_array_equal(found.values[:, found.valid], pixels.values[:, pixels.valid])
