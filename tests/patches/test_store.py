"""A patch store on disk: read back, kept, damaged, interrupted."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.warp import transform_geom

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import write_places
from tests.support.temporary import named, of_a_live_process
from tests.support.web import Web
from watermap.config import TileConfig
from watermap.errors import DataError, StorageError, UsageError
from watermap.io.paths import location
from watermap.io.raster import open_raster
from watermap.patches import writer as patch_writer
from watermap.patches.store import PatchStore
from watermap.patches.tile import TileSummary, tile
from watermap.patches.writer import StoreWriter

SMALL = TileConfig(patch_size=32, block_patches=2, min_water=0.2, max_water=0.8)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return write_places(tmp_path / "scenes")


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but the index, whose header holds the time of writing."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".gpkg"}


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
            moved = transform_geom(raster.grid.crs, "EPSG:4326", raster.grid.footprint(window))
            expected = shapely.geometry.shape(moved)
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
        "import sys; from pathlib import Path; from watermap.patches.store import PatchStore\n"
        "store = PatchStore.open(Path(sys.argv[1]))\n"
        "print(store.digest, store.count('train'), int(store.read('train', [2, 0]).image.sum(dtype='int64')))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(summary.folder)], capture_output=True, text=True, check=True
    )
    total = PatchStore.open(summary.folder).read("train", [0, 2]).image.sum(dtype="int64")
    assert done.stdout.split() == [summary.digest, str(summary.counts["train"]), str(total)]


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
    assert listing(tmp_path) == ["patches", "scenes"]


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
    assert listing(tmp_path) == ["patches", "scenes"]


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
    assert listing(tmp_path) == (["patches", "scenes"] if present else ["scenes"])
    assert (files(out) if present else {}) == before


def test_what_a_killed_run_left_is_removed(scenes: Path, tmp_path: Path) -> None:
    dead = named(tmp_path / "patches")
    dead.mkdir()
    (dead / "train-000.image.npy").write_bytes(b"x")
    tile(scenes, tmp_path / "patches", SMALL)
    assert listing(tmp_path) == ["patches", "scenes"]


def test_a_folder_of_something_else_is_not_touched(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "precious"
    out.mkdir()
    (out / "thesis.txt").write_text("years")
    with pytest.raises(UsageError) as error:
        tile(scenes, out, SMALL)
    assert "holds thesis.txt" in one_line(error)
    assert listing(out) == ["thesis.txt"]
    with pytest.raises(UsageError, match="is a file"):
        tile(scenes, out / "thesis.txt", SMALL)
    (out / "thesis.txt").unlink()
    tile(scenes, out, SMALL)  # an empty folder is taken
    (out / "my map.qgz").write_text("a project beside the index")
    with pytest.raises(UsageError, match=r"holds my map\.qgz"):
        tile(scenes, out, SMALL.model_copy(update={"seed": 3}))
    assert (out / "my map.qgz").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("append", "finish"):
        with monkeypatch.context() as patched:
            patched.setattr(f"watermap.patches.writer._ArrayFile.{name}", full)
            with pytest.raises(DataError) as error:
                tile(scenes, tmp_path / "patches", SMALL)
            assert "patches: cannot be written (No space left on device)" in one_line(error)
        assert listing(tmp_path) == ["scenes"]
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        tile(scenes, tmp_path / "file" / "patches", SMALL)


def test_the_old_store_comes_back_if_the_new_one_cannot_take_its_place(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tile(scenes, tmp_path / "patches", SMALL).folder
    before = files(out)
    rename = Path.rename

    def refuse_new(self: Path, target: Path) -> Path:
        if self.name.endswith(".part") and "old" not in self.name:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(DataError, match="Input/output error"):
        tile(scenes, out, SMALL.model_copy(update={"seed": 5}))
    assert files(out) == before
    assert listing(tmp_path) == ["patches", "scenes"]


def test_a_run_that_is_still_alive_keeps_its_files(scenes: Path, tmp_path: Path) -> None:
    alive = of_a_live_process(tmp_path / "patches")
    alive.mkdir()
    tile(scenes, tmp_path / "patches", SMALL)
    assert alive.is_dir()


def test_a_store_put_aside_by_a_killed_process_comes_back(small_patches: Path, tmp_path: Path) -> None:
    aside = named(tmp_path / "p", aside=True)
    shutil.copytree(small_patches, aside)
    with (
        pytest.raises(RuntimeError),
        StoreWriter(
            tmp_path / "p", {"train": 1, "validation": 0, "test": 0}, patch_size=4, bands=1, dtype=np.dtype(np.uint16)
        ),
    ):
        raise RuntimeError
    assert PatchStore.open(tmp_path / "p").digest == PatchStore.open(small_patches).digest


def test_an_open_store_stays_itself_when_another_takes_its_place(small_patches: Path, tmp_path: Path) -> None:
    shutil.copytree(small_patches, tmp_path / "p")
    store = PatchStore.open(tmp_path / "p")
    shutil.rmtree(tmp_path / "p")
    other = PatchStore.open(small_patches)
    np.testing.assert_array_equal(store.read("train", [0]).image, other.read("train", [0]).image)


def test_a_store_elsewhere_is_copied_once(small_patches: Path, web: Web, tmp_path: Path) -> None:
    shutil.copytree(small_patches, web.folder / "p")
    place, here = location(f"{web.url}/p"), PatchStore.open(small_patches)
    store = PatchStore.open(place)
    assert (store.digest, store.counts, str(store.folder)) == (here.digest, here.counts, f"{web.url}/p")
    for kind, values in vars(store.read("train", [2, 0])).items():
        np.testing.assert_array_equal(values, vars(here.read("train", [2, 0]))[kind])
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(store)).read("test", [0]).image, here.read("test", [0]).image
    )
    web.asked()
    PatchStore.open(place).verify()
    assert not any(path.endswith(".npy") for _, path in web.asked())
    (copy,) = (tmp_path / "cache" / "watermap").iterdir()
    assert listing(copy) == listing(small_patches)
    (copy / "train-000.image.npy").write_bytes(b"short")
    PatchStore.open(place).verify()
    assert listing(copy.parent) == [copy.name]


def test_a_damaged_store_elsewhere_leaves_no_copy(small_patches: Path, web: Web, tmp_path: Path) -> None:
    folder = web.folder / "p"
    shutil.copytree(small_patches, folder)
    place = location(f"{web.url}/p")
    shard = folder / "validation-000.label.npy"
    good = shard.read_bytes()
    shard.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(DataError, match="damaged, it is not the file") as error:
        PatchStore.open(place)
    assert one_line(error).startswith(f"{web.url}/p/validation-000.label.npy")
    shard.unlink()
    with pytest.raises(DataError, match="damaged, it is missing"):
        PatchStore.open(place)
    shard.write_bytes(good)
    web.fail(shard.name, status=503)
    with pytest.raises(StorageError, match="503"):
        PatchStore.open(place)
    assert listing(tmp_path / "cache" / "watermap") == []
    web.mend()
    manifest = folder / "patches.json"
    manifest.write_text(manifest.read_text().replace('"train-000"', '"../train-000"'))
    with pytest.raises(DataError, match=r"it names \.\./train-000"):
        PatchStore.open(place)
    with pytest.raises(DataError, match="not a patch store"):
        PatchStore.open(location(f"{web.url}/q"))
