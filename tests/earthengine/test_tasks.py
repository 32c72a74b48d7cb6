"""Tasks of the batch routes: lost, failed, cancelled, adopted, and their files."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Sequence
from typing import Any

import pytest

from tests.earthengine.asking import BESIDE, CLEAR
from tests.earthengine.exporting import last_line
from tests.earthengine.runs import BUCKET, Export, assert_scenes_are_right, scene_names
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from watermap.cli.main import run
from watermap.earthengine.export import EXPORT_FOLDER


def test_an_answer_that_is_lost_starts_no_second_task(export: Export, server: LoopbackServer) -> None:
    server.fail("export", "reset-after", times=3)
    export = dataclasses.replace(export, to="gcs")
    assert export() == 0
    assert set(server.started.values()) == {1}
    assert len(server.started) == 8


def test_a_task_of_an_earlier_run_is_adopted_even_if_its_name_was_never_learned(
    export: Export, server: LoopbackServer
) -> None:
    export = dataclasses.replace(export, to="gcs")
    assert dataclasses.replace(export, patience_s=0)() == 0
    ledger = sorted((export.out / EXPORT_FOLDER).glob("*.gcs.json"))
    for path in ledger:  # as if the run had been killed between sending and hearing
        entry = json.loads(path.read_text())
        path.write_text(json.dumps({**entry, "state": "recorded", "operation": None}))
    for name in CLEAR:
        (export.out / name / "image.tif").unlink()
    started = dict(server.started)
    assert export() == 0
    assert server.started == started


@pytest.mark.parametrize(("code", "attempts"), [(8, 3), (13, 3), (7, 1)])
def test_a_task_that_fails_is_started_again_only_where_that_may_help(
    code: int, attempts: int, export: Export, server: LoopbackServer, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states = ["PENDING", "FAILED"]
    server.operation_error = {"code": code, "message": "User memory limit exceeded."}
    export = dataclasses.replace(export, to="gcs", area=world.small_box, label="none")
    assert export() == 4
    assert "User memory limit exceeded" in last_line(capsys)
    assert len(server.started) == attempts
    posted = [json.loads(record.content) for record in server.requests if record.phase == "export"]
    blocks = [each["fileExportOptions"]["geoTiffOptions"]["tileSize"]["value"] for each in posted]
    assert blocks == ([256, 128, 64] if code == 8 else [256] * attempts)
    server.states = ["SUCCEEDED"]
    assert export() == 0
    assert_scenes_are_right(world, export.out, label="none")


class FailingLabels(dict[str, Sequence[str]]):
    """States of tasks by description: those of labels fail."""

    def get(self, description: str, default: Any = None) -> Any:
        return ["PENDING", "FAILED"] if "_label_" in description else default


def test_where_one_raster_fails_the_task_of_the_other_is_cancelled(
    export: Export, server: LoopbackServer, world: World
) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    server.states = ["PENDING", "RUNNING"]
    server.states_of = FailingLabels()
    server.operation_error = {"code": 7, "message": "No."}
    assert export() == 4
    assert sorted(each.state for each in server.operations.values())[0] in ("CANCELLING", "CANCELLED")
    assert sorted(each.state for each in server.operations.values())[1] == "FAILED"
    server.states_of = {}
    server.states = ["SUCCEEDED"]
    assert export() == 0
    assert_scenes_are_right(world, export.out)


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


def test_a_pace_that_is_too_fast_is_no_matter_of_permission(export: Export, server: LoopbackServer) -> None:
    server.fail("pixels", 403, times=2, reason="rateLimitExceeded")
    assert export() == 0


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


def test_another_destination_is_another_task(export: Export, server: LoopbackServer, world: World) -> None:
    there = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert there() == 0
    to_drive = dataclasses.replace(there, to="drive", folder=export.folder / "drive")
    assert to_drive() == 0
    assert sorted(server.drive) == [f"watermap/{BESIDE}_image.tif", f"watermap/{BESIDE}_label.tif"]
    elsewhere = dataclasses.replace(there, folder=export.folder / "other", flags=("--folder", "elsewhere"))
    assert elsewhere() == 0
    assert len(server.started) == 6
    assert sum(name.startswith("elsewhere/") for name in server.bucket) == 2


def test_an_id_that_is_used_up_does_not_end_the_matter(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert dataclasses.replace(export, folder=export.folder / "first")() == 0
    server.operations.clear()  # the service has forgotten the tasks, but not their ids
    server.bucket.clear()
    assert export() == 0
    assert_scenes_are_right(world, export.out)
    assert sorted(name[-2:] for name in server.started) == ["-1", "-1", "-2", "-2"]


def test_what_may_pass_does_not_cancel_the_other_raster(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box, patience_s=0)
    server.fail("poll", 503, times=1)
    assert export() == 4
    assert server.count("cancel") == 0
    assert export() == 0
    assert set(server.started.values()) == {1}
    assert len(server.started) == 2


def test_a_cancel_that_fails_is_not_taken_for_one(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box, patience_s=0)
    server.states_of = FailingLabels()
    server.states = ["RUNNING"]
    server.operation_error = {"code": 7, "message": "No."}
    server.fail("cancel", 503, times=None)
    assert export() == 4
    server.heal()
    server.states_of = {}
    server.states = ["SUCCEEDED"]
    assert export() == 0
    assert sorted(name[-2:] for name in server.started) == ["-1", "-1", "-2"]  # only the label's task is anew


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
