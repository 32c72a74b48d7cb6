"""Exports that are run again, side by side, or in part."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
import time

import pytest

from tests.earthengine.asking import BESIDE, CLEAR, CLOUDY, FIRST
from tests.earthengine.exporting import last_line, phases
from tests.earthengine.runs import Export, assert_scenes_are_right, contents, scene_names
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from tests.support.temporary import named
from watermap.earthengine.export import EXPORT_FOLDER


def test_a_scene_that_fails_does_not_lose_the_others(
    export: Export, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    export = dataclasses.replace(export, label="dynamic-world", flags=("--max-cloud", "50"))
    assert export() == 6  # Dynamic World has no image of the cloudy scene
    shown = capsys.readouterr().err
    assert f"scene {CLOUDY} failed" in shown
    assert "1 of 5 scenes failed" in shown
    assert scene_names(export.out) == sorted(CLEAR)
    assert_scenes_are_right(world, export.out, label="dynamic-world")


def test_a_dry_run_touches_nothing(export: Export, server: LoopbackServer, capsys: pytest.CaptureFixture[str]) -> None:
    export = dataclasses.replace(export, flags=("--dry-run",))
    assert export() == 0
    shown = capsys.readouterr().out
    assert "4 scenes" in shown
    assert "8 pixel requests" in shown
    assert not export.out.exists()
    assert {record.phase for record in server.requests} == {"token", "initialize", "compute"}


def test_what_is_there_and_whole_is_not_asked_for_again(export: Export, server: LoopbackServer) -> None:
    assert export() == 0
    before, asked = contents(export.out), phases(server, "pixels")
    assert export() == 0
    assert phases(server, "pixels") == asked
    image = export.out / FIRST / "image.tif"
    damaged = bytearray(image.read_bytes())
    damaged[-9] ^= 1
    image.write_bytes(damaged)
    (export.out / BESIDE / "label.tif").unlink()
    (export.out / BESIDE / "notes.txt").write_text("mine")
    assert export() == 0
    assert (export.out / EXPORT_FOLDER / f"{BESIDE}.replaced" / "notes.txt").read_text() == "mine"
    assert phases(server, "pixels") == asked + 4
    assert contents(export.out) == before


def test_scenes_made_otherwise_are_not_replaced(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert export() == 0
    before = contents(export.out)
    assert dataclasses.replace(export, label="jrc")() == 2
    assert "was exported with other settings" in last_line(capsys)
    (export.out / BESIDE / "label.tif").write_bytes(b"edited")
    assert dataclasses.replace(export, label="jrc")() == 2
    (export.out / BESIDE / "label.tif").write_bytes(before[f"{BESIDE}/label.tif"])
    for foreign in ("{}", '{"properties": {}}', None):
        if foreign is None:
            (export.out / FIRST / "item.json").unlink()
        else:
            (export.out / FIRST / "item.json").write_text(foreign)
        capsys.readouterr()
        assert export() == 2
        assert "not from an export" in last_line(capsys)
    assert {name: each for name, each in before.items() if name != f"{FIRST}/item.json"} == contents(export.out)


def test_two_exports_into_one_folder(export: Export, server: LoopbackServer) -> None:
    server.delay_s = 0.3
    codes: list[int] = []
    words = export.words()
    threads = [threading.Thread(target=lambda: codes.append(export_in_process(words))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 2]


def export_in_process(words: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "watermap", *words], capture_output=True, check=False).returncode


def test_a_catalog_that_is_gone_comes_back_and_leftovers_go(export: Export, world: World) -> None:
    export = dataclasses.replace(export, area=world.small_box)
    assert export() == 0
    (export.out / "catalog.json").unlink()
    hidden = export.out / EXPORT_FOLDER
    request = json.loads((export.out / BESIDE / "item.json").read_text())["properties"]["watermap:requests"]["image"]
    for name in (BESIDE, request):
        (hidden / name).mkdir()
    named(hidden / "watermap-x.json", suffix=".json").write_text("{")
    assert export() == 0
    assert (export.out / "catalog.json").exists()
    assert [path.name for path in hidden.iterdir() if path.suffix != ".json"] == ["lock"]
    assert not list(hidden.glob(".*"))


def test_every_failure_is_named(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataclasses.replace(export, flags=("--hansen-asset", "UMD/none"))() == 4
    shown = capsys.readouterr().err
    assert all(f"scene {name} failed" in shown for name in CLEAR)


def test_an_outage_is_waited_for_once_and_not_for_every_scene(export: Export, server: LoopbackServer) -> None:
    server.fail("pixels", 503, times=None)
    export = dataclasses.replace(export, patience_s=1.0, flags=("--scene-size", "64"))
    begun = time.monotonic()
    assert export() == 4
    assert time.monotonic() - begun < 8  # of sixteen scenes


def test_a_catalog_behind_its_scenes_catches_up(export: Export) -> None:
    assert export() == 0
    before = contents(export.out)
    (export.out / "catalog.json").write_text("{}")
    assert export() == 0
    assert contents(export.out) == before
