"""Cutting scenes into a patch store."""

from __future__ import annotations

import multiprocessing
import pickle
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import (
    REAL_DATA,
    UTM32,
    grid_around,
    lake_image,
    make_grid,
    shore_label,
    write_places,
    write_scene,
    write_tif,
)
from tests.support.s3 import Bucket
from watermap.bands import Radiometry
from watermap.config import TileConfig
from watermap.errors import DataError, StorageError
from watermap.io.paths import location
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.scenes.folder import Scene, scene_digests

SMALL = TileConfig(patch_size=32, block_patches=2, min_water=0.2, max_water=0.8)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return write_places(tmp_path / "scenes")


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but the index, whose header holds the time of writing."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".gpkg"}


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


def test_a_failed_scene_does_not_lose_the_others(scenes: Path, tmp_path: Path) -> None:
    (scenes / "alpha" / "label.tif").unlink()
    write_scene(scenes, "codes", make_grid(64, 64, left=300_000), label=np.full((64, 64), 7, np.uint8))
    write_scene(scenes, "few", make_grid(64, 64, left=350_000), bands=("B2", "B3"))
    elsewhere = make_grid(64, 64, left=0)
    write_scene(scenes, "misfit", make_grid(64, 64, left=400_000), label_grid=elsewhere, label=shore_label((64, 64)))
    summary = tile(scenes, tmp_path / "patches", SMALL)
    assert summary.scenes == ("beta_1", "beta_2", "gamma")
    reasons = dict(summary.failures)
    assert set(reasons) == {"codes", "few", "misfit"}
    assert "scenes without a label were left out: alpha" in summary.notes
    assert "holds 7" in reasons["codes"]
    assert "band B4 is missing" in reasons["few"]
    assert all(str(scenes / "misfit" / name) in reasons["misfit"] for name in ("image.tif", "label.tif"))
    again = tile(scenes, tmp_path / "patches", SMALL)  # failed scenes are tried again
    assert not again.unchanged
    assert again.digest == summary.digest


def test_a_damaged_image_is_a_failed_scene(scenes: Path, tmp_path: Path) -> None:
    path = scenes / "alpha" / "image.tif"
    label = shore_label((150, 200))
    write_tif(path, lake_image(label, 6), make_grid(200, 150), names=("B2", "B3", "B4", "B8", "B11", "B12"))
    path.write_bytes(path.read_bytes()[:200_000])
    summary = tile(scenes, tmp_path / "patches", SMALL)
    assert [name for name, _ in summary.failures] == ["alpha"]


def test_one_bad_scene_alone_is_its_error(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    write_scene(folder, "codes", make_grid(64, 64), label=np.full((64, 64), 7, np.uint8))
    with pytest.raises(DataError) as error:
        tile(folder, tmp_path / "patches", SMALL)
    assert "holds 7" in one_line(error)
    (folder / "codes" / "label.tif").unlink()
    with pytest.raises(DataError, match=r"codes: has no label\.tif"):
        tile(folder, tmp_path / "patches", SMALL)
    assert listing(tmp_path) == ["scenes"]


def test_nothing_passing_says_what_failed(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"min_water": 0.99, "max_water": 1.0}))
    text = one_line(error)
    assert text.startswith("none of ")
    assert "0 have too few valid pixels" in text
    assert text.endswith("0 have too much water: widen --min-water and --max-water, or --min-valid")
    with pytest.raises(DataError, match="no scene has room for a patch of 512 pixels"):
        tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"patch_size": 512}))
    with pytest.raises(DataError, match="need 3 blocks of ground"):
        tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"patch_size": 150}))
    assert listing(tmp_path) == ["scenes"]


def scaled(folder: Path, name: str, scale: float, offset: float, **kwargs: Any) -> None:
    with rasterio.open(write_scene(folder, name, **kwargs) / "image.tif", "r+") as dataset:
        dataset.scales, dataset.offsets = [scale] * dataset.count, [offset] * dataset.count


