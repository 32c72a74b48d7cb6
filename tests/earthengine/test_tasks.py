"""Tasks of the batch routes: lost, failed, cancelled, adopted, and their files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.earthengine.exporting import last_line
from tests.earthengine.runs import Export, assert_scenes_are_right
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World


def test_an_answer_that_is_lost_starts_no_second_task(export: Export, server: LoopbackServer) -> None:
    server.fail("export", "reset-after", times=3)
    export = dataclasses.replace(export, to="gcs")
    assert export() == 0
    assert set(server.started.values()) == {1}
    assert len(server.started) == 8


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
