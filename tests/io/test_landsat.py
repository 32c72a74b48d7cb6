"""Landsat products of Collection 2, as one raster."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from tests.io.sensors import assert_same, read_reflectance
from tests.support.failures import one_line
from tests.support.rasters import write_tif
from tests.support.sensors import ETM_L1, GRID, OLI_L1, OLI_L2, SUN_ELEVATION, TM_L2, reflectance, write_landsat
from watermap.bands import SENSORS, STANDARD_BANDS
from watermap.errors import DataError
from watermap.io.gdal import raster_files
from watermap.io.landsat import landsat_named, landsat_scaling, read_groups
from watermap.io.products import find_scene
from watermap.io.raster import open_raster

SINE = math.sin(math.radians(SUN_ELEVATION))


@pytest.mark.parametrize(
    ("product", "metadata", "rounding"),
    [
        (OLI_L2, "txt", 2.75e-5 / 2),
        (OLI_L2, "xml", 2.75e-5 / 2),
        (OLI_L2, None, 2.75e-5 / 2),
        (TM_L2, "json", 2.75e-5 / 2),
        (TM_L2, None, 2.75e-5 / 2),
        (OLI_L1, "txt", 2e-5 / 2 / SINE),
        (OLI_L1, "xml", 2e-5 / 2 / SINE),
        (ETM_L1, "json", 2.7e-3 / 2 / SINE),
    ],
)
def test_a_folder_is_a_scene_of_the_reflectance_that_it_was_made_of(
    product: str, metadata: str | None, rounding: float, tmp_path: Path
) -> None:
    source = reflectance()
    found = read_reflectance(write_landsat(tmp_path, product, source, metadata=metadata))
    assert tuple(found) == STANDARD_BANDS
    assert_same(found, source, rounding)


def test_its_bands_have_the_names_used_everywhere_and_its_grid_is_its_own(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path, ETM_L1, reflectance())
    with open_raster(folder) as raster:
        assert raster.names == STANDARD_BANDS
        assert raster.grid.same_as(GRID)
        assert raster.sensor == SENSORS["landsat-4-7"]
    ends = ["MTL.txt", *(f"B{code}.TIF" for code in (1, 2, 3, 4, 5, 7))]
    assert sorted(path.name for path in raster_files(folder)) == sorted(f"{ETM_L1}_{end}" for end in ends)


def test_a_folder_of_another_name_is_known_by_its_files(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path, TM_L2, reflectance()).rename(tmp_path / "lake")
    assert find_scene(folder).sensor == SENSORS["landsat-4-7"]
    assert_same(read_reflectance(folder), reflectance(), 2.75e-5 / 2)


def test_level_2_metadata_also_hold_the_coefficients_of_level_1(tmp_path: Path) -> None:
    metadata = write_landsat(tmp_path, OLI_L2, reflectance()) / f"{OLI_L2}_MTL.txt"
    assert read_groups(metadata)["LEVEL1_RADIOMETRIC_RESCALING"]["REFLECTANCE_MULT_BAND_4"] == "2.0000E-05"
    assert landsat_scaling(metadata, SENSORS["landsat-8-9"])["B4"].scale == 2.75e-5


@pytest.mark.parametrize(
    ("name", "sensor"),
    [
        (f"{OLI_L2}_stack", "landsat-8-9"),
        (TM_L2, "landsat-4-7"),
        ("LO08_L2SP_193027_20230607_20230614_02_T2", "landsat-8-9"),
    ],
)
def test_a_file_is_known_by_its_name(name: str, sensor: str) -> None:
    assert landsat_named(Path(f"{name}.tif")) == SENSORS[sensor]
    assert landsat_named(Path("lake.tif")) is None


def test_numbers_of_one_file_of_level_1_mean_nothing_by_themselves() -> None:
    sensor = landsat_named(Path(f"{OLI_L1}_stack.tif"))
    assert sensor is not None
    assert sensor.radiometry is None


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no metadata", "of Level 1, and mean reflectance only with its metadata: put LC09.*_MTL.txt"),
        ("half metadata", "truncated or damaged metadata|does not say what"),
        ("night", "does not say what the scene's numbers mean"),
        ("no elevation", "does not say what the scene's numbers mean"),
        ("two products", "band files of 2 Landsat products"),
        ("no green", "band B3 is missing"),
        ("collection 1", "of Landsat Collection 1: download it of Collection 2"),
        ("mss", "of MSS without the bands that show water"),
        ("thermal only", "of a Landsat sensor without the bands"),
    ],
)
@pytest.mark.parametrize("form", ["txt", "json", "xml"])
def test_what_is_wrong_with_a_product_is_one_line(what: str, words: str, form: str, tmp_path: Path) -> None:
    folder = write_landsat(tmp_path, OLI_L1, reflectance(), metadata=form)
    metadata = folder / f"{OLI_L1}_MTL.{form}"
    text = metadata.read_text()
    if what == "no metadata":
        metadata.unlink()
    elif what == "half metadata":
        metadata.write_text(text[: len(text) // 2])
    elif what == "night":
        metadata.write_text(text.replace(f"{SUN_ELEVATION:.8f}", "-3.0"))
    elif what == "no elevation":
        metadata.write_text(text.replace("SUN_ELEVATION", "SUN_HEIGHT"))
    elif what == "two products":
        for file in write_landsat(tmp_path / "other", OLI_L2, reflectance()).iterdir():
            shutil.copy(file, folder)
    elif what == "no green":
        (folder / f"{OLI_L1}_B3.TIF").unlink()
    else:
        other = {
            "collection 1": OLI_L1.replace("_02_T1", "_01_T1"),
            "mss": OLI_L1.replace("LC09", "LM05"),
            "thermal only": OLI_L1.replace("LC09", "LT08"),
        }[what]
        for file in list(folder.iterdir()):
            file.rename(folder / file.name.replace(OLI_L1, other))
    with pytest.raises(DataError, match=words) as error, open_raster(folder) as raster:
        raster.find(STANDARD_BANDS)
    assert str(folder) in one_line(error)


def test_a_packed_product_is_told_to_be_unpacked(tmp_path: Path) -> None:
    packed = tmp_path / f"{OLI_L2}.tar"
    packed.touch()
    with pytest.raises(DataError, match="is a packed product: unpack it") as error:
        find_scene(packed)
    one_line(error)


def test_a_folder_of_other_files_of_a_product_is_no_scene(tmp_path: Path) -> None:
    write_tif(tmp_path / f"{OLI_L2}_ST_B10.TIF", reflectance()["B3"][None].astype("float32"), GRID)
    assert not find_scene(tmp_path).bands
