"""`watermap timeline`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.maps.test_known_bodies import write_outlines
from tests.maps.test_timeline import GRID, table, write_water
from tests.support.folders import listing
from watermap.cli.main import run


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    for number, month in enumerate(("01", "02", "03")):
        codes = np.ones(GRID.shape, np.uint8)
        codes[: 3 * number] = 0
        codes[: 5 * (number == 2)] = 255
        write_water(tmp_path / "maps", f"lake_2023{month}05", codes)
    return tmp_path / "maps"


def test_tables_and_a_picture_are_made_beside_the_maps(maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["timeline", str(maps)]) == 0
    assert [name for name in listing(maps) if "water" not in name] == ["timeline.csv", "timeline.png"]
    said = capsys.readouterr().out
    assert said.count("too little seen") == 1
    assert "2023-03-05 │  75.0% │   0.04203 │     0.05705 │ too little seen" in said
    assert str(maps / "timeline.png") in said
    assert run(["timeline", str(maps), "--min-valid", "0.7"]) == 0
    assert "too little seen" not in capsys.readouterr().out


def test_bodies_are_measured_too_and_outputs_go_where_one_says(maps: Path, tmp_path: Path) -> None:
    left, top = GRID.transform @ (0, 0)
    shapes = [shapely.box(left + x, top - 200, left + x + 30, top) for x in range(0, 240, 30)]
    bodies = write_outlines(tmp_path / "bodies.gpkg", shapes)
    assert run(["timeline", str(maps), "--bodies", str(bodies), "--out", str(tmp_path / "out")]) == 0
    assert listing(tmp_path / "out") == ["timeline.csv", "timeline.png", "timeline_bodies.csv"]
    assert len(table(tmp_path / "out" / "timeline_bodies.csv")) == 8 * 3


@pytest.mark.parametrize(
    "codes", [np.zeros(GRID.shape, np.uint8), np.full(GRID.shape, 255, np.uint8), np.ones(GRID.shape, np.uint8)]
)
def test_one_date_without_water_or_without_data_is_drawn(codes: np.ndarray, tmp_path: Path) -> None:
    write_water(tmp_path / "maps", "20230101", codes)
    assert run(["timeline", str(tmp_path / "maps")]) == 0
    assert (tmp_path / "maps" / "timeline.png").stat().st_size > 5000


def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_water(tmp_path / "maps", "lake", np.ones(GRID.shape, np.uint8))
    assert run(["timeline", str(tmp_path / "maps"), "--out", str(tmp_path / "out")]) == 3
    assert "DATE=YYYY-MM-DD lake_water.tif" in capsys.readouterr().err
    assert listing(tmp_path) == ["maps"]
