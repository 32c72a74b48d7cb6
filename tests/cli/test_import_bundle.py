"""`watermap bundles import`, as it is typed, and what other commands make of the bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.folders import listing
from tests.support.onnx_networks import make_network
from tests.support.rasters import make_grid, write_scene
from watermap.bands import STANDARD_BANDS
from watermap.cli.main import run

WORDS = ["--bands", ",".join(STANDARD_BANDS), "--scale", "0.0001", "--water-class", "1"]
MOMENTS = ["--mean", "0.15", "--std", "0.08"]

_WITHOUT_KERAS = """
import json, sys
for name in ("keras", "tensorflow", "jax"):
    sys.modules[name] = None
from watermap.cli.main import run
print([run(words) for words in json.loads(sys.argv[1])])
"""


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    image = np.random.default_rng(0).integers(100, 3000, (6, 96, 96)).astype(np.uint16)
    write_scene(tmp_path / "scenes", "here", make_grid(96, 96), image=image)
    return tmp_path / "scenes"


def test_import_predict_evaluate_list_and_card_need_no_keras(scenes: Path, tmp_path: Path) -> None:
    make_network(tmp_path / "n.onnx", ends_with="Softmax", side=64)
    commands = [
        ["bundles", "import", "n.onnx", *WORDS, *MOMENTS, "--out", "data/models/n"],
        ["predict", "scenes", "--bundle", "data/models/n", "--out", "maps", "--probability", "--polygons"],
        ["evaluate", "data/models/n", "scenes", "--json", "s.json", "--picture", "s.png"],
        ["bundles", "promote", "data/models/n", "--held-out", "scenes"],
        ["predict", "scenes", "--out", "again"],
        ["bundles", "list"],
        ["bundles", "card", "data/models/n"],
        ["report", "maps", "--bundle", "data/models/n", "--out", "report.html"],
    ]
    words = [sys.executable, "-W", "error", "-c", _WITHOUT_KERAS, json.dumps(commands)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == str([0] * len(commands)), done.stderr
    assert "imported from n.onnx, B2, B3, B4, B8, B11, B12; water from 0.5 on" in done.stdout
    assert "| origin | imported from `n.onnx` |" in done.stdout
    written = {"here_water.tif", "here_water.qml", "here_probability.tif", "here_bodies.gpkg"}
    assert written <= set(listing(tmp_path / "maps"))
    assert json.loads((tmp_path / "s.json").read_text())["labels"]["unstated"]["scores"]["pixels"] == 96 * 96


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["absent.onnx", *WORDS], 5, "absent.onnx: no such file"),
        (["text.onnx", *WORDS], 5, "text.onnx: it is no ONNX network"),
        (["n.onnx", *WORDS[:2]], 2, "is needed"),
        (["n.onnx", *WORDS], 2, "state --activation"),
        (["n.onnx", *WORDS, "--activation", "softmax", "--water-class", "7"], 2, "there is no class 7"),
        (["n.onnx", *WORDS, "--activation", "softmax", "--mean", "1"], 2, "mean and std belong together"),
        (["n.onnx", *WORDS, "--activation", "softmax", "--bands", "B3,B77"], 2, "'B77' is not"),
        (["https://host/n.onnx", *WORDS], 2, "https://host/n.onnx: "),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_network(tmp_path / "n.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    assert run(["bundles", "import", *words, "--out", "out"]) == code
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("import: ")]
    assert len(told) == 1
    assert message in told[0]
    assert listing(tmp_path) == ["n.onnx", "text.onnx"]


def test_settings_come_from_a_file_too(tmp_path: Path) -> None:
    make_network(tmp_path / "n.onnx", ends_with="Softmax")
    bands = json.dumps(STANDARD_BANDS)
    (tmp_path / "s.toml").write_text(f"[import]\nbands = {bands}\nscale = 0.0001\nwater_class = 0\n")
    assert run(["bundles", "import", "n.onnx", "--config", "s.toml", "--water-class", "1", "--out", "out"]) == 0
    origin = json.loads((tmp_path / "out" / "bundle.json").read_text())["imported_from"]
    assert (origin["file"], origin["water_class"]) == ("n.onnx", 1)


def test_what_was_imported_is_not_converted_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_network(tmp_path / "n.onnx", ends_with="Softmax")
    assert run(["bundles", "import", "n.onnx", *WORDS, "--out", "out"]) == 0
    assert run(["bundles", "convert", "out", "--patches", "p"]) == 2
    assert "out: was imported for OpenVINO already" in capsys.readouterr().err
