"""Every fault at every stage of an export: right files, or one line and exit code 4; never a wrong or partial file.

6 stages x 10 faults are 60 cells; each is tried with a fault that comes once and with one that stays, which is followed
by a run without it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.earthengine.runs import Export, assert_scenes_are_right
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World

STAGES = {
    "initialize": "local",
    "compute": "local",
    "pixels": "local",
    "export": "gcs",
    "poll": "gcs",
    "download": "gcs",
}
"""Stage and a route that passes through it."""

FAULTS: tuple[int | str, ...] = (429, 500, 503, 401, 403, 404, "reset", "truncated", "timeout", "html")
PASSING = {429, 500, 503, 401, "reset", "truncated", "timeout", "html"}
"""What is got over where it happens once; 401 because the login is renewed."""

CELLS = [
    (stage, fault) if stage == "pixels" or fault == 503 else pytest.param(stage, fault, marks=pytest.mark.extended)
    for stage in STAGES
    for fault in FAULTS
]
"""All of them; by default each fault at one stage, and one fault at each."""


@pytest.fixture
def area(world: World) -> str:
    """A box around a part of one scene's lake."""
    return world.small_box


def assert_failed_cleanly(out: Path, shown: str) -> None:
    lines = [line for line in shown.splitlines() if line.startswith("watermap: ")]
    assert len(lines) == 1
    assert "Traceback" not in shown
    assert not out.exists() or [path.name for path in out.iterdir()] in ([], [".export"])


@pytest.mark.parametrize(("stage", "fault"), CELLS)
def test_a_fault_that_passes(
    stage: str,
    fault: int | str,
    world: World,
    server: LoopbackServer,
    key: Path,
    area: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.stall_s = 0.6
    timeout_s = 0.4 if fault == "timeout" else 20.0
    export = Export(server, key, tmp_path, area, to=STAGES[stage], timeout_s=timeout_s)
    server.fail(stage, fault, times=1)
    code = export()
    if fault in PASSING:
        assert code == 0, capsys.readouterr().err
        assert_scenes_are_right(world, export.out)
    else:
        assert code == 4
        assert_failed_cleanly(export.out, capsys.readouterr().err)
    assert set(server.started.values()) <= {1}


@pytest.mark.parametrize(("stage", "fault"), CELLS)
def test_a_fault_that_stays(
    stage: str,
    fault: int | str,
    world: World,
    server: LoopbackServer,
    key: Path,
    area: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.stall_s = 0.5
    timeout_s = 0.3 if fault == "timeout" else 20.0
    export = Export(server, key, tmp_path, area, to=STAGES[stage], patience_s=0.1, timeout_s=timeout_s)
    server.fail(stage, fault, times=None)
    assert export() == 4
    assert_failed_cleanly(export.out, capsys.readouterr().err)
    server.heal()
    assert Export(server, key, tmp_path, area, to=STAGES[stage])() == 0, capsys.readouterr().err
    assert_scenes_are_right(world, export.out)
    assert set(server.started.values()) <= {1}
