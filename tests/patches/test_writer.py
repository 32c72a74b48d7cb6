"""A patch store appears complete or not at all, and replaces nothing but a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.patches.tiling import SMALL, files
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.temporary import named, of_a_live_process
from watermap.errors import DataError, UsageError
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.patches.writer import StoreWriter, patches_a_shard


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


def test_a_shard_holds_what_half_a_gibibyte_of_images_does() -> None:
    assert patches_a_shard(128, 6, np.dtype(np.uint16)) == 512 * 2**20 // (128 * 128 * 6 * 2)
    assert patches_a_shard(20_000, 13, np.dtype(np.float32)) == 1
