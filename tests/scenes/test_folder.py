"""Folders of scenes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import REAL_DATA, lake_image, make_grid, write_scene, write_tif
from tests.support.s3 import Bucket
from tests.support.sensors import GRID as SENSOR_GRID
from tests.support.sensors import OLI_L2, numbers, reflectance, write_landsat
from tests.support.waters import write_water
from tests.support.web import Web
from watermap.bands import STANDARD_BANDS
from watermap.cli.main import run
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid
from watermap.io.paths import location
from watermap.scenes.folder import Scene, add_scene, find_scenes, scene_digests
from watermap.scenes.label import LABEL_TAG, open_label
from watermap.scenes.stac import UNSTATED, label_kind


def test_scenes_are_found_sorted_and_labels_are_optional(tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden"):
        write_scene(tmp_path, name, make_grid(16, 16))
    (tmp_path / "b" / "label.tif").unlink()
    (tmp_path / "notes").mkdir()
    scenes = find_scenes(tmp_path)
    assert [scene.name for scene in scenes] == ["a", "b"]
    assert scenes[0].label == tmp_path / "a" / "label.tif"
    assert scenes[1].label is None
    with pytest.raises(DataError) as error:
        find_scenes(tmp_path, need_label=True)
    assert f"{tmp_path / 'b'}: has no label.tif" in one_line(error)


def test_folders_without_scenes_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        find_scenes(tmp_path / "absent")
    assert "absent: no such folder" in one_line(error)
    with pytest.raises(DataError) as error:
        find_scenes(tmp_path)
    assert "holds no scene" in one_line(error)
    write_scene(tmp_path, "a", make_grid(16, 16))
    with pytest.raises(DataError) as error:
        find_scenes(tmp_path / "a")
    assert f"is one scene, not a folder of scenes: give {tmp_path}" in one_line(error)


def test_adding_a_scene_copies_the_image_and_rewrites_the_label(tmp_path: Path) -> None:
    grid = make_grid(20, 10)
    image = write_tif(
        tmp_path / "mine.tif", lake_image(np.zeros(grid.shape), 3), grid, names=("B4", "B3", "B2"), no_data=7
    )
    truth = np.zeros((1, *grid.shape), dtype=np.int16)
    truth[0, 0, :5], truth[0, 5:] = -1, 1
    label = write_tif(tmp_path / "truth.tif", truth, grid)
    scene = add_scene(tmp_path / "scenes", "mine", image, label=label, codes={-1: 255, 0: 0, 1: 1})
    assert scene == find_scenes(tmp_path / "scenes")[0]
    assert scene.image.read_bytes() == image.read_bytes()
    assert scene.label is not None
    with rasterio.open(scene.label) as dataset:
        written = dataset.read(1)
        assert (dataset.nodata, dataset.dtypes[0]) == (255, "uint8")
        assert Grid(dataset.crs, dataset.transform, dataset.width, dataset.height).same_as(grid)
    np.testing.assert_array_equal(written, np.where(truth[0] == -1, 255, truth[0]))
    assert sorted(path.name for path in (tmp_path / "scenes").rglob("*")) == ["image.tif", "label.tif", "mine"]


def test_a_product_is_added_as_one_image_of_reflectance(tmp_path: Path) -> None:
    source = reflectance()
    product = write_landsat(tmp_path / "products", OLI_L2, source)
    label = write_tif(tmp_path / "truth.tif", np.ones((1, *SENSOR_GRID.shape), dtype=np.uint8), SENSOR_GRID)
    assert run(["scenes", "add", str(product), "--out", str(tmp_path / "scenes"), "--label", str(label)]) == 0
    (scene,) = find_scenes(tmp_path / "scenes", need_label=True)
    assert scene.name == OLI_L2
    with rasterio.open(scene.image) as dataset:
        assert dataset.descriptions == STANDARD_BANDS
        np.testing.assert_allclose(dataset.read(4)[5:] / 1e4, source["B8"][5:], atol=1e-4)
    with pytest.raises(DataError, match="is a product of Landsat 8 or 9 by its names") as error:
        add_scene(tmp_path / "scenes", "other", product, sensor="hls-l30")
    one_line(error)
    assert listing(tmp_path / "scenes") == [OLI_L2]


def test_an_image_whose_sensor_is_stated_is_converted(tmp_path: Path) -> None:
    layers = [numbers(reflectance()[band], 2.75e-5, -0.2, 0, "uint16") for band in ("B3", "B8")]
    image = write_tif(tmp_path / "mine.tif", np.stack(layers), SENSOR_GRID, names=("B3", "B5"), no_data=0)
    arguments = [str(image), "--out", str(tmp_path / "scenes"), "--sensor", "landsat-8-9"]
    assert run(["scenes", "add", *arguments]) == 0
    with rasterio.open(tmp_path / "scenes" / "mine" / "image.tif") as dataset:
        assert dataset.descriptions == ("B3", "B8")
        np.testing.assert_allclose(dataset.read(2)[5:] / 1e4, reflectance()["B8"][5:], atol=1e-4)


def test_a_label_says_what_it_is(tmp_path: Path) -> None:
    grid = make_grid(20, 10)
    image = write_tif(tmp_path / "mine.tif", lake_image(np.zeros(grid.shape), 3), grid)
    label = write_tif(tmp_path / "truth.tif", np.ones((1, *grid.shape), dtype=np.uint8), grid)
    assert label_kind(add_scene(tmp_path / "scenes", "hand", image, label=label, kind="hand")) == "hand"
    assert label_kind(add_scene(tmp_path / "scenes", "plain", image, label=label)) == UNSTATED
    assert label_kind(add_scene(tmp_path / "scenes", "bare", image)) == UNSTATED
    for name, said in (("loud", "HAND"), ("wide", " Hand\n")):
        scene = add_scene(tmp_path / "scenes", name, image, label=label, kind=said)
        assert label_kind(scene) == "hand"
        other = write_water(tmp_path / f"{name}.tif", np.ones(grid.shape), grid, **{LABEL_TAG: said})
        assert label_kind(Scene(name, image, other)) == "hand"  # as another program wrote it


@pytest.mark.parametrize("kind", ["", " ", "by hand", "hand\nhansen", "-hand", "hand_", "händ"])
def test_what_is_no_kind_of_label_is_one_line(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = write_tif(tmp_path / "mine.tif", np.ones((1, 4, 4), dtype=np.uint8), make_grid())
    words = ["scenes", "add", str(image), "--label", str(image), "--out", str(tmp_path / "scenes"), "--kind", kind]
    assert run(words) == 2
    said = capsys.readouterr().err
    assert f"{kind!r} is no kind of label: write letters" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "scenes").exists()


def test_sidecars_of_an_image_come_along(tmp_path: Path) -> None:
    grid = make_grid(20, 10)
    image = write_tif(tmp_path / "mine.tif", lake_image(np.zeros(grid.shape), 3), grid)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(image, "r+") as dataset:
        dataset.write_mask(np.zeros(grid.shape, dtype=bool))
    assert (tmp_path / "mine.tif.msk").exists()
    scene = add_scene(tmp_path / "scenes", "mine", image)
    with rasterio.open(scene.image) as dataset:
        assert not dataset.dataset_mask().any()


def test_hansen_codes(tmp_path: Path) -> None:
    grid = make_grid(3, 1)
    image = write_tif(tmp_path / "image.tif", lake_image(np.zeros(grid.shape), 3), grid)
    label = write_tif(tmp_path / "hansen.tif", np.array([[[0, 1, 2]]], dtype=np.uint8), grid, no_data=0)
    scene = add_scene(tmp_path / "scenes", "a", image, label=label, codes={0: 255, 1: 0, 2: 1})
    assert scene.label is not None
    with rasterio.open(scene.label) as dataset:
        assert dataset.read(1).tolist() == [[255, 0, 1]]


def test_a_scene_that_cannot_be_added_leaves_nothing(tmp_path: Path) -> None:
    grid = make_grid(20, 10)
    image = write_tif(tmp_path / "image.tif", lake_image(np.zeros(grid.shape), 3), grid)
    label = write_tif(tmp_path / "label.tif", np.full((1, *grid.shape), 4, np.uint8), grid)
    far = write_tif(tmp_path / "far.tif", np.zeros((1, 4, 4), np.uint8), make_grid(4, 4, left=0))
    scenes = tmp_path / "scenes"
    with pytest.raises(DataError) as error:
        add_scene(scenes, "a", image, label=label)
    assert "holds 4" in one_line(error)
    with pytest.raises(DataError) as error:
        add_scene(scenes, "a", image, label=label, codes={0: 0, 1: 1})
    assert "holds 4, which the code map does not name" in one_line(error)
    with pytest.raises(DataError) as error:
        add_scene(scenes, "a", image, label=far)
    assert str(image) in one_line(error)
    assert str(far) in str(error.value)
    with pytest.raises(DataError):
        add_scene(scenes, "a", tmp_path / "absent.tif")
    with pytest.raises(UsageError) as usage:
        add_scene(scenes, "a", image, label=label, codes={4: 3})
    assert "3 is not a code" in one_line(usage)
    for name in ("", "../a", ".a", "a/b"):
        with pytest.raises(UsageError):
            add_scene(scenes, name, image)
    assert not scenes.exists() or not list(scenes.iterdir())
    add_scene(scenes, "a", image)
    with pytest.raises(UsageError) as usage:
        add_scene(scenes, "a", image)
    assert "already there" in one_line(usage)


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real scenes are not here")
def test_a_scene_of_the_same_name_that_came_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = write_scene(tmp_path, "source", make_grid(32, 32)) / "image.tif"
    copy = shutil.copyfileobj

    def slowly(*files: Any) -> None:
        (tmp_path / "scenes" / "x").mkdir()
        copy(*files)

    monkeypatch.setattr(shutil, "copyfileobj", slowly)
    with pytest.raises(UsageError, match="already there"):
        add_scene(tmp_path / "scenes", "x", image)
    assert listing(tmp_path / "scenes") == ["x"]
    assert listing(tmp_path / "scenes" / "x") == []


def test_a_transform_off_by_float_digits_is_the_same_grid(tmp_path: Path) -> None:
    folder = REAL_DATA / "spain_flood"
    codes = {-1: 255, 0: 0, 1: 1}
    scene = add_scene(tmp_path, "spain", folder / "image.tif", label=folder / "label_hand.tif", codes=codes)
    with rasterio.open(scene.image) as image, rasterio.open(folder / "label_hand.tif") as label:
        grid = Grid(image.crs, image.transform, image.width, image.height)
        assert image.transform != label.transform
        raw = label.read(1)
    assert scene.label is not None
    with open_label(scene.label, grid) as opened:
        found = opened.read(Window(0, 0, grid.width, grid.height))
    np.testing.assert_array_equal(found, np.where(raw == -1, 255, raw))


def test_scenes_lie_in_buckets_too(bucket: Bucket, tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_scene(tmp_path / "scenes", name, make_grid(16, 16))
    (tmp_path / "scenes" / "b" / "label.tif").unlink()
    folder = location(bucket.put_folder(tmp_path / "scenes", "scenes"))
    scenes = find_scenes(folder)
    assert [scene.name for scene in scenes] == ["a", "b"]
    assert (scenes[0].label, scenes[1].label) == (folder / "a" / "label.tif", None)
    assert scene_digests(scenes[0]) == scene_digests(find_scenes(tmp_path / "scenes")[0])
    with pytest.raises(DataError, match="no such folder of scenes"):
        find_scenes(folder / "absent")
    with pytest.raises(DataError, match="is one scene"):
        find_scenes(folder / "a")


def test_a_web_server_lists_no_scenes(web: Web) -> None:
    with pytest.raises(UsageError, match="does not list"):
        find_scenes(location(f"{web.url}/scenes"))


def test_an_image_and_its_mask_are_brought_from_elsewhere(web: Web, tmp_path: Path) -> None:
    image = write_scene(web.folder, "lake", make_grid(32, 32)) / "image.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(image, "r+") as dataset:
        dataset.write_mask(np.eye(32, dtype=np.uint8) * 255)
    place = location(f"{web.url}/lake/image.tif")
    scene = add_scene(tmp_path / "scenes", "lake", place, label=place.parent / "label.tif")
    assert listing(scene.image.parent) == ["image.tif", "image.tif.msk", "label.tif"]
    assert scene.image.read_bytes() == image.read_bytes()
    with pytest.raises(UsageError, match="outputs go to local folders"):
        add_scene(location(web.url), "lake", image)
