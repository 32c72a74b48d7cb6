"""Disk, memory or the scene itself runs out midway: one line, the old map as it was, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio
from rasterio.windows import Window

from tests.support.folders import listing
from watermap.bundles.bundle import Bundle
from watermap.config import SampleConfig
from watermap.scenes.sample import write_samples

SIDE = 1536

MOST_BYTES = 20_000
"""Of a file, where the disk is full; what is written beyond fails as it does there."""

MORE_MEMORY = 2 << 30
"""That a process may take beyond what it takes when loaded: less than a row of windows of the wide scene."""

WIDE = 600_000

RASTERS_ONLY = ("--no-style", "--no-quicklook", "--no-stac")

_LIMITED = """
import resource, sys
from watermap.cli.main import main
from watermap.cli import predict
import watermap.prediction.scene, watermap.prediction.engines.openvino as engine
engine._core()
kind, limit = sys.argv.pop(1), int(sys.argv.pop(1))
if kind == "file":
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
if kind == "memory":
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + limit,) * 2)
main()
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_samples(folder, SampleConfig(scenes=1, size=SIDE))
    return next(folder.glob("*/image.tif"))


def predict(
    bundle: Bundle, scene: Path, maps: Path, kind: str = "none", limit: int = 0
) -> subprocess.CompletedProcess[str]:
    flags = ["--bundle", str(bundle.folder), "--out", str(maps), "--engine", "openvino", "--probability", *RASTERS_ONLY]
    command = [sys.executable, "-B", "-c", _LIMITED, kind, str(limit), "predict", str(scene), *flags]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it writes too
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def write_wide(image: Path, scene: Path) -> None:
    """A scene that is small on disk, since nearly all of it was never written, and wider than memory."""
    with rasterio.open(scene) as dataset:
        profile, bands, values = dataset.profile, dataset.descriptions, dataset.read()
    with rasterio.open(image, "w", **profile | {"width": WIDE, "sparse_ok": True}) as dataset:
        dataset.descriptions = bands
        dataset.write(values, window=Window(0, 0, SIDE, SIDE))


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what a failed command said, which is the only one that is no progress."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert "Traceback" not in done.stderr, done.stderr
    assert lines[-1].startswith("watermap: "), done.stderr
    return lines[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are set as Linux has them")
@pytest.mark.parametrize(
    ("kind", "limit", "words", "code"),
    [
        ("file", MOST_BYTES, "cannot be written", 3),
        ("memory", MORE_MEMORY, "memory", 1),
        ("end", 0, "the file is truncated or damaged", 3),
    ],
)
def test_what_runs_out_is_one_line(
    kind: str, limit: int, words: str, code: int, bundle: Bundle, scene: Path, tmp_path: Path
) -> None:
    maps = tmp_path / "maps"
    assert predict(bundle, scene, maps).returncode == 0
    before = {path.name: path.read_bytes() for path in maps.iterdir()}
    assert len(before) == 2
    image = tmp_path / scene.parent.name / "image.tif"
    image.parent.mkdir()
    content = scene.read_bytes()
    if kind == "memory":
        write_wide(image, scene)
    else:
        image.write_bytes(content[: len(content) * 3 // 4] if kind == "end" else content)
    done = predict(bundle, image, maps, kind, limit)
    assert done.returncode == code, done.stderr
    assert words in told(done)
    assert listing(maps) == sorted(before)
    assert {path.name: path.read_bytes() for path in maps.iterdir()} == before
