"""What was asked for stays written down."""

from __future__ import annotations

import dataclasses
import json

from tests.earthengine.asking import BESIDE, CLEAR
from tests.earthengine.runs import Export
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from watermap.earthengine.export import EXPORT_FOLDER


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
