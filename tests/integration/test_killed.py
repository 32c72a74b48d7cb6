"""Commands killed at any moment: the next run removes what they left, and nothing of a process that lives.

`watermap export`, which needs an Earth Engine, is killed in tests/earthengine/test_killed.py.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.support.rasters import make_grid, shore_label, write_scene, write_tif
from tests.support.temporary import temporary_files
from watermap.bands import STANDARD_BANDS
from watermap.io.temporary import temporary_path

PATIENCE_S = 300


@dataclass(frozen=True)
class Command:
    """A command that is run over and over, each time with another setting, so that it has something to do.

    Attributes:
        words: of the run of a number.
        out: the folder that it writes to.
        result: what is there after a whole run.
    """

    words: Callable[[int], list[str]]
    out: Path
    result: Path


def mosaic_command(folder: Path) -> Command:
    waters = []
    for number in range(3):
        codes = shore_label((2000, 2000), seed=number)[None]
        grid = make_grid(2000, 2000, left=500_000 + 5000 * number)
        waters.append(str(write_tif(folder / f"lake_2023060{number + 1}_water.tif", codes, grid, no_data=255)))
    out = folder / "out" / "all.tif"
    return Command(lambda n: ["mosaic", *waters[n % 2 :], "--out", str(out)], out.parent, out)


def vectorize_command(folder: Path) -> Command:
    codes = (np.random.default_rng(0).random((1, 900, 900)) < 0.3).astype(np.uint8)
    water = write_tif(folder / "lake_water.tif", codes, make_grid(900, 900), no_data=255)
    out = folder / "out" / "lake.gpkg"
    words = ["vectorize", str(water), "--out", str(out), "--min-area-m2"]
    return Command(lambda n: [*words, str(100 + n)], out.parent, out)


def tile_command(folder: Path) -> Command:
    scenes = _scenes(folder, 512)
    out = folder / "out" / "patches"
    words = ["tile", str(scenes), "--out", str(out), "--patch-size", "32", "--seed"]
    return Command(lambda n: [*words, str(n)], out.parent, out / "patches.gpkg")


def predict_command(folder: Path) -> Command:
    from tests.support.bundles import make_bundle

    make_bundle(folder / "bundle", radius=8)
    values = np.random.default_rng(0).integers(150, 3000, (6, 700, 700)).astype(np.uint16)
    scene = write_tif(folder / "lake.tif", values, make_grid(700, 700), names=STANDARD_BANDS)
    out = folder / "out"
    words = ["predict", str(scene), "--bundle", str(folder / "bundle"), "--out", str(out), "--probability"]
    return Command(lambda n: [*words, "--polygons", "--threshold", f"0.{500 + n}"], out, out / "lake_item.json")


def train_command(folder: Path) -> Command:
    scenes, patches = _scenes(folder, 128), folder / "patches"
    bands = ",".join(STANDARD_BANDS)
    _run(["tile", str(scenes), "--out", str(patches), "--patch-size", "32", "--bands", bands])
    out = folder / "out" / "bundle"
    words = ["train", str(patches), "--out", str(out), "--encoder", "compact", "--preset", "fast"]
    words += ["--epochs", "2", "--overwrite"]
    return Command(lambda n: [*words, "--seed", str(n)], out, out / "bundle.json")


def _scenes(folder: Path, side: int) -> Path:
    for number in range(6):
        left = 300_000 + 40_000 * number
        write_scene(folder / "scenes", f"place_{number}", make_grid(side, side, left=left), seed=number)
    return folder / "scenes"


COMMANDS = {
    "mosaic": mosaic_command,
    "vectorize": vectorize_command,
    "tile": tile_command,
    "predict": predict_command,
    "train": train_command,
}


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What libraries put into the folder of the system is seen too."""
    (tmp_path / "system").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "system"))
    yield
    assert not list((tmp_path / "system").iterdir())


def _run(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "watermap", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _start(words: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "watermap", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_until_it_writes(process: subprocess.Popen[bytes], command: Command) -> None:
    """Wait for a temporary file that was not there before, or for the end."""
    before = set(temporary_files(command.out))
    deadline = time.monotonic() + PATIENCE_S
    while set(temporary_files(command.out)) <= before and process.poll() is None:
        assert time.monotonic() < deadline, "it never wrote"
        time.sleep(0.002)


def kill_at_random(command: Command, kills: int, seed: int) -> None:
    """Kill a command so often, and until it has left something, each time followed by a whole run."""
    chance = random.Random(seed)
    alive = temporary_path(command.out / "x.tif", ".tif")
    alive.parent.mkdir(parents=True, exist_ok=True)
    alive.write_text("of this process")
    process = _start(command.words(0))
    _wait_until_it_writes(process, command)
    began = time.monotonic()
    assert process.wait(PATIENCE_S) == 0
    writes_s = time.monotonic() - began
    left, deaths, number = 0, 0, 0
    while deaths < kills or not left:
        number += 1
        assert number < 10 + 3 * kills, f"it ended before it was killed, or left nothing: {deaths}, {left}"
        process = _start(command.words(number))
        _wait_until_it_writes(process, command)
        time.sleep(chance.uniform(0, writes_s))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            continue
        deaths += 1
        left += temporary_files(command.out) != [alive]
        _run(command.words(number))
        assert temporary_files(command.out) == [alive]
        assert command.result.exists()
    assert alive.read_text() == "of this process"


@pytest.mark.parametrize("name", ["mosaic"])
def test_what_a_killed_run_left_goes_with_the_next(name: str, tmp_path: Path) -> None:
    kill_at_random(COMMANDS[name](tmp_path), 1, seed=0)


@pytest.mark.extended
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_runs_killed_at_any_moment_left_goes_with_the_next(name: str, tmp_path: Path) -> None:
    kills = 3 if name in ("predict", "train") else 4
    kill_at_random(COMMANDS[name](tmp_path), kills, seed=len(name))
