"""One file whose sensor is known by its name, by the names of its bands, or because the user states it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.io.sensors import assert_same, read_reflectance
from tests.support.failures import one_line
from tests.support.rasters import write_tif
from tests.support.sensors import GRID, L30, OLI_L1, OLI_L2, TM_L2, numbers, reflectance, stated
from watermap.bands import SENSORS, STANDARD_BANDS, Radiometry, SensorName
from watermap.errors import DataError
from watermap.io.products import find_scene
from watermap.io.raster import open_raster

OLI = ("B2", "B3", "B4", "B5", "B6", "B7")
SR_OLI = tuple(f"SR_{code}" for code in OLI)
SR_TM = tuple(f"SR_B{number}" for number in (1, 2, 3, 4, 5, 7))


def stack(path: Path, names: tuple[str, ...] | None, *, scale: float = 2.75e-5, offset: float = -0.2) -> Path:
    """The standard bands in one file, in their order."""
    layers = [numbers(reflectance()[band], scale, offset, 0, "uint16") for band in STANDARD_BANDS]
    return write_tif(path, np.stack(layers), GRID, names=names, no_data=0)


@pytest.mark.parametrize(
    ("name", "bands", "sensor"),
    [
        (f"{OLI_L2}_stack", OLI, None),
        (f"{OLI_L2}_stack", ("blue", "green", "red", "nir08", "swir16", "swir22"), None),
        (f"{TM_L2}_stack", ("B1", "B2", "B3", "B4", "B5", "B7"), None),
        ("lake", SR_OLI, None),
        ("lake", SR_OLI, "landsat-8-9"),
        ("lake", SR_TM, "landsat-4-7"),
        ("lake", OLI, "landsat-8-9"),
        ("lake", STANDARD_BANDS, "landsat-8-9"),
        (f"{OLI_L2}_stack", STANDARD_BANDS, None),
    ],
)
def test_right_bands_and_right_reflectance(
    name: str, bands: tuple[str, ...], sensor: SensorName | None, tmp_path: Path
) -> None:
    path = stack(tmp_path / f"{name}.tif", bands)
    found = read_reflectance(find_scene(path, sensor=None if sensor is None else SENSORS[sensor]))
    assert tuple(found) == STANDARD_BANDS
    assert_same(found, reflectance(), 2.75e-5 / 2)


def test_what_the_file_states_of_its_numbers_counts_more_than_its_sensor(tmp_path: Path) -> None:
    path = stated(stack(tmp_path / f"{OLI_L2}_stack.tif", OLI, scale=1e-4, offset=0), 1e-4, 0.0)
    assert_same(read_reflectance(path), reflectance(), 1e-4 / 2)


def test_floats_of_a_sensor_are_somebody_elses_and_so_is_level_1_without_metadata(tmp_path: Path) -> None:
    image = np.stack([reflectance()[band] for band in STANDARD_BANDS]).astype(np.float32)
    with open_raster(write_tif(tmp_path / f"{OLI_L2}.tif", image, GRID, names=OLI)) as raster:
        assert raster.names == STANDARD_BANDS
        assert raster.radiometry(range(6)) is None
    with open_raster(stack(tmp_path / f"{OLI_L1}_stack.tif", OLI)) as raster:
        assert raster.names == STANDARD_BANDS
        assert raster.radiometry(range(6)) is None


def test_bands_without_a_counterpart_are_not_taken_for_sentinels(tmp_path: Path) -> None:
    path = write_tif(tmp_path / f"{L30}.tif", np.ones((3, 60, 60), np.int16), GRID, names=("B03", "B10", "B05"))
    with open_raster(path) as raster:
        assert raster.names == ("B3", "thermal1", "B8")
        assert raster.bands == ("B3", None, "B8")


def test_a_map_is_not_taken_for_the_product_that_it_bears_the_name_of(tmp_path: Path) -> None:
    for name in (OLI_L2, L30):
        path = write_tif(tmp_path / f"{name}_water.tif", np.ones((1, 60, 60), np.uint8), GRID, names=("water",))
        with open_raster(path) as raster:
            assert (raster.names, raster.sensor, raster.radiometry((0,))) == (("water",), None, None)
    path = write_tif(
        tmp_path / f"{TM_L2}_ndwi.tif", np.ones((1, 60, 60), np.uint8), GRID, names=("(B3 - B8) / (B3 + B8)",)
    )
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(WATERMAP_VERSION="1")
    with open_raster(path) as raster:
        assert (raster.sensor, raster.radiometry((0,))) == (None, None)


def test_the_fill_value_of_a_sensor_is_no_data(tmp_path: Path) -> None:
    image = np.full((2, 60, 60), 500, np.int16)
    image[1, 0, 0] = -9999
    path = write_tif(tmp_path / f"{L30}.tif", image, GRID, names=("B03", "B05"))
    with open_raster(path) as raster:
        assert not raster.read().valid[0, 0]
        assert raster.read().valid.sum() == 3599


def test_names_that_are_given_win_and_the_numbers_stay_the_sensors(tmp_path: Path) -> None:
    path = stack(tmp_path / "lake.tif", None)
    with open_raster(find_scene(path, sensor=SENSORS["landsat-8-9"]), names=STANDARD_BANDS) as raster:
        assert raster.radiometry(range(6)) == SENSORS["landsat-8-9"].radiometry
        assert raster.notes == []
    with open_raster(stack(tmp_path / f"{OLI_L2}.tif", OLI), names=STANDARD_BANDS) as raster:
        assert raster.radiometry(range(6)) == Radiometry(2.75e-5, -0.2 / 2.75e-5)
        assert "the names given were used instead" in raster.notes[0]


@pytest.mark.parametrize(
    ("name", "bands", "sensor", "words"),
    [
        ("lake", SR_TM, None, "may be of Landsat 8 or 9 or of Landsat 4 to 7"),
        ("lake", (*SR_OLI[:2], *SR_OLI[3:4]), None, "state --sensor landsat-8-9 or --sensor landsat-4-7"),
        (f"{TM_L2}_stack", ("B2", "B3", "B4"), None, "may be that sensor's numbers or Sentinel-2's"),
        (f"{OLI_L2}_stack", ("B3", "B8"), None, "may be that sensor's numbers or Sentinel-2's"),
        ("lake", ("B3", "B8A"), "landsat-8-9", "which are not bands of Landsat 8 or 9"),
        ("lake", None, "planetscope-8-band", "has 6 bands without names, 8-band PlanetScope has 8"),
        ("lake", None, "landsat-8-9", "have no names"),
    ],
)
def test_what_cannot_be_told_is_one_line(
    name: str, bands: tuple[str, ...] | None, sensor: SensorName | None, words: str, tmp_path: Path
) -> None:
    image = np.ones((6 if bands is None else len(bands), 60, 60), np.uint16)
    path = write_tif(tmp_path / f"{name}.tif", image, GRID, names=bands)
    scene = find_scene(path, sensor=None if sensor is None else SENSORS[sensor])
    with pytest.raises(DataError, match=words) as error, open_raster(scene) as raster:
        raster.find(STANDARD_BANDS)
    assert str(path) in one_line(error)


def test_files_without_names_are_in_the_order_of_the_sensor_that_is_stated(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "lake.tif", np.ones((4, 60, 60), np.uint16), GRID)
    with open_raster(find_scene(path, sensor=SENSORS["planetscope-4-band"])) as raster:
        assert raster.names == ("B2", "B3", "B4", "B8")
