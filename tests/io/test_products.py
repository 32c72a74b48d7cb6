"""Which kind of scene a place holds, and what is stated of it."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from tests.io.sensors import assert_same, read_reflectance
from tests.support.failures import one_line
from tests.support.rasters import write_tif
from tests.support.safes import band_values, write_safe
from tests.support.sensors import (
    DOVE,
    GRID,
    L30,
    OLI_L1,
    OLI_L2,
    S30,
    TM_L2,
    numbers,
    reflectance,
    write_hls,
    write_landsat,
    write_planetscope,
)
from watermap.bands import SENSORS, STANDARD_BANDS, SensorName
from watermap.errors import DataError
from watermap.io.products import find_scene, read_scaling
from watermap.io.raster import open_raster


def products(folder: Path) -> dict[SensorName, Path]:
    """A product of each kind that names its sensor."""
    values = reflectance()
    return {
        "sentinel-2": write_safe(folder, band_values()),
        "landsat-8-9": write_landsat(folder, OLI_L2, values),
        "landsat-4-7": write_landsat(folder, TM_L2, values),
        "hls-l30": write_hls(folder, L30, values),
        "hls-s30": write_hls(folder, S30, values),
        "planetscope-4-band": write_planetscope(folder, DOVE, values),
    }


def test_each_product_says_whose_it_is_and_may_be_stated_so(tmp_path: Path) -> None:
    for name, place in products(tmp_path).items():
        scene = find_scene(place)
        assert scene.sensor == SENSORS[name]
        assert find_scene(place, sensor=SENSORS[name]) == scene
        assert find_scene(scene) is scene
        assert pickle.loads(pickle.dumps(scene)) == scene


def test_a_wrong_sensor_is_one_line(tmp_path: Path) -> None:
    for name, place in products(tmp_path).items():
        for other in set(SENSORS) - {name}:
            with pytest.raises(DataError, match=r"by its names, not of .* as stated: leave --sensor out") as error:
                find_scene(place, sensor=SENSORS[other])
            assert SENSORS[name].title in one_line(error)
            assert SENSORS[other].title in one_line(error)


@pytest.mark.parametrize("name", ["landsat-8-9", "landsat-4-7", "hls-l30"])
def test_a_plain_folder_is_read_as_the_sensor_that_is_stated(name: SensorName, tmp_path: Path) -> None:
    source, sensor = reflectance(), SENSORS[name]
    assert sensor.radiometry is not None
    scale, shift = sensor.radiometry.scale, sensor.radiometry.offset * sensor.radiometry.scale
    for code, band in sensor.bands.items():
        stored = numbers(
            source.get(band, source["B3"]), scale, shift, sensor.no_data, "int16" if shift == 0 else "uint16"
        )
        write_tif(tmp_path / f"lake_{code}.tif", stored[None], GRID)
    scene = find_scene(tmp_path, sensor=sensor)
    assert (scene.sensor, scene.is_stated) == (sensor, True)
    found = read_reflectance(scene)
    assert tuple(found) == STANDARD_BANDS
    assert_same(found, source, scale / 2)


def test_floats_are_not_scaled_by_a_sensor(tmp_path: Path) -> None:
    for code in ("B3", "B5"):
        write_tif(tmp_path / f"{code}.tif", reflectance()["B3"][None].astype("float32"), GRID)
    with open_raster(find_scene(tmp_path, sensor=SENSORS["landsat-8-9"])) as raster:
        assert raster.names == ("B3", "B8")
        assert raster.radiometry((0, 1)) is None


def test_scenes_without_metadata_have_no_scaling_of_their_own(tmp_path: Path) -> None:
    assert read_scaling(find_scene(write_hls(tmp_path, L30, reflectance()))) == {}
    bands = {"B2", "B3", "B4", "B8", "B11", "B12"}
    assert set(read_scaling(find_scene(write_landsat(tmp_path, OLI_L1, reflectance())))) == bands
    assert bands < set(read_scaling(find_scene(write_safe(tmp_path, band_values()))))


def test_an_archive_of_something_else_is_one_file(tmp_path: Path) -> None:
    place = write_hls(tmp_path, L30, reflectance())
    archive = Path(shutil.make_archive(str(tmp_path / "zips" / "lake"), "zip", tmp_path, place.name))
    assert find_scene(archive).bands == {}
