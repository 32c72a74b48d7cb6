"""Patches by a flow: made once, shown on the page, and a share of scenes may fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.runners import RunnerConfig
from flows.tile import tile_flow
from tests.flows.artifacts import newest, newest_table
from watermap.bands import STANDARD_BANDS
from watermap.config import TileConfig
from watermap.errors import PartialFailureError
from watermap.patches.store import PatchStore

TILE = TileConfig(patch_size=32, bands=STANDARD_BANDS, density=0.5)
HERE = RunnerConfig(workers=1)


def test_patches_are_made_once_and_counted_on_the_page(small_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "patches"
    assert tile_flow(str(small_scenes), out, TILE, HERE)
    shown = {row["split"]: int(row["patches"]) for row in newest_table("patches")}
    assert shown == PatchStore.open(out).counts
    assert {row["state"] for row in newest_table("tiled-scenes")} == {"made"}
    assert (out / "patches.gpkg").as_uri() in newest("patches-files")["data"]
    assert not tile_flow(str(small_scenes), out, TILE, HERE)
    assert {row["state"] for row in newest_table("tiled-scenes")} == {"kept"}


def test_more_failures_than_allowed_fail_the_run_and_keep_the_patches(small_scenes: Path, tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    shutil.copytree(small_scenes, scenes)
    (scenes / "place_3" / "image.tif").write_text("no raster", encoding="utf-8")
    assert tile_flow(str(scenes), tmp_path / "patches", TILE, HERE, allowed_failures=0.2)
    assert [row["scene"] for row in newest_table("tiled-scenes") if row["state"] == "failed"] == ["place_3"]
    with pytest.raises(PartialFailureError, match="1 of 6 scenes failed, place_3: "):
        tile_flow(str(scenes), tmp_path / "patches", TILE, HERE, allowed_failures=0.1)
    assert PatchStore.open(tmp_path / "patches").counts["train"] > 0
