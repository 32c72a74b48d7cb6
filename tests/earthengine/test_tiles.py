"""Pieces of a raster are put together whole, or not at all."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from tests.earthengine.asking import BESIDE
from tests.earthengine.exporting import last_line
from tests.earthengine.runs import Export, assert_scenes_are_right, scene_names
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World


def test_shards_that_do_not_cover_the_raster_are_no_scene(
    export: Export, server: LoopbackServer, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    server.shard_pixels = 8
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert export() == 0
    for path in (export.out / BESIDE).iterdir():
        path.unlink()
    (export.out / BESIDE).rmdir()
    del server.bucket[sorted(name for name in server.bucket if "image" in name)[1]]
    assert export() == 4
    assert "do not cover every pixel" in last_line(capsys)
    assert scene_names(export.out) == []


def test_shards_that_are_missing_are_exported_anew_by_the_next_run(
    export: Export, server: LoopbackServer, world: World
) -> None:
    server.shard_pixels = 8
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert export() == 0
    shutil.rmtree(export.out / BESIDE)
    del server.bucket[sorted(name for name in server.bucket if "image" in name)[1]]
    assert export() == 4
    assert export() == 0
    assert_scenes_are_right(world, export.out)
