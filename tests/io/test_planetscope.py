"""PlanetScope files, by their names and the metadata beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.io.sensors import assert_same, read_reflectance
from tests.support.failures import one_line
from tests.support.rasters import write_tif
from tests.support.scenes import paths_of_found
from tests.support.sensors import DOVE, GRID, SUPER_DOVE, reflectance, write_planetscope
from watermap.bands import SENSORS
from watermap.errors import DataError
from watermap.io.gdal import raster_files
from watermap.io.products import find_scene
from watermap.io.raster import open_raster
from watermap.io.scene_files import SceneFiles

FOUR = ("B2", "B3", "B4", "B8")


@pytest.mark.parametrize("has_names", [True, False])
@pytest.mark.parametrize(
    ("item", "end", "rounding"),
    [
        (DOVE, "_SR", 1e-4 / 2),
        (DOVE, "_SR_clip", 1e-4 / 2),
        (SUPER_DOVE, "_SR_8b_harmonized_clip", 1e-4 / 2),
        (SUPER_DOVE, "_SR_8b_harmonized_clip_file_format", 1e-4 / 2),
        (DOVE, "", 3.3e-5 / 2),
        (DOVE, "_clip", 3.3e-5 / 2),
        (SUPER_DOVE, "_8b", 3.3e-5 / 2),
        (SUPER_DOVE, "_8b_harmonized_clip", 3.3e-5 / 2),
    ],
)
def test_a_file_is_a_scene_of_the_reflectance_that_it_was_made_of(
    item: str, end: str, rounding: float, has_names: bool, tmp_path: Path
) -> None:
    source = reflectance()
    path = write_planetscope(tmp_path, item, source, end=end, has_names=has_names)
    found = read_reflectance(path)
    assert tuple(found) == FOUR
    assert_same(found, source, rounding)


def test_all_eight_bands_have_names(tmp_path: Path) -> None:
    for end in ("_SR_8b", "_8b"):
        with open_raster(write_planetscope(tmp_path, SUPER_DOVE, reflectance(), end=end)) as raster:
            assert raster.names == ("B1", "B2", "green_i", "B3", "yellow", "B4", "B5", "B8")
            assert raster.grid.same_as(GRID)


def test_masks_of_usable_data_are_passed_over(tmp_path: Path) -> None:
    path = write_planetscope(tmp_path, SUPER_DOVE, reflectance(), end="_SR_8b_clip")
    write_tif(tmp_path / f"{DOVE}_DN_udm.tif", np.ones((1, 60, 60), np.uint8), GRID)
    assert paths_of_found([tmp_path]) == [path]


def test_the_metadata_of_radiance_are_part_of_the_scene(tmp_path: Path) -> None:
    path = write_planetscope(tmp_path, SUPER_DOVE, reflectance(), end="_8b_clip")
    assert raster_files(path) == [path, tmp_path / f"{SUPER_DOVE}_8b_metadata_clip.xml"]
    surface = write_planetscope(tmp_path, DOVE, reflectance())
    assert raster_files(surface) == [surface]


def test_reflectance_made_by_planets_own_tool_needs_no_metadata(tmp_path: Path) -> None:
    scene = find_scene(tmp_path / f"{DOVE}_toar_clip.tif")
    assert (scene.sensor, scene.bands) == (SENSORS["planetscope-4-band"], {})


def test_other_names_are_not_planets(tmp_path: Path) -> None:
    for name in ("AnalyticMS_SR", f"{DOVE}_SR_clip_water", f"{DOVE}_probability", f"{SUPER_DOVE}_8b_clip_ndwi"):
        assert find_scene(tmp_path / f"{name}.tif") == SceneFiles(tmp_path / f"{name}.tif")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no metadata", "holds radiance, and .*_AnalyticMS_8b_metadata.xml, which makes it reflectance, is not"),
        ("half metadata", "truncated or damaged metadata"),
        ("fewer coefficients", "does not say what the scene's numbers mean"),
        ("no coefficients", "does not say what the scene's numbers mean"),
        ("fewer bands", "holds 4 bands, not 8 as its name says"),
        ("raw", "numbers that are not calibrated"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(what: str, words: str, tmp_path: Path) -> None:
    source = reflectance()
    path = write_planetscope(tmp_path, SUPER_DOVE, source, end="_8b", has_metadata=what != "no metadata")
    metadata = tmp_path / f"{SUPER_DOVE}_8b_metadata.xml"
    if what == "half metadata":
        metadata.write_text(metadata.read_text()[:300])
    elif what == "fewer coefficients":
        write_planetscope(tmp_path, DOVE, source, end="")
        (tmp_path / f"{DOVE}_metadata.xml").rename(metadata)
    elif what == "no coefficients":
        metadata.write_text(metadata.read_text().replace("reflectanceCoefficient", "other"))
    elif what == "fewer bands":
        write_planetscope(tmp_path, DOVE, source, end="").rename(path)
    elif what == "raw":
        path = path.rename(tmp_path / f"{SUPER_DOVE}_DN_8b.tif")
    with pytest.raises(DataError, match=words) as error, open_raster(path):
        pass
    assert str(tmp_path) in one_line(error)


def test_a_surface_file_of_fewer_bands_than_its_name_says_is_one_line(tmp_path: Path) -> None:
    path = write_planetscope(tmp_path, DOVE, reflectance(), has_names=False)
    path = path.rename(tmp_path / f"{SUPER_DOVE}_SR_8b.tif")
    with (
        pytest.raises(DataError, match="has 4 bands without names, 8-band PlanetScope has 8") as error,
        open_raster(path),
    ):
        pass
    one_line(error)
