"""Heavy libraries are loaded only after what the user asks for has been checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.bundles import make_bundle
from tests.support.folders import listing
from tests.support.processes import loaded_by
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """One without two of the bands that models need."""
    values = np.full((4, 64, 64), 500, dtype=np.uint16)
    return write_tif(tmp_path / "scenes" / "lake" / "image.tif", values, make_grid(64, 64), names=STANDARD_BANDS[:4])


def test_a_scene_without_the_bands_is_refused_before_a_model_is_loaded(scene: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    words: list[str | Path] = ["predict", scene, "--bundle", bundle.folder, "--out", tmp_path / "out"]
    ways: list[list[str]] = [[], ["--dry-run"], ["--engine", "keras"], ["--tta", "--jobs", "2"]]
    loaded, told = loaded_by(*([*words, *way] for way in ways))
    assert loaded == ["3 []"] * len(ways)
    assert told.count("bands B11, B12 are missing (it has B2, B3, B4, B8)") == len(ways)
    assert not (tmp_path / "out").exists()


def test_evaluate_refuses_such_a_scene_before_a_model_is_loaded(scene: Path, tmp_path: Path) -> None:
    write_tif(scene.with_name("label.tif"), np.ones((1, 64, 64), dtype=np.uint8), make_grid(64, 64))
    bundle = make_bundle(tmp_path / "bundle")
    loaded, told = loaded_by(["evaluate", bundle.folder, tmp_path / "scenes"])
    assert loaded == ["3 []"]
    assert "bands B11, B12 are missing" in told


IMPOSSIBLE = {
    "predict absent.tif --bundle b": 5,
    "predict x.tif --bands B2,B77": 2,
    "train absent --out b": 3,
    "train absent --out b --loss nonsense": 2,
    "train absent --out b --epochs 0": 2,
    "compare absent --out b": 3,
    "evaluate absent scenes": 5,
    "evaluate absent scenes --threshold 2": 2,
    "bundles calibrate absent --patches p": 5,
    "bundles convert absent --patches p": 5,
    "models --arch vit": 2,
}
"""What cannot be done, and the exit code."""


def test_what_cannot_be_done_is_told_before_anything_heavy_is_loaded() -> None:
    loaded, told = loaded_by(*map(str.split, IMPOSSIBLE))
    assert loaded == [f"{code} []" for code in IMPOSSIBLE.values()]
    assert told.count("\n") == len(IMPOSSIBLE)
    assert listing(Path.cwd()) == []
