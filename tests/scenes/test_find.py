from pathlib import Path

import numpy as np
import pytest
import rasterio.shutil

from tests.support.rasters import make_grid, write_scene, write_tif
from tests.support.s3 import Bucket
from tests.support.safes import band_file, band_values, write_safe
from tests.support.scenes import paths_of_found
from tests.support.sensors import L30, OLI_L1, OLI_L2, reflectance, write_hls, write_landsat
from tests.support.web import Web
from watermap.bands import SENSORS, STANDARD_BANDS
from watermap.errors import DataError, UsageError
from watermap.io.gdal import open_dataset
from watermap.io.raster import open_raster
from watermap.scenes.find import check_outputs, find_images, output_name


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_taken_as_named_and_once(tmp_path: Path) -> None:
    assert paths_of_found(["b.tif", "a.tif", "b.tif"]) == [Path("b.tif"), Path("a.tif")]


def test_one_file_under_two_names_is_one(tmp_path: Path) -> None:
    touch(tmp_path / "a.tif")
    assert paths_of_found(["a.tif", tmp_path / "a.tif", "./a.tif"]) == [Path("a.tif")]


def test_a_scene_folder_means_its_image(tmp_path: Path) -> None:
    touch(tmp_path / "lake" / "image.tif", tmp_path / "lake" / "label.tif")
    assert paths_of_found([tmp_path / "lake"]) == [tmp_path / "lake" / "image.tif"]


def test_a_scenes_folder_means_all_its_images(tmp_path: Path) -> None:
    touch(*(tmp_path / name / "image.tif" for name in "ba"))
    assert paths_of_found([tmp_path]) == [tmp_path / "a" / "image.tif", tmp_path / "b" / "image.tif"]


def test_a_folder_of_files_means_its_rasters_but_not_results(tmp_path: Path) -> None:
    touch(*(tmp_path / n for n in ("b.tif", "a.TIF", "a_water.tif", "a_reason.tif", ".a.tif", "notes.txt", "c.jp2")))
    assert [path.name for path in paths_of_found([tmp_path])] == ["a.TIF", "b.tif", "c.jp2"]


def test_patterns_that_no_shell_expanded_are_expanded(tmp_path: Path) -> None:
    touch(tmp_path / "x1.tif", tmp_path / "x2.tif", tmp_path / "y.tif", tmp_path / "s" / "image.tif")
    assert [path.name for path in paths_of_found([f"{tmp_path}/x*.tif"])] == ["x1.tif", "x2.tif"]
    assert paths_of_found([f"{tmp_path}/s*"]) == [tmp_path / "s" / "image.tif"]


def test_a_file_with_brackets_in_its_name_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path / "x[1].tif")
    assert paths_of_found([tmp_path / "x[1].tif"]) == [tmp_path / "x[1].tif"]


def test_nothing_found_is_told(tmp_path: Path) -> None:
    for text in (tmp_path, f"{tmp_path}/*.tif"):
        with pytest.raises(DataError, match="no image there"):
            paths_of_found([text])


def test_two_images_with_one_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"would both give lake_water\.tif"):
        paths_of_found(["a/lake.tif", "b/lake.tif"])


def test_no_output_takes_the_place_of_what_is_read(tmp_path: Path) -> None:
    one = write_tif(tmp_path / "one.tif", np.zeros((1, 4, 4), np.uint8), make_grid())
    rasterio.shutil.copy(one, tmp_path / "all.vrt", driver="VRT")
    (tmp_path / "link.tif").symlink_to(one)
    check_outputs([tmp_path / "new.tif"], [tmp_path / "all.vrt", tmp_path / "absent.vrt"])
    for read in (one, tmp_path / "link.tif", tmp_path / "all.vrt"):
        with pytest.raises(UsageError, match=r"one\.tif: is one of the files that are read: choose another --out"):
            check_outputs([one], [read])


def test_outputs_are_named_after_the_scene(tmp_path: Path) -> None:
    assert output_name(Path("some/lake/image.tif")) == "lake"
    assert output_name(Path("some/lake.tif")) == "lake"


