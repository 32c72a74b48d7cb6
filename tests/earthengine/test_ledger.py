"""What was asked for stays written down."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.earthengine.asking import BESIDE, CLEAR, config
from tests.earthengine.runs import Export
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from tests.support.rasters import make_grid
from watermap.bands import STANDARD_BANDS
from watermap.earthengine.export import EXPORT_FOLDER
from watermap.earthengine.ledger import Ledger
from watermap.earthengine.plan import Request
from watermap.io.layouts import image_layout


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


REQUEST = Request("watermap-x", "image", None, make_grid(8, 8), image_layout(STANDARD_BANDS), {})


def test_a_task_is_known_again_with_all_that_was_learned_of_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    entry, is_new = ledger.open("lake", REQUEST, config(to="gcs", bucket="mine"))
    assert is_new
    assert (entry.state, entry.attempt, entry.operation) == ("recorded", 1, None)
    running = ledger.write(entry, state="running", operation="operations/7")
    again = Ledger(tmp_path / "ledger").open("lake", REQUEST, config(to="gcs", bucket="mine"))
    assert again == (running, False)
    assert ledger.open("lake", REQUEST, config(to="gcs", bucket="other"))[1]
    assert ledger.open("lake", REQUEST, config(to="drive"))[1]


def test_a_task_that_is_started_anew_has_another_id_and_the_same_place(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    entry, _ = ledger.open("lake", REQUEST, config(to="gcs", bucket="mine", folder="here"))
    failed = ledger.write(entry, state="failed", operation="operations/7", error="too large")
    fresh = ledger.retry(failed, blocks=128)
    assert (fresh.state, fresh.operation, fresh.error, fresh.blocks) == ("recorded", None, None, 128)
    assert (fresh.task_id, entry.task_id) == (f"{entry.id}-2", f"{entry.id}-1")
    assert fresh.destination["cloudStorageDestination"] == {
        "bucket": "mine",
        "filenamePrefix": f"here/{entry.id}-2/image",
    }
    assert ledger.open("lake", REQUEST, config(to="gcs", bucket="mine", folder="here")) == (fresh, False)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": "x"}', '{"more": 1}'])
def test_an_entry_that_cannot_be_read_is_not_taken_for_a_new_task(content: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    entry, _ = ledger.open("lake", REQUEST, config())
    (path,) = tmp_path.iterdir()
    path.write_text(content, encoding="utf-8")
    assert ledger.open("lake", REQUEST, config()) == (entry, False)
    assert ledger.open("lake", REQUEST, config()) == (entry, False)


def test_on_drive_a_raster_is_named_after_its_scene(tmp_path: Path) -> None:
    entry, _ = Ledger(tmp_path).open("lake", REQUEST, config(to="drive", folder="lakes"))
    assert entry.destination == {"driveDestination": {"folder": "lakes", "filenamePrefix": "lake_image"}}
