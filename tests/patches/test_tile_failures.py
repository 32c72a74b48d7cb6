"""Scenes that fail while patches are cut, and scenes that lie elsewhere."""

from __future__ import annotations

import pickle
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.patches.tiling import SMALL, files
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import lake_image, make_grid, shore_label, write_scene, write_tif
from tests.support.s3 import Bucket
from watermap.errors import DataError, StorageError
from watermap.io.paths import location
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.scenes.folder import Scene, scene_digests


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


class Elsewhere(ThreadPoolExecutor):
    """Hands work and results over as to another process."""

    def submit(self, action: Any, /, *inputs: Any, **_: Any) -> Future[Any]:
        return super().submit(_work, pickle.dumps((action, inputs)))


def _work(packed: bytes) -> Any:
    action, inputs = pickle.loads(packed)
    return pickle.loads(pickle.dumps(action(*inputs)))


@pytest.mark.extended
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
