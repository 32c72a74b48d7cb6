"""`watermap sample-design`, as it is typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from tests.support.folders import listing
from tests.support.interpreters import answer
from tests.support.rasters import make_grid
from tests.support.waters import write_water
from tests.support.web import Web
from watermap.cli.main import run

CODES = np.zeros((120, 150), np.uint8)
CODES[20:70, 30:100] = 1
CODES[100:, 120:] = 255


@pytest.fixture
def water(tmp_path: Path) -> Path:
    return write_water(tmp_path / "maps" / "lake_water.tif", CODES, make_grid(150, 120))


def samples_in(path: Path) -> int:
    return int(pyogrio.read_info(path, layer="samples")["features"])


def test_a_sample_lies_beside_the_raster_with_its_style(water: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample-design", str(water), "--n", "300"]) == 0
    said = capsys.readouterr().out
    assert listing(water.parent) == ["lake_samples.gpkg", "lake_samples.qml", "lake_water.tif"]
    assert samples_in(water.with_name("lake_samples.gpkg")) == 300
    for words in ("300 samples", "water", "3,500", "land beside water", "496", "other land", "13,404"):
        assert words in said
    assert "Expected 95 % interval of the water area: ± 0.0363 km2, 10.4% of what is mapped" in said
    assert "as good as thought, with 90% of water, 15% of land beside water and 2% of other land water in truth" in said
    assert str(water.with_name("lake_samples.gpkg")) in said


def test_a_wanted_error_is_planned_for(water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "mine.gpkg"
    assert run(["sample-design", str(water), "--error", "5", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "5.0% of what is mapped" in said
    assert f"{samples_in(out)} samples" in said


def test_better_shares_plan_better(water: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "mine.gpkg"
    shares = ["--water-shares", "0.9, 0.15, 0.0005"]
    sizes = []
    for given in ([], shares):
        assert run(["sample-design", str(water), "--error", "5", "--least", "6", "--out", str(out), *given]) == 0
        sizes.append(samples_in(out))
    assert "15% of land beside water and 0.05% of other land water in truth" in capsys.readouterr().out
    assert sizes[1] < sizes[0] / 3
    for wrong, said in (("0.9,0.1", "three are needed"), ("0.9,1.0,0.1", "less than 1"), ("a,b,c", "valid number")):
        assert run(["sample-design", str(water), "--error", "5", "--out", str(out), "--water-shares", wrong]) == 2
        assert said in capsys.readouterr().err


def test_settings_come_from_a_file_and_flags_win(water: Path, tmp_path: Path) -> None:
    settings = tmp_path / "w.toml"
    settings.write_text("[sample-design]\nerror = 20.0\nleast = 10\nshore_px = 5\nseed = 3\n")
    assert run(["sample-design", str(water), "--config", str(settings), "--n", "40"]) == 0
    path = water.with_name("lake_samples.gpkg")
    assert samples_in(path) == 40
    meta, _, _, columns = pyogrio.raw.read(path, layer="strata", read_geometry=False)
    strata = dict(zip(meta["fields"], columns, strict=True))
    assert (strata["seed"][0], strata["shore_px"][0], min(strata["samples"])) == (3, 5, 10)


def test_the_same_seed_draws_the_same(water: Path, tmp_path: Path) -> None:
    sample = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert run(["sample-design", str(water), "--n", "200", "--seed", seed, "--out", f"{name}.gpkg"]) == 0
        _, _, points, (_, _, _, strata) = pyogrio.raw.read(tmp_path / f"{name}.gpkg", layer="samples")
        sample.append((points.tolist(), strata.tolist()))
    assert sample[0] == sample[1] != sample[2]


def test_answers_are_never_replaced(water: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample-design", str(water), "--n", "200"]) == 0
    assert run(["sample-design", str(water), "--n", "300"]) == 0  # nobody has answered
    path = water.with_name("lake_samples.gpkg")
    answer(path, {17: 0})
    before = path.read_bytes()
    capsys.readouterr()
    assert run(["sample-design", str(water), "--n", "200"]) == 2
    said = capsys.readouterr()
    assert "somebody has entered answers for 1 of its samples, which would be lost: name another --out" in said.err
    assert (said.out, said.err.count("\n"), path.read_bytes()) == ("", 1, before)


def test_a_sample_of_a_remote_raster_lies_here(water: Path, web: Web, tmp_path: Path) -> None:
    shutil.copy(water, web.folder / "far_water.tif")
    assert run(["sample-design", f"{web.url}/far_water.tif", "--n", "200"]) == 0
    assert samples_in(tmp_path / "far_samples.gpkg") == 200


def test_a_tiny_raster_is_drawn_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes = np.zeros((2, 4), np.uint8)
    codes[0, 0] = 1
    path = str(write_water(tmp_path / "pond_water.tif", codes, make_grid(4, 2)))
    assert run(["sample-design", path, "--error", "10"]) == 0
    said = capsys.readouterr()
    assert "8 samples" in said.out
    assert "note" not in said.err
    assert "Expected 95 % interval of the water area: ± 0 km2, 0.0% of what is mapped" in said.out
    assert run(["sample-design", path, "--n", "300"]) == 0
    said = capsys.readouterr()
    assert "8 samples" in said.out
    assert f"note: {path}: shows 8 pixels of water and land, all of which are drawn" in said.err
    one = str(write_water(tmp_path / "one_water.tif", np.ones((1, 1), np.uint8), make_grid(1, 1)))
    assert run(["sample-design", one, "--n", "300"]) == 0
    said = capsys.readouterr()
    assert "1 sample " in said.out
    assert "shows 1 pixel of water" in said.err


def test_an_interval_longer_than_the_water_is_no_share_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = np.zeros((120, 150), np.uint8)
    codes[60, 70] = 1
    path = str(write_water(tmp_path / "pond_water.tif", codes, make_grid(150, 120)))
    assert run(["sample-design", path, "--n", "300"]) == 0
    said = capsys.readouterr().out
    assert "Expected 95 % interval of the water area: ± 0.0" in said
    assert "of what is mapped" not in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["WATER"], 2, "--n or --error is needed to say how many samples: give --error 10 for ± 10 %, or --n 300"),
        (["WATER", "--n", "300", "--error", "10"], 2, "n and error are two ways"),
        (
            ["WATER", "--n", "100"],
            2,
            "too few for 50 of each of 3 strata: draw 150, or fewer of each with --least 33",
        ),
        (["WATER", "--n", "300", "--out", "s.shp"], 2, "give a name that ends in .gpkg"),
        (["WATER", "--n", "300", "--out", "s3://bucket/s.gpkg"], 2, "outputs go to local folders"),
        (["absent.tif", "--n", "300"], 3, "absent.tif: no such file"),
        (["DRY", "--error", "10"], 2, "no water is mapped, so that --error is a share of nothing: give --n 300"),
        (["EMPTY", "--n", "300"], 3, "holds no data, there is nothing to sample"),
    ],
)
def test_mistakes_are_one_line(
    water: Path, tmp_path: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rasters = {
        "WATER": water,
        "DRY": write_water(tmp_path / "dry_water.tif", CODES * 0, make_grid()),
        "EMPTY": write_water(tmp_path / "empty_water.tif", np.full((9, 9), 255), make_grid()),
    }
    before = listing(tmp_path)
    assert run(["sample-design", *(str(rasters.get(word, word)) for word in words)]) == code
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("rows")]
    assert len(error) == 1
    assert said in error[0]
    assert listing(tmp_path) == before
    assert listing(water.parent) == ["lake_water.tif"]
