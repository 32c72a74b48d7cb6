"""A run that is killed, in whatever stage, is finished by the next one, as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from prefect.settings import PREFECT_API_URL

from tests.flows.conftest import SETTINGS
from tests.folders import listing
from watermap.models import load
from watermap.promotion import default_bundle

STAGES: dict[str, Callable[[Path], bool]] = {
    "scenes": lambda folder: any(folder.glob("scenes/*/image.tif")),
    "patches": lambda folder: any(folder.glob("*patches*/*")),
    "training": lambda folder: any(folder.glob("models/*/.training*")),
    "promotion": lambda folder: any(folder.glob("models/*/bundle.json")),
    "maps": lambda folder: any(folder.glob("predictions/*_water.tif")),
}
"""What shows that a run has come so far."""

PATIENCE_S = 120


def write_settings(path: Path) -> None:
    """The settings of the undisturbed run, as a file."""
    tables = [f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in toml(name)) for name in SETTINGS]
    path.write_text("\n".join(tables))


def toml(name: str) -> list[tuple[str, str]]:
    stated = SETTINGS[name].model_dump(exclude_unset=True)
    return [(key, str(list(value) if isinstance(value, tuple) else repr(value))) for key, value in stated.items()]


def start(folder: Path, settings: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "flows.pipeline", "--folder", str(folder), "--config", str(settings)]
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    with settings.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log)


def contents(folder: Path) -> dict[str, bytes]:
    """Scenes, patches and their index without its times: what has to be the same to the last bit."""
    found = [*folder.glob("scenes/**/*"), *folder.glob("held_out/**/*"), *folder.glob("patches/*.npy")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


def test_killed_in_each_stage_and_run_again(undisturbed: Path, tmp_path: Path) -> None:
    folder, settings = tmp_path / "data", tmp_path / "watermap.toml"
    write_settings(settings)
    for stage, reached in STAGES.items():
        running = start(folder, settings)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not reached(folder):
                assert running.poll() is None, f"it ended before {stage}"
                assert time.monotonic() < deadline, f"it never came to {stage}"
                time.sleep(0.02)
        finally:
            running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL, f"it had ended before it was killed in {stage}"
    assert start(folder, settings).wait(PATIENCE_S) == 0, settings.with_suffix(".log").read_text()[-3000:]
    assert contents(folder) == contents(undisturbed)
    for name in ("scenes", "held_out", "patches", "models", "predictions"):
        visible = [[each for each in listing(top / name) if not each.startswith(".")] for top in (folder, undisturbed)]
        assert visible[0] == visible[1]
    expected, found = (default_bundle(top / "models") for top in (undisturbed, folder))
    for one, other in zip(
        *(load(each.folder / each.contract.model_file).get_weights() for each in (expected, found)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    for path in sorted((undisturbed / "predictions").glob("*_water.tif")):
        with rasterio.open(path) as one, rasterio.open(folder / "predictions" / path.name) as other:
            np.testing.assert_array_equal(one.read(), other.read())
