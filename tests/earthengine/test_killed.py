"""An export killed at any moment and run again ends with the same files, and starts nothing twice."""

from __future__ import annotations

import dataclasses
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.earthengine.runs import Export, contents
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from tests.support.temporary import of_a_live_process, temporary_files

KILLS = 5


@pytest.mark.extended
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("to", ["local", "gcs"])
def test_killed_exports_end_like_undisturbed_ones(
    to: str, seed: int, world: World, server: LoopbackServer, key: Path, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    whole = Export(server, key, tmp_path / "whole", world.whole_box, to=to, request_mib=0.01)
    assert whole() == 0
    requests = len(server.requests)
    assert requests > 3 * KILLS
    killed = dataclasses.replace(whole, folder=tmp_path / "killed")
    server.forget()  # its tasks would be adopted: they are of the same requests
    server.delay_s = 0.005
    alive = written_by_a_live_process(killed.out)
    deaths = 0
    while deaths < KILLS:
        before = len(server.requests)
        process = subprocess.Popen([sys.executable, "-m", "watermap", *killed.words()], stderr=subprocess.PIPE)
        wanted = before + chance.randint(4, requests // 2)
        while len(server.requests) < wanted and process.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        _, shown = process.communicate()
        if process.returncode != -signal.SIGKILL:  # it was done before: once more from the start
            assert process.returncode == 0, shown.decode()
            assert contents(killed.out) == contents(whole.out)
            assert set(server.started.values()) <= {1}
            killed = dataclasses.replace(whole, folder=tmp_path / f"killed_{deaths}_{before}")
            alive = written_by_a_live_process(killed.out)
            server.forget()
            continue
        deaths += 1
    assert killed() == 0
    assert contents(killed.out) == contents(whole.out)
    assert set(server.started.values()) <= {1}
    assert not [path for path in (killed.out / ".export").iterdir() if path.is_dir()]
    assert temporary_files(killed.folder) == alive


def written_by_a_live_process(out: Path) -> list[Path]:
    """Temporary files in a scenes folder that no export may remove, sorted."""
    paths = [of_a_live_process(folder / "x.json", ".json") for folder in (out, out / ".export")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
    return sorted(paths)


@pytest.mark.parametrize(
    ("to", "sent"),
    [
        ("local", signal.SIGINT),
        ("gcs", signal.SIGTERM),
        pytest.param("local", signal.SIGTERM, marks=pytest.mark.extended),
        pytest.param("gcs", signal.SIGINT, marks=pytest.mark.extended),
    ],
)
def test_an_interrupted_export_says_so_and_goes_on(
    to: str, sent: signal.Signals, world: World, server: LoopbackServer, key: Path, tmp_path: Path
) -> None:
    export = Export(server, key, tmp_path, world.whole_box, to=to, request_mib=0.01)
    server.delay_s = 0.02
    process = subprocess.Popen([sys.executable, "-m", "watermap", *export.words()], stderr=subprocess.PIPE)
    while len(server.requests) < 12:
        time.sleep(0.005)
    process.send_signal(sent)
    _, shown = process.communicate(timeout=30)
    assert process.returncode == 130
    assert shown.decode().splitlines()[-1] == "watermap: interrupted; run the same command again to go on"
    assert "Traceback" not in shown.decode()
    assert export() == 0
    assert set(server.started.values()) <= {1}
