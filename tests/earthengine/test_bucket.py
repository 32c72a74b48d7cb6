"""What an export left in Cloud Storage: all of it, or a line."""

from __future__ import annotations

import dataclasses

import pytest

from tests.earthengine.asking import BESIDE
from tests.earthengine.exporting import last_line
from tests.earthengine.runs import BUCKET, Export, assert_scenes_are_right
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from watermap.cli.main import run


def test_files_gone_from_the_bucket_are_exported_again(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert export() == 0
    (export.out / BESIDE / "image.tif").unlink()
    server.bucket.clear()
    assert export() == 0
    assert_scenes_are_right(world, export.out)
    assert len(server.started) == 4


def test_a_bucket_that_is_not_there(export: Export, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    words = dataclasses.replace(export, to="gcs", area=world.small_box).words()
    words[words.index(BUCKET)] = "another-bucket"
    assert run(words) == 4
    assert "another-bucket" in last_line(capsys)


def test_a_bucket_that_cannot_be_listed_is_not_an_empty_one(
    export: Export, server: LoopbackServer, world: World
) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box, patience_s=0)
    server.fail("download", 503, times=None)
    assert export() == 4
    server.heal()
    server.fail("download:list", 404, times=2)
    assert export() == 4
    assert export() == 0
    assert len(server.started) == 2