def test_the_files_say_what_their_numbers_mean(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    scaled(folder, "a", 1e-4, -0.1, grid=make_grid(160, 160))
    scaled(folder, "b", 1e-4, -0.1, grid=make_grid(160, 160, left=600_000))
    found = PatchStore.open(tile(folder, tmp_path / "tagged", SMALL).folder).radiometry
    assert found.scale == 1e-4
    assert found.offset == pytest.approx(-1000)
    write_scene(folder, "c", make_grid(160, 160, left=700_000))
    with pytest.raises(DataError) as error:
        tile(folder, tmp_path / "mixed", SMALL)
    assert all(str(folder / name / "image.tif") in one_line(error) for name in ("a", "c"))
    stated = SMALL.model_copy(update={"scale": 2e-4, "offset": -5.0})
    assert PatchStore.open(tile(folder, tmp_path / "mixed", stated).folder).radiometry == Radiometry(2e-4, -5)
    (folder / "c" / "image.tif").unlink()
    half = SMALL.model_copy(update={"scale": 2e-4})
    assert PatchStore.open(tile(folder, tmp_path / "half", half).folder).radiometry == Radiometry(2e-4, -1000)


def test_undescribed_bands_are_named_by_the_user(scenes: Path, tmp_path: Path) -> None:
    names = ("B2", "B3", "B4", "B8", "B11", "B12")
    for path in scenes.glob("*/image.tif"):
        with rasterio.open(path, "r+") as dataset:
            dataset.descriptions = (None,) * 6
    with pytest.raises(DataError, match="have no names"):
        tile(scenes, tmp_path / "patches", SMALL)
    summary = tile(scenes, tmp_path / "patches", SMALL, names=names)
    assert PatchStore.open(summary.folder).bands == ("B4", "B3", "B2")
    with pytest.raises(DataError, match="has 6 bands, but 2 were named"):
        tile(scenes, tmp_path / "patches", SMALL, names=("B2", "B3"))


def test_types_are_widened_to_hold_every_scene(tmp_path: Path) -> None:
    write_scene(tmp_path / "scenes", "a", make_grid(160, 160), dtype="uint16")
    write_scene(tmp_path / "scenes", "b", make_grid(160, 160, left=600_000), dtype="int16")
    assert PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", SMALL).folder).dtype == np.int32


def test_notes_tell_of_more_bands_and_of_an_offset_left_in(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "one", SMALL)
    assert len(summary.notes) == 1
    assert "--bands B4,B3,B2,B8,B11,B12 would use them" in summary.notes[0]
    with rasterio.open(scenes / "gamma" / "image.tif", "r+") as dataset:
        dataset.write(dataset.read() + 1000)
    notes = tile(scenes, tmp_path / "two", SMALL).notes
    assert len(notes) == 2
    assert notes[1].startswith("water in gamma is about 1000 DN brighter than in the other scenes")
    only = tmp_path / "only"
    only.mkdir()
    (scenes / "gamma").rename(only / "gamma")
    config = SMALL.model_copy(update={"block_patches": 1})
    assert "tile with --offset -1000" in tile(only, tmp_path / "three", config).notes[1]
    stated = config.model_copy(update={"offset": -1000.0})
    assert len(tile(only, tmp_path / "four", stated).notes) == 1


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


class Elsewhere(ThreadPoolExecutor):
    """Hands work and results over as to another process."""

    def submit(self, action: Any, /, *inputs: Any, **_: Any) -> Future[Any]:
        return super().submit(_work, pickle.dumps((action, inputs)))


def _work(packed: bytes) -> Any:
    action, inputs = pickle.loads(packed)
    return pickle.loads(pickle.dumps(action(*inputs)))


def test_scenes_of_a_bucket_give_the_same_patches(scenes: Path, bucket: Bucket, tmp_path: Path) -> None:
    here = tile(scenes, tmp_path / "here", SMALL)
    folder = location(bucket.put_folder(scenes, "scenes"))
    with Elsewhere(2) as workers:
        there = tile(folder, tmp_path / "there", SMALL, workers=workers)
    assert there.digest == here.digest
    assert files(there.folder) == files(here.folder)
    assert tile(folder, tmp_path / "there", SMALL).unchanged
    bucket.put("scenes/alpha/label.tif", (scenes / "gamma" / "label.tif").read_bytes())
    assert not tile(folder, tmp_path / "there", SMALL).unchanged


@pytest.mark.parametrize("transient", [True, False])
def test_an_outage_does_not_cost_scenes(
    transient: bool, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(scene: Scene) -> dict[str, str]:
        if scene.name == "gamma":
            raise StorageError("no answer", hint="wait", transient=transient)
        return scene_digests(scene)

    before = tile(scenes, tmp_path / "patches", SMALL)
    monkeypatch.setattr("watermap.patches.tile.scene_digests", ask)
    other = SMALL.model_copy(update={"seed": 2})
    if transient:
        with pytest.raises(StorageError, match="no answer"):
            tile(scenes, tmp_path / "patches", other)
        assert PatchStore.open(tmp_path / "patches").digest == before.digest
    else:
        assert tile(scenes, tmp_path / "patches", other).failures == (("gamma", "no answer: wait"),)
