"""Patches hold what scenes hold, and splits share no ground."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.patches.tiling import SMALL, files
from tests.support.rasters import make_grid, write_scene
from watermap.bands import Radiometry
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