def test_a_bucket_is_looked_through_like_a_folder(bucket: Bucket) -> None:
    for key in ("s/b/image.tif", "s/a/image.tif", "s/a/label.tif", "f/x1.tif", "f/x2.TIF", "f/x2_water.tif", "f/n.txt"):
        bucket.put(key, b"x")

    def found(*texts: str) -> list[str]:
        return [
            str(path).removeprefix(f"{bucket.url}/") for path in paths_of_found([f"{bucket.url}/{t}" for t in texts])
        ]

    assert found("s") == ["s/a/image.tif", "s/b/image.tif"]
    assert found("s/a", "s/*") == ["s/a/image.tif", "s/b/image.tif"]
    assert found("f/") == ["f/x1.tif", "f/x2.TIF"]
    assert found("f/x*.tif", "f/x1.tif") == ["f/x1.tif"]
    assert found("**/image.tif") == ["s/a/image.tif", "s/b/image.tif"]
    with pytest.raises(DataError, match="no image there"):
        found("f/y*.tif")


def test_files_elsewhere_are_not_asked_for(web: Web, tmp_path: Path) -> None:
    urls = [f"{web.url}/lake/image.tif", f"{web.url}/a.tif?sig=a.b", "s3://nowhere/b.tif", str(tmp_path / "c.tif")]
    found = paths_of_found([*urls, "/vsicurl/" + urls[0]])
    assert [output_name(image) for image in found] == ["lake", "a", "b", "c"]
    assert web.asked() == []
    with pytest.raises(UsageError, match=r"would both give a_water\.tif") as error:
        paths_of_found([f"{web.url}/a.tif?sig=secret", "a.tif"])
    assert "secret" not in str(error.value)


def test_a_scene_that_is_incomplete_is_found_with_its_fault(tmp_path: Path) -> None:
    safe = write_safe(tmp_path, band_values(bands=("B2", "B3")))
    band_file(safe, "B3").unlink()
    (scene,) = find_images([tmp_path])
    assert (scene.path, scene.bands) == (safe, {})
    with pytest.raises(DataError, match="which its metadata name, is missing"), open_dataset(scene):
        pass


def test_a_folder_of_bands_is_found_with_what_they_say_of_themselves(tmp_path: Path) -> None:
    for band in ("B02", "B03"):
        write_tif(tmp_path / "lake" / f"{band}.tif", np.ones((1, 9, 9), np.uint16), make_grid(9, 9))
    (scene,) = find_images([tmp_path / "lake"])
    assert [(layer.name, layer.files) for layer in scene.layers] == [
        ("B2", (tmp_path / "lake" / "B02.tif",)),
        ("B3", (tmp_path / "lake" / "B03.tif",)),
    ]
    (tmp_path / "lake" / "B03.tif").write_bytes(b"II*\0")
    (scene,) = find_images([tmp_path / "lake"])
    with pytest.raises(DataError, match=r"B03\.tif: a truncated or damaged TIFF"), open_dataset(scene):
        pass


def test_what_is_stated_goes_with_every_scene(tmp_path: Path) -> None:
    write_scene(tmp_path / "scenes", "lake", make_grid(16, 16), bands=("B3", "B5"))
    write_tif(tmp_path / "other.tif", np.ones((2, 9, 9), np.uint16), make_grid(9, 9), names=("B3", "B5"))
    found = find_images([tmp_path / "scenes", tmp_path / "other.tif", f"{tmp_path}/oth*"], sensor="landsat-8-9")
    assert [scene.path.name for scene in found] == ["image.tif", "other.tif"]
    assert all(scene.sensor == SENSORS["landsat-8-9"] and scene.is_stated for scene in found)


def test_products_of_other_sensors_are_found_beside_others(tmp_path: Path) -> None:
    values = reflectance()
    landsat, hls = write_landsat(tmp_path, OLI_L2, values), write_hls(tmp_path, L30, values)
    broken = write_landsat(tmp_path, OLI_L1, values, metadata=None)
    assert paths_of_found([tmp_path]) == [hls, landsat, broken]
    assert [output_name(path) for path in (landsat, hls)] == [OLI_L2, L30]
    faults = [scene.fault for scene in find_images([tmp_path])]
    assert [fault is None for fault in faults] == [True, True, False]


def test_a_granule_in_a_bucket_is_a_scene(tmp_path: Path, bucket: Bucket) -> None:
    folder = write_hls(tmp_path, L30, reflectance())
    bucket.put_folder(folder, f"granules/{L30}")
    (found,) = find_images([f"{bucket.url}/granules"])
    assert list(found.bands) == list(STANDARD_BANDS)
    with open_raster(found) as there, open_raster(folder) as here:
        np.testing.assert_array_equal(there.read().values, here.read().values)
    assert find_images([f"{bucket.url}/granules/{L30}"])[0].path == found.path
    assert output_name(found) == L30
