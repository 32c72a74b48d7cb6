"""Patches hold what scenes hold, and splits share no ground."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from tests.patches.tiling import SMALL, files
from tests.support.failures import one_line
from tests.support.rasters import (
    REAL_DATA,
    UTM32,
    grid_around,
    lake_image,
    make_grid,
    shore_label,
    write_scene,
)
from watermap.bands import Radiometry
from watermap.config import TileConfig
from watermap.errors import DataError
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


def test_patches_hold_what_the_scenes_hold(scenes: Path, tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"bands": ("B8", "B2")})
    summary = tile(scenes, tmp_path / "patches", config)
    store = PatchStore.open(summary.folder)
    assert (store.bands, store.patch_size, store.dtype) == (("B8", "B2"), 32, np.dtype("uint16"))
    assert store.radiometry == Radiometry(1e-4, 0.0)
    assert store.counts == summary.counts
    assert min(store.counts.values()) > 0
    for split, count in store.counts.items():
        records = store.records(split)
        batch = store.read(split, range(count))
        assert batch.image.shape == (count, 32, 32, 2)
        assert batch.label.shape == batch.valid.shape == (count, 32, 32)
        for index, record in enumerate(records):
            with (
                rasterio.open(scenes / record.scene / "image.tif") as image,
                rasterio.open(scenes / record.scene / "label.tif") as label,
            ):
                rows, cols = slice(record.row, record.row + 32), slice(record.col, record.col + 32)
                np.testing.assert_array_equal(batch.image[index], np.moveaxis(image.read([4, 1]), 0, -1)[rows, cols])
                np.testing.assert_array_equal(batch.label[index], label.read(1)[rows, cols])
            assert batch.valid[index].all()
            assert record.water_fraction == pytest.approx((batch.label[index] == 1).mean())
            assert 0.2 <= record.water_fraction <= 0.8
            assert (record.shard, record.position) == (0, index)
        assert summary.water[split] == pytest.approx(np.mean([record.water_fraction for record in records]))


def test_pixels_without_image_are_unknown(tmp_path: Path) -> None:
    label = shore_label((128, 128))
    image = lake_image(label, 6)
    image[:, :20] = 0
    image[0, 40, 40] = 0  # one dark band is a lake, not a gap
    write_scene(tmp_path / "scenes", "a", make_grid(128, 128), label=label, image=image)
    config = TileConfig(patch_size=32, block_patches=1, min_valid=0.3, sampling="grid", min_water=0, max_water=1)
    store = PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", config).folder)
    seen = np.full(label.shape, 9)
    for split in store.counts:
        for index, record in enumerate(store.records(split)):
            batch = store.read(split, [index])
            np.testing.assert_array_equal(batch.label[0] == 255, ~batch.valid[0])
            assert record.valid_fraction == pytest.approx(batch.valid[0].mean())
            seen[record.row : record.row + 32, record.col : record.col + 32] = batch.label[0]
    np.testing.assert_array_equal(seen, np.where(np.arange(128)[:, None] < 20, 255, label))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(scenes: Path, tmp_path: Path) -> None:
    one, two = tile(scenes, tmp_path / "one", SMALL), tile(scenes, tmp_path / "two", SMALL)
    assert files(one.folder) == files(two.folder)
    assert one.digest == two.digest
    other = tile(scenes, tmp_path / "other", SMALL.model_copy(update={"seed": 1}))
    assert files(other.folder)["train-000.image.npy"] != files(one.folder)["train-000.image.npy"]
    assert other.digest != one.digest


@pytest.mark.parametrize(
    "make", [lambda: ThreadPoolExecutor(3), lambda: ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))]
)
def test_several_scenes_at_once_give_the_same_bytes(make: Callable[[], Executor], scenes: Path, tmp_path: Path) -> None:
    (scenes / "alpha" / "label.tif").write_text("damaged")
    one = tile(scenes, tmp_path / "one", SMALL)
    with make() as workers:
        other = tile(scenes, tmp_path / "other", SMALL, workers=workers)
    assert other.digest == one.digest
    assert other.failures == one.failures
    assert len(one.failures) == 1


def test_corners_of_a_scene_do_not_depend_on_other_scenes(scenes: Path, tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"validation": 0.0, "test": 0.0})
    before = PatchStore.open(tile(scenes, tmp_path / "before", config).folder).records("train")
    write_scene(scenes, "aaa_first", make_grid(128, 128, left=300_000), seed=9)
    after = PatchStore.open(tile(scenes, tmp_path / "after", config).folder).records("train")
    assert {record.id for record in before} == {record.id for record in after if record.scene != "aaa_first"}
    assert len(after) > len(before)


@pytest.mark.parametrize("seed", range(2))
def test_two_dates_of_one_place_share_their_splits_ground(scenes: Path, tmp_path: Path, seed: int) -> None:
    summary = tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"seed": seed}))
    store = PatchStore.open(summary.folder)
    split_of: dict[str, set[str]] = {}
    for split in store.counts:
        for record in store.records(split):
            split_of.setdefault(record.block, set()).add(split)
    assert all(len(splits) == 1 for splits in split_of.values())
    assert len(split_of) > 10
    both = {record.block for record in store.records("train") if record.scene == "beta_1"}
    assert both & {record.block for record in store.records("train") if record.scene == "beta_2"}


@pytest.mark.parametrize("seed", range(2))
def test_a_scene_in_another_zone_follows_the_ground(tmp_path: Path, seed: int) -> None:
    grid = make_grid(256, 256)
    write_scene(tmp_path / "scenes", "a", grid, seed=1)
    write_scene(tmp_path / "scenes", "b", grid_around(grid, UTM32), seed=2)
    config = TileConfig(patch_size=16, block_patches=4, min_water=0, max_water=1, seed=seed)
    store = PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", config).folder)
    outlines = {split: shapely.union_all([r.footprint for r in store.records(split)]) for split in store.counts}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert outlines[one].intersection(outlines[other]).area < 1e-3 * outlines[other].area
    scenes_of = [{record.scene for record in store.records(split)} for split in store.counts]
    assert scenes_of == [{"a", "b"}] * 3


def test_a_split_by_scene_is_refused_where_scenes_share_ground(scenes: Path, tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"split_by": "scene"})
    with pytest.raises(DataError) as error:
        for seed in range(9):  # one of these puts the dates of beta into two splits
            tile(scenes, tmp_path / "patches", config.model_copy(update={"seed": seed}))
    assert "beta_1" in one_line(error)
    assert "beta_2" in str(error.value)
    assert "--split-by ground" in str(error.value)
    (scenes / "beta_2" / "image.tif").unlink()
    store = PatchStore.open(tile(scenes, tmp_path / "patches", config).folder)
    assert sorted(len({r.scene for r in store.records(split)}) for split in store.counts) == [1, 1, 1]


def test_no_pixel_is_scored_twice(scenes: Path, tmp_path: Path) -> None:
    store = PatchStore.open(tile(scenes, tmp_path / "patches", SMALL).folder)
    for split in ("validation", "test"):
        for scene in ("alpha", "beta_1", "beta_2", "gamma"):
            seen = np.zeros((160, 200), dtype=int)
            for record in store.records(split):
                if record.scene == scene:
                    seen[record.row : record.row + 32, record.col : record.col + 32] += 1
            assert seen.max() <= 1
    assert any(record.row % 32 for record in store.records("train"))


def test_a_split_that_is_not_asked_for_is_empty(scenes: Path, tmp_path: Path) -> None:
    store = PatchStore.open(tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"test": 0.0})).folder)
    assert store.counts["test"] == 0
    assert store.records("test") == []
    assert not list(store.folder.glob("test-*"))


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real scenes are not here")
def test_the_real_chips_are_all_used_and_split_by_ground(tmp_path: Path) -> None:
    config = TileConfig(bands=("B2", "B3", "B4", "B8", "B11", "B12"), min_water=0, max_water=1)
    summary = tile(REAL_DATA / "chips", tmp_path / "patches", config)
    store = PatchStore.open(summary.folder)
    assert sum(summary.counts.values()) == 266
    assert summary.counts["train"] / 266 == pytest.approx(0.7, abs=0.03)
    assert summary.counts["validation"] / 266 == pytest.approx(0.15, abs=0.03)
    assert not summary.failures
    assert not summary.notes
    sizes = Counter(record.block for split in store.counts for record in store.records(split))
    assert len(sizes) == 151
    assert max(sizes.values()) == 9
