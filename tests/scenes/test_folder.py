"""Folders of scenes, and labels on their image's grid."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform
from rasterio.windows import Window

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import LON_LAT, REAL_DATA, UTM32, grid_around, lake_image, make_grid, write_scene, write_tif
from tests.support.s3 import Bucket
from tests.support.waters import write_water
from tests.support.web import Web
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


TIE_PIXELS = 1e-6
"""A middle on the edge between two label pixels takes the next one."""


def looked_up(label: np.ndarray, own: Grid, grid: Grid) -> np.ndarray:
    """Brute force: for each pixel of a grid the label pixel that holds its middle."""
    result = np.full(grid.shape, 255, dtype=np.uint8)
    for row in range(grid.height):
        for col in range(grid.width):
            x, y = grid.transform @ (col + 0.5, row + 0.5)
            if grid.crs != own.crs:
                (x,), (y,) = transform(grid.crs, own.crs, [x], [y])
            own_col, own_row = (math.floor(position + TIE_PIXELS) for position in ~own.transform @ (x, y))
            if 0 <= own_col < own.width and 0 <= own_row < own.height:
                result[row, col] = label[own_row, own_col]
    return result


MILLIMETRES = st.integers(-150_000, 150_000).map(lambda count: count / 1000)
"""Shifts whose ties between two label pixels are ties exactly, or miss by far more than the tolerance."""


@settings(max_examples=25, deadline=None)
@example(pixel=7.0, shift=(0.0, 0.0), south_up=False, seed=0)
@given(
    pixel=st.sampled_from([7.0, 10.0, 30.0]),
    shift=st.tuples(MILLIMETRES, MILLIMETRES),
    south_up=st.booleans(),
    seed=st.integers(0, 10),
)
def test_a_label_on_another_grid_is_looked_up_by_pixel_middles(
    tmp_path_factory: pytest.TempPathFactory, pixel: float, shift: tuple[float, float], south_up: bool, seed: int
) -> None:
    grid = make_grid(30, 20)
    own = make_grid(25, 25, left=500_000 + shift[0], top=5_300_000 + shift[1], pixel=pixel)
    if south_up:
        flip = own.transform @ Affine(1, 0, 0, 0, -1, own.height)
        own = Grid(own.crs, flip, own.width, own.height)
    label = np.random.default_rng(seed).choice(np.array([0, 1, 255], dtype=np.uint8), own.shape)
    path = write_tif(tmp_path_factory.mktemp("label") / "label.tif", label[None], own)
    expected = looked_up(label, own, grid)
    with open_label(path, grid) as opened:
        whole = opened.read(Window(0, 0, 30, 20))
        pieces = [np.hstack([opened.read(Window(col, row, 10, 5)) for col in (0, 10, 20)]) for row in range(0, 20, 5)]
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(np.vstack(pieces), whole)


@pytest.mark.parametrize(("crs", "pixel"), [(UTM32, 20.0), (LON_LAT, 0.0002)])
def test_a_label_in_another_crs_is_aligned(tmp_path: Path, crs: CRS, pixel: float) -> None:
    grid = make_grid(40, 40)
    own = grid_around(grid, crs, pixel=pixel, size=24)
    label = np.random.default_rng(1).integers(0, 2, own.shape, dtype=np.uint8)
    path = write_tif(tmp_path / "label.tif", label[None], own)
    with open_label(path, grid) as opened:
        found = opened.read(Window(0, 0, 40, 40))
    np.testing.assert_array_equal(found, looked_up(label, own, grid))
    assert set(np.unique(found)) >= {0, 1}


def test_ties_between_label_pixels_do_not_depend_on_float_digits(tmp_path: Path) -> None:
    """Middles of 20 m pixels lie exactly on corners of 10 m pixels."""
    label = np.random.default_rng(2).integers(0, 2, (40, 40), dtype=np.uint8)
    path = write_tif(tmp_path / "label.tif", label[None], make_grid(40, 40))
    for jitter in (0.0, 1e-6, -1e-6):
        with open_label(path, make_grid(20, 20, pixel=20.0, left=500_000 + jitter)) as opened:
            np.testing.assert_array_equal(opened.read(Window(0, 0, 20, 20)), label[1::2, 1::2])


def test_no_data_becomes_unknown(tmp_path: Path) -> None:
    values = np.array([[-1, 0], [1, 1]], dtype=np.int16)
    grid = make_grid(2, 2)
    path = write_tif(tmp_path / "tagged.tif", values[None], grid, no_data=-1)
    with open_label(path, grid) as label:
        assert label.read(Window(0, 0, 2, 2)).tolist() == [[255, 0], [1, 1]]
    floats = np.array([[np.nan, 0], [1, 1]], dtype=np.float32)
    path = write_tif(tmp_path / "floats.tif", floats[None], grid)
    with open_label(path, grid) as label:
        assert label.read(Window(0, 0, 2, 2)).tolist() == [[255, 0], [1, 1]]
    path = write_tif(tmp_path / "zero.tif", np.array([[[0, 1]]], dtype=np.uint8), make_grid(2, 1), no_data=0)
    with open_label(path) as label:
        assert label.hides_land
        assert label.read(Window(0, 0, 2, 1)).tolist() == [[255, 1]]
    with open_label(path, codes={0: 0, 1: 1}) as label:  # the user knows better than the tag
        assert not label.hides_land
        assert label.read(Window(0, 0, 2, 1)).tolist() == [[0, 1]]


def test_labels_that_do_not_fit_name_the_files(tmp_path: Path) -> None:
    grid = make_grid(8, 8)
    codes = write_tif(tmp_path / "codes.tif", np.full((1, 8, 8), 7, np.uint8), grid)
    with pytest.raises(DataError) as error, open_label(codes, grid) as label:
        label.read(Window(0, 0, 8, 8))
    assert "codes.tif: holds 7, but a label is 0 land, 1 water, 255 unknown" in one_line(error)
    assert "watermap scenes add --codes" in str(error.value)
    several = write_tif(tmp_path / "several.tif", np.zeros((2, 8, 8), np.uint8), grid)
    with pytest.raises(DataError) as error, open_label(several, grid):
        pass
    assert "has 2 bands" in one_line(error)
    for crs in (grid.crs, UTM32):
        far = write_tif(tmp_path / "far.tif", np.zeros((1, 8, 8), np.uint8), make_grid(8, 8, left=700_000, crs=crs))
        with pytest.raises(DataError) as error, open_label(far, grid, image_path=Path("image.tif")):
            pass
        assert "far.tif: does not fit image.tif" in one_line(error)


def test_a_damaged_label_is_one_line(tmp_path: Path) -> None:
    grid = make_grid(512, 512)
    noise = np.random.default_rng(0).integers(0, 2, (1, 512, 512), dtype=np.uint8)
    path = write_tif(tmp_path / "label.tif", noise, grid, tiled=True, compress="deflate")
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DataError) as error, open_label(path, grid) as label:
        label.read(Window(0, 0, 512, 512))
    assert "truncated or damaged" in one_line(error)


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
