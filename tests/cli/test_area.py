"""`watermap area`, as it is typed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_sample_design import CODES
from tests.support.folders import listing
from tests.support.interpreters import answer_by, edit
from tests.support.rasters import make_grid
from tests.support.waters import write_water
from tests.support.web import Web
from watermap.cli.main import run

GRID = make_grid(150, 120)
TRUTH = np.where(np.random.default_rng(2).random(CODES.shape) < 0.04, 1, np.roll(CODES == 1, 3, axis=1)).astype(
    np.uint8
)


@pytest.fixture
def water(tmp_path: Path) -> Path:
    return write_water(tmp_path / "maps" / "lake_20230601_water.tif", CODES, GRID)


@pytest.fixture
def samples(water: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A sample that nobody has answered yet."""
    assert run(["sample-design", str(water), "--n", "300", "--seed", "5"]) == 0
    capsys.readouterr()
    return water.with_name("lake_20230601_samples.gpkg")


def test_an_area_with_its_interval_is_told_drawn_and_written(
    water: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_by(samples, TRUTH, GRID)
    assert run(["area", str(water), "--reference", str(samples)]) == 0
    said = capsys.readouterr()
    ends = ("area.csv", "area.json", "area.png", "samples.gpkg", "samples.qml", "water.tif")
    assert listing(water.parent) == [f"lake_20230601_{end}" for end in ends]
    told = json.loads(water.with_name("lake_20230601_area.json").read_text())
    area = next(each for each in told["estimates"] if each["figure"] == "area_km2" and each["class"] == "water")
    true_km2 = float(((CODES != 255) & (TRUTH == 1)).sum()) / 1e4
    assert area["low_95"] < true_km2 < area["high_95"]
    assert told["mapped_area_km2"]["water"] == pytest.approx(0.35, rel=2e-3)
    assert told["design"] == {"seed": 5, "shore_px": 2}
    assert told["water_raster"]["sha256"] == hashlib.sha256(water.read_bytes()).hexdigest()
    assert told["samples"]["sha256"] == hashlib.sha256(samples.read_bytes()).hexdigest()
    shown = (
        f"{area['value']:.3f} │          {area['standard_error']:.3f} │ {area['low_95']:.3f} to {area['high_95']:.3f}"
    )
    for words in ("Area in km2", shown, "overall accuracy", "user's accuracy of water", "producer's accuracy of land"):
        assert words in said.out
    assert "Samples by what they are in truth" in said.out
    assert "note: 0.06005 km2, 3.3% of the raster, hold no data: nothing is said of them" in said.err


def test_who_stops_early_still_has_an_estimate(
    water: Path, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_by(samples, TRUTH, GRID, first=120)
    edit(samples, "UPDATE samples SET truth = 255 WHERE id IN (3, 8)")
    assert run(["area", str(water), "--reference", str(samples), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "180 samples have no answer; the others are the first by id, so that they are a random sample too" in said
    assert "of 2 samples nobody could tell, left out as if like the others" in said
    assert len(listing(tmp_path / "out")) == 3


def test_a_raster_elsewhere_is_read_there(water: Path, samples: Path, web: Web, tmp_path: Path) -> None:
    answer_by(samples, TRUTH, GRID)
    shutil.copy(water, web.folder)
    assert run(["area", f"{web.url}/{water.name}", "--reference", str(samples), "--out", str(tmp_path / "out")]) == 0
    told = json.loads((tmp_path / "out" / "lake_20230601_area.json").read_text())
    assert told["water_raster"]["sha256"] == hashlib.sha256(water.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM samples WHERE id > 298", "lacks 2 of the 300 samples, such as id 299: take the file as sample-"),
        ("UPDATE strata SET area_m2 = area_m2 * 2", "its table strata is not that of"),
        ("UPDATE strata SET mapped_as = 7 WHERE stratum = 1", "its table strata is not that of"),
        ("UPDATE strata SET area_m2 = NULL", "its table strata is not complete: take the file as sample-design made"),
    ],
)
def test_a_file_that_was_changed_is_refused_in_one_line(
    water: Path, samples: Path, change: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_by(samples, TRUTH, GRID)
    edit(samples, change)
    before = listing(water.parent)
    assert run(["area", str(water), "--reference", str(samples)]) == 3
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("rows")]
    assert len(error) == 1
    assert said in error[0]
    assert listing(water.parent) == before


def test_a_map_that_was_looked_at_whole_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = np.zeros((2, 4), np.uint8)
    codes[0, 0] = 1
    path = write_water(tmp_path / "pond_water.tif", codes, make_grid(4, 2))
    assert run(["sample-design", str(path), "--error", "10"]) == 0
    answer_by(tmp_path / "pond_samples.gpkg", 1 - codes, make_grid(4, 2))
    capsys.readouterr()
    assert run(["area", str(path), "--reference", str(tmp_path / "pond_samples.gpkg")]) == 0
    said = capsys.readouterr()
    assert "note" not in said.err
    assert said.out.count("known exactly") == 7
    table = (tmp_path / "pond_area.csv").read_text().splitlines()
    assert "area_km2,water,0.000701,0.000000,0.000701,0.000701" in table


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["WATER", "--reference", "SAMPLES"], 3, "of water no samples have an answer of water or land"),
        (["OTHER", "--reference", "SAMPLES"], 3, "was not drawn from"),
        (["WATER", "--reference", "absent.gpkg"], 3, "absent.gpkg: no such file"),
        (["WATER", "--reference", "https://127.0.0.1/a.gpkg"], 2, "samples are read from local files: copy it"),
        (["WATER", "--reference", "WATER"], 3, "holds no samples of watermap sample-design"),
        (["absent.tif", "--reference", "SAMPLES"], 3, "absent.tif: no such file"),
        (["WATER"], 2, "Missing option '--reference'"),
        (["WATER", "--reference", "SAMPLES", "--out", "gs://bucket/out"], 2, "outputs go to local folders"),
    ],
)
def test_mistakes_are_one_line(
    water: Path, samples: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = CODES.copy()
    other[0, 0] = 1
    names = {
        "WATER": water,
        "SAMPLES": samples,
        "OTHER": write_water(water.with_name("other_water.tif"), other, GRID),
    }
    before = listing(water.parent)
    assert run(["area", *(str(names.get(word, word)) for word in words)]) == code
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("rows")]
    assert len(error) == 1
    assert said in error[0]
    assert listing(water.parent) == before
