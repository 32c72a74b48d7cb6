import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_scene
from watermap.cli.main import run
from watermap.scenes.label import LABEL_TAG


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Seven scenes of six places; two have labels drawn by hand."""
    for number in range(7):
        folder = write_scene(
            tmp_path / "scenes", f"s{number}", make_grid(96, 96, left=300_000 + 40_000 * max(1, number)), seed=number
        )
        with rasterio.open(folder / "label.tif", "r+") as dataset:
            dataset.update_tags(**{LABEL_TAG: "hand" if number > 4 else "hansen"})
    return tmp_path / "scenes"


def test_scores_are_told_with_intervals_and_labels_apart(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(tmp_path / "b").folder
    command = ["evaluate", str(bundle), str(scenes), "--window", "64", "--overlap", "16", "--json", "scores.json"]
    assert run(command) == 0
    out = capsys.readouterr().out
    for words in (
        "All pixels, against hand labels",
        "All pixels, against hansen labels",
        "By class, pixels",
        "within 2 px of the shore",
        "Expected calibration error",
        "No intervals: 2 blocks of ground are too few to tell.",
        "s5 (hand)",
    ):
        assert words in out, words
    told = json.loads(Path("scores.json").read_text())
    assert told["labels"]["hansen"]["grounds"] == 4  # s0 and s1 show one place
    assert {name: each["scores"]["pixels"] for name, each in told["labels"].items()} == {
        "hand": 2 * 96 * 96,
        "hansen": 5 * 96 * 96,
    }
    for picture in ("b_on_scenes.png", "b_on_scenes_reliability.png"):
        assert np.asarray(Image.open(tmp_path / picture)).std() > 5


def test_a_bundle_is_calibrated_on_the_command_line(
    small_patches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(tmp_path / "models" / "b").folder
    assert run(["bundles", "promote", str(bundle), "--models", "models"]) == 0
    command = ["bundles", "calibrate", str(bundle), "--patches", str(small_patches)]
    assert run([*command, "--method", "temperature", "--threshold-for", "area"]) == 0
    said = capsys.readouterr()
    assert "Calibration: temperature" in said.out
    assert "validation, after" in said.out
    assert "put to use before" in said.err
    contract = json.loads((bundle / "bundle.json").read_text())
    assert contract["calibration"]["method"] == "temperature"
    assert (bundle / "reliability.png").stat().st_size > 10_000
    assert run([*command, "--method", "none", "--threshold-for", "keep"]) == 0
    assert json.loads((bundle / "bundle.json").read_text())["calibration"] is None


def test_mistakes_in_calibrating_are_one_line(
    small_patches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(tmp_path / "b").folder
    before = (bundle / "bundle.json").read_bytes()
    for words, code in (
        (["bundles", "calibrate", str(bundle), "--patches", "absent"], 3),
        (["bundles", "calibrate", "absent", "--patches", str(small_patches)], 5),
        (["bundles", "calibrate", str(bundle), "--patches", str(small_patches), "--method", "cubic"], 2),
    ):
        assert run(words) == code
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert (bundle / "bundle.json").read_bytes() == before
