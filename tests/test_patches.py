"""Cutting scenes into a patch store."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from tests.rasters import (
    REAL_DATA,
    UTM32,
    grid_around,
    lake_image,
    make_grid,
    shore_label,
    write_scene,
    write_tif,
)
from watermap import patch_writer
from watermap.config import TileConfig
from watermap.cuts import Cuts, passing, random_starts, regular_starts
from watermap.errors import DataError, UsageError, WatermapError
from watermap.ground import Box
from watermap.patch_store import PatchStore
from watermap.patches import TileSummary, tile
from watermap.raster import Radiometry, open_raster

SMALL = TileConfig(patch_size=32, block_patches=2, min_water=0.2, max_water=0.8)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Three places; the second at two dates."""
    folder = tmp_path / "scenes"
    write_scene(folder, "alpha", make_grid(200, 150), seed=1)
    write_scene(folder, "beta_1", make_grid(128, 128, left=600_000), seed=2)
    write_scene(folder, "beta_2", make_grid(128, 128, left=600_000), seed=3)
    write_scene(folder, "gamma", make_grid(128, 160, left=650_000), seed=4)
    return folder


def one_line(error: pytest.ExceptionInfo[WatermapError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert error.value.hint
    return text


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but the index, whose header holds the time of writing."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".gpkg"}


def assert_only(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


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


def test_any_order_of_indexes_is_read(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PatchStore.open(tile(scenes, tmp_path / "whole", SMALL).folder)
    monkeypatch.setattr(patch_writer, "_SHARD_BYTES", 5 * 32 * 32 * 3 * 2)
    store = PatchStore.open(tile(scenes, tmp_path / "shards", SMALL).folder)
    count = store.count("train")
    assert count > 10
    assert (tmp_path / "shards" / f"train-{(count - 1) // 5:03d}.image.npy").exists()
    assert {(record.shard, record.position) for record in store.records("train")} == {
        divmod(index, 5) for index in range(count)
    }
    order = np.random.default_rng(0).permutation(count)
    expected = vars(whole.read("train", order))
    for kind, values in vars(store.read("train", order)).items():
        np.testing.assert_array_equal(values, expected[kind])
    assert store.read("train", []).image.shape == (0, 32, 32, 3)
    for wrong in ([-1], [count]):
        with pytest.raises(IndexError):
            store.read("train", wrong)
    copy = pickle.loads(pickle.dumps(store))
    assert len(pickle.dumps(store)) < 2_000_000
    np.testing.assert_array_equal(copy.read("test", [0]).image, store.read("test", [0]).image)


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


def test_the_index_opens_as_a_map(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "patches", SMALL)
    path = summary.folder / "patches.gpkg"
    assert pyogrio.list_layers(path).tolist() == [["patches", "Polygon"]]
    meta, _, geometry, columns = pyogrio.raw.read(path)
    assert meta["crs"] == "EPSG:4326"
    fields = dict(zip(meta["fields"], columns, strict=True))
    assert set(fields) == {
        "id", "scene", "split", "block", "row", "col", "water_fraction", "valid_fraction", "shard", "position",
    }  # fmt: skip
    assert len(set(fields["id"])) == len(geometry) == sum(summary.counts.values())
    assert Counter(fields["split"]) == summary.counts
    places = zip(fields["scene"], fields["row"], fields["col"], shapely.from_wkb(geometry), strict=True)
    for scene, row, col, outline in places:
        with open_raster(scenes / scene / "image.tif") as raster:
            window = rasterio.windows.Window(col, row, 32, 32)
            expected = shapely.geometry.shape(raster.grid.footprint(rasterio.CRS.from_epsg(4326), window=window))
        assert outline.symmetric_difference(expected).area < 1e-9 * expected.area


def test_the_manifest_says_what_made_the_patches(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "patches", SMALL)
    manifest = json.loads((summary.folder / "patches.json").read_text())
    assert manifest["config_digest"] == SMALL.digest()
    assert list(manifest["scenes"]) == ["alpha", "beta_1", "beta_2", "gamma"]
    assert {len(digest) for digest in manifest["scenes"]["alpha"].values()} == {64}
    assert list(manifest["scenes"]["alpha"]) == ["image.tif", "label.tif"]
    for shard in manifest["shards"]:
        assert (summary.folder / f"{shard['name']}.image.npy").stat().st_size == shard["files"]["image"]["size"]


def test_a_store_is_read_in_a_fresh_process(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "patches", SMALL)
    program = (
        "import sys; from pathlib import Path; from watermap.patch_store import PatchStore\n"
        "store = PatchStore.open(Path(sys.argv[1]))\n"
        "print(store.digest, store.count('train'), int(store.read('train', [2, 0]).image.sum(dtype='int64')))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(summary.folder)], capture_output=True, text=True, check=True
    )
    total = PatchStore.open(summary.folder).read("train", [0, 2]).image.sum(dtype="int64")
    assert done.stdout.split() == [summary.digest, str(summary.counts["train"]), str(total)]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(scenes: Path, tmp_path: Path) -> None:
    one, two = tile(scenes, tmp_path / "one", SMALL), tile(scenes, tmp_path / "two", SMALL)
    assert files(one.folder) == files(two.folder)
    assert one.digest == two.digest
    other = tile(scenes, tmp_path / "other", SMALL.model_copy(update={"seed": 1}))
    assert files(other.folder)["train-000.image.npy"] != files(one.folder)["train-000.image.npy"]
    assert other.digest != one.digest


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


def test_patches_pass_by_valid_and_water_fraction() -> None:
    """Against a count of every patch, one by one."""
    rng = np.random.default_rng(0)
    label = rng.choice(np.array([0, 1, 255], dtype=np.uint8), (90, 70), p=[0.4, 0.4, 0.2])
    label[:30, :30] = 255
    label[60:, :] = 1
    box = Box(100, 200, 170, 290)
    config = TileConfig(patch_size=16, min_valid=0.7, min_water=0.45, max_water=0.55)
    starts = np.concatenate([regular_starts(box, 16), random_starts(box, 16, density=9, seed=1, name="a")])
    tally: Counter[str] = Counter()
    cuts = passing(starts, label, box, config, tally)
    expected = []
    for row, col in starts.tolist():
        patch = label[row - 200 : row - 184, col - 100 : col - 84]
        valid = patch[patch != 255]
        if valid.size / 256 >= 0.7 and 0.45 <= (valid == 1).mean() <= 0.55:
            expected.append((row, col, (valid == 1).mean(), valid.size / 256))
    found = [(*start, *rest) for start, *rest in zip(cuts.starts.tolist(), cuts.water, cuts.valid, strict=True)]
    assert found == expected
    assert 0 < len(cuts) < len(starts)
    assert tally["tried"] == len(starts)
    assert sum(tally.values()) == 2 * len(starts) - len(cuts)
    assert isinstance(cuts, Cuts)


def test_bounds_are_inclusive() -> None:
    label = np.zeros((10, 10), dtype=np.uint8)
    label[:3] = 1
    config = TileConfig(patch_size=16).model_copy(update={"patch_size": 10})
    box = Box(0, 0, 10, 10)
    assert len(passing(np.array([[0, 0]]), label, box, config, Counter())) == 1
    assert len(passing(np.array([[0, 0]]), 1 - label, box, config, Counter())) == 1


def test_random_corners() -> None:
    box = Box(10, 20, 210, 420)
    starts = random_starts(box, 32, density=1.5, seed=0, name="a/b")
    assert 0.8 * 1.5 * 200 * 400 / 32**2 <= len(starts) <= np.ceil(1.5 * 200 * 400 / 32**2)
    assert (starts >= (20, 10)).all()
    assert (starts + 32 <= (420, 210)).all()
    assert (starts + 32).max(axis=0).tolist() > [380, 170]
    np.testing.assert_array_equal(starts, random_starts(box, 32, density=1.5, seed=0, name="a/b"))
    assert starts.tolist() != random_starts(box, 32, density=1.5, seed=0, name="a/c").tolist()
    assert starts.tolist() != random_starts(box, 32, density=1.5, seed=1, name="a/b").tolist()
    assert random_starts(Box(0, 0, 32, 32), 32, density=20, seed=0, name="a").tolist() == [[0, 0]]
    assert random_starts(Box(0, 0, 31, 32), 32, density=20, seed=0, name="a").shape == (0, 2)


def test_an_unchanged_store_is_kept(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "patches"
    first = tile(scenes, out, SMALL)
    made = (out / "patches.json").stat()
    again = tile(scenes, out, SMALL)
    assert not first.unchanged
    assert again == TileSummary(**{**vars(first), "unchanged": True})
    assert (out / "patches.json").stat().st_ino == made.st_ino
    changed = tile(scenes, out, SMALL.model_copy(update={"max_water": 0.79}))
    assert not changed.unchanged
    before = (scenes / "alpha" / "label.tif").read_bytes()
    with rasterio.open(scenes / "alpha" / "label.tif", "r+") as dataset:
        dataset.write(1 - dataset.read())
    assert (scenes / "alpha" / "label.tif").read_bytes() != before
    assert not tile(scenes, out, SMALL).unchanged
    assert_only(tmp_path, "patches", "scenes")


@pytest.mark.parametrize("harm", ["short", "flipped", "absent", "index"])
def test_a_damaged_store_is_made_anew(scenes: Path, tmp_path: Path, harm: str) -> None:
    out = tmp_path / "patches"
    tile(scenes, out, SMALL)
    good = files(out)
    shard = out / "train-000.image.npy"
    damage = bytearray(good[shard.name])
    damage[-1] ^= 1
    if harm == "absent":
        shard.unlink()
    elif harm == "index":
        (out / "patches.gpkg").write_bytes(b"nothing")
    else:
        shard.write_bytes(bytes(damage) if harm == "flipped" else good[shard.name][:-7])
    if harm != "flipped":
        with pytest.raises(DataError) as error:
            PatchStore.open(out)
        assert "damaged" in one_line(error)
    assert not tile(scenes, out, SMALL).unchanged
    assert files(out) == good
    assert_only(tmp_path, "patches", "scenes")


def test_a_store_that_cannot_be_read_says_why(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        PatchStore.open(tmp_path)
    assert "not a patch store (no patches.json)" in one_line(error)
    out = tile(scenes, tmp_path / "patches", SMALL).folder
    manifest = json.loads((out / "patches.json").read_text())
    for text, message in (
        ("{", "damaged, it is not readable"),
        (json.dumps(manifest | {"format_version": 99}), "version 99, but watermap"),
        (json.dumps(manifest | {"bands": 3}), "damaged, bands"),
        (json.dumps(manifest | {"counts": manifest["counts"] | {"test": 1}}), "does not list the patches"),
    ):
        (out / "patches.json").write_text(text)
        with pytest.raises(DataError) as error:
            PatchStore.open(out)
        assert message in one_line(error)


@pytest.mark.parametrize("stage", ["checking scenes", "reading scenes", "reading labels", "cutting patches"])
@pytest.mark.parametrize("present", [False, True])
def test_an_interruption_leaves_everything_as_it_was(scenes: Path, tmp_path: Path, stage: str, present: bool) -> None:
    def interrupt(message: str, done: int, total: int) -> None:
        if (message, done) == (stage, 2):
            raise KeyboardInterrupt

    out = tmp_path / "patches"
    if present:
        tile(scenes, out, SMALL)
    before = files(out) if present else {}
    with pytest.raises(KeyboardInterrupt):
        tile(scenes, out, SMALL.model_copy(update={"seed": 5}), progress=interrupt)
    assert_only(tmp_path, "scenes", *(["patches"] if present else []))
    assert (files(out) if present else {}) == before


def test_what_a_killed_run_left_is_removed(scenes: Path, tmp_path: Path) -> None:
    dead = tmp_path / ".patches.4194305.part"
    dead.mkdir()
    (dead / "train-000.image.npy").write_bytes(b"x")
    tile(scenes, tmp_path / "patches", SMALL)
    assert_only(tmp_path, "patches", "scenes")


def test_a_folder_of_something_else_is_not_touched(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "precious"
    out.mkdir()
    (out / "thesis.txt").write_text("years")
    with pytest.raises(UsageError) as error:
        tile(scenes, out, SMALL)
    assert "holds thesis.txt" in one_line(error)
    assert_only(out, "thesis.txt")
    with pytest.raises(UsageError, match="is a file"):
        tile(scenes, out / "thesis.txt", SMALL)
    (out / "thesis.txt").unlink()
    tile(scenes, out, SMALL)  # an empty folder is taken
    (out / "my map.qgz").write_text("a project beside the index")
    with pytest.raises(UsageError, match=r"holds my map\.qgz"):
        tile(scenes, out, SMALL.model_copy(update={"seed": 3}))
    assert (out / "my map.qgz").exists()


def test_a_failed_scene_does_not_lose_the_others(scenes: Path, tmp_path: Path) -> None:
    (scenes / "alpha" / "label.tif").unlink()
    write_scene(scenes, "codes", make_grid(64, 64, left=300_000), label=np.full((64, 64), 7, np.uint8))
    write_scene(scenes, "few", make_grid(64, 64, left=350_000), bands=("B2", "B3"))
    elsewhere = make_grid(64, 64, left=0)
    write_scene(scenes, "misfit", make_grid(64, 64, left=400_000), label_grid=elsewhere, label=shore_label((64, 64)))
    summary = tile(scenes, tmp_path / "patches", SMALL)
    assert summary.scenes == ("beta_1", "beta_2", "gamma")
    reasons = dict(summary.failures)
    assert set(reasons) == {"alpha", "codes", "few", "misfit"}
    assert "no label.tif" in reasons["alpha"]
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
    assert_only(tmp_path, "scenes")


def test_nothing_passing_says_what_failed(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"min_water": 0.99, "max_water": 1.0}))
    text = one_line(error)
    assert text.startswith("none of ")
    assert "0 have too few valid pixels" in text
    assert text.endswith("0 have too much water: widen --min-water and --max-water, or --min-valid")
    with pytest.raises(DataError, match="no scene has room for a patch of 512 pixels"):
        tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"patch_size": 512}))
    with pytest.raises(DataError, match="separate pieces of ground"):
        tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"patch_size": 150}))
    assert_only(tmp_path, "scenes")


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
    stated = Radiometry(2e-4, 5.0)
    assert PatchStore.open(tile(folder, tmp_path / "mixed", SMALL, radiometry=stated).folder).radiometry == stated


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
    assert len(tile(only, tmp_path / "three", config, radiometry=Radiometry(1e-4, -1000)).notes) == 1


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
