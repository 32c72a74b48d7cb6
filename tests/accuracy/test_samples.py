"""Samples on their way to an interpreter and back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from tests.failures import one_line
from tests.rasters import make_grid
from watermap.accuracy.drawing import Drawn
from watermap.accuracy.samples import read_samples, write_samples
from watermap.errors import DataError, UsageError

GRID = make_grid(40, 30)
DRAWN = Drawn(
    pixels=(100, 200, 900),
    areas_m2=(1e4, 2e4, 9e4),
    stratum=np.array([2, 0, 1, 0]),
    rows=np.array([0, 3, 7, 29]),
    cols=np.array([0, 5, 11, 39]),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_samples(tmp_path / "a.gpkg", DRAWN, GRID, "digest")


def answer(path: Path, answers: dict[int, object]) -> None:
    """Enter answers as a program would that knows nothing of watermap."""
    with sqlite3.connect(path) as file:
        triggers = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for trigger in triggers:
            file.execute(f'DROP TRIGGER "{trigger}"')  # they call functions that sqlite3 lacks
        for number, code in answers.items():
            file.execute("UPDATE samples SET truth = ? WHERE id = ?", (code, number))


def test_points_lie_in_the_middle_of_their_pixels(path: Path) -> None:
    meta, _, geometry, (ids, truth, remarks, strata) = pyogrio.raw.read(path, layer="samples")
    assert meta["crs"] == "EPSG:32633"
    assert list(meta["fields"]) == ["id", "truth", "remark", "stratum"]
    assert (ids.tolist(), strata.tolist(), remarks.tolist()) == ([1, 2, 3, 4], [2, 0, 1, 0], [""] * 4)
    assert np.isnan(truth).all()
    x, y = np.frombuffer(geometry[1][5:], dtype="<f8")
    assert (x, y) == (500_000 + 55, 5_300_000 - 35)


def test_what_was_entered_comes_back(path: Path) -> None:
    answer(path, {1: 1, 2: 1, 3: 255})
    found = read_samples(path)
    assert found.counts.tolist() == [[0, 1], [0, 0], [0, 1]]
    assert (found.unclear, found.open, found.raster) == (1, 1, "digest")
    assert found.areas_m2 == DRAWN.areas_m2
    assert found.mapped_as == (1, 0, 0)
    assert found.names == ("water", "land beside water", "other land")


def test_other_answers_are_refused(path: Path) -> None:
    answer(path, {1: 7})
    with pytest.raises(DataError) as error:
        read_samples(path)
    assert "its field truth holds 7: answers are 1 water, 0 land, 255 cannot tell" in one_line(error)


def test_what_is_no_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_samples(tmp_path / "absent.gpkg")
    (tmp_path / "a.gpkg").write_text("no")
    with pytest.raises(DataError, match="holds no samples"):
        read_samples(tmp_path / "a.gpkg")
    with pytest.raises(UsageError, match="as a GeoPackage"):
        write_samples(tmp_path / "a.shp", DRAWN, GRID, "digest")
