"""`watermap change`, as it is typed."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.folders import listing
from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.cli.main import run

GRID = make_grid(60, 40)


def test_a_change_is_told_drawn_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = np.zeros((40, 60))
    before[:20] = 1
    first = write_water(tmp_path / "lake_20230601_water.tif", before, GRID)
    second = write_water(tmp_path / "lake_20240601_water.tif", before[:, :50] * 0, GRID)
    assert run(["change", str(first), str(second), "--out", str(tmp_path / "out")]) == 0
    name = "lake_20230601_to_lake_20240601_change"
    ends = (".csv", ".png", ".qml", ".tif", "_bodies.gpkg", "_bodies.qml")
    assert listing(tmp_path / "out") == [f"{name}{end}" for end in ends]
    said = capsys.readouterr()
    assert "Water from 2023-06-01 to 2024-06-01" in said.out
    assert all(word in said.out for word in ("lost", "1000", "0.1001", "0.1001 km2 to 0.0000 km2", f"{name}.png"))
    assert "16.7% of it lies where the other does not" in said.err


def test_what_does_not_fit_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write_water(tmp_path / "a_water.tif", np.ones((4, 6)), GRID)
    second = write_water(tmp_path / "b_water.tif", np.ones((4, 6)), make_grid(pixel=20))
    assert run(["change", str(first), str(second), "--out", str(tmp_path / "out")]) == 3
    assert run(["change", str(first), str(first)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
    assert not (tmp_path / "out").exists()
