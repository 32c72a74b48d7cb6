"""`watermap index`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.maps.lakes import lake_values, write_lakes
from tests.support.folders import listing
from tests.support.processes import loaded_by
from tests.support.rasters import make_grid, write_tif
from watermap.cli.main import run


def test_many_scenes_give_a_table_and_the_files_to_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, name in enumerate("ab"):
        write_lakes(tmp_path / "scenes" / f"{name}.tif", lake_values(seed=seed))
    words = ["--index", "mndwi", "--threshold", "otsu", "--min-area-m2", "1000", "--no-stac"]
    assert run(["index", str(tmp_path / "scenes"), *words, "--out", str(tmp_path / "out"), "--jobs", "2"]) == 0
    shown = capsys.readouterr().out
    assert "mndwi of 2 scenes" in shown
    assert all(heading in shown for heading in ("valid", "threshold", "water of valid"))
    ends = ("mndwi.png", "mndwi.qml", "mndwi.tif", "quicklook.png", "water.qml", "water.tif")
    assert listing(tmp_path / "out") == [f"{name}_{end}" for name in "ab" for end in ends]
    opened = shown.split("Open:\n")[1]
    assert opened.count(str(tmp_path / "out")) == 2 * 4


def test_the_index_alone_has_no_water_to_tell_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = write_lakes(tmp_path / "a.tif")
    assert run(["index", str(scene), "--out", str(tmp_path / "out")]) == 0
    assert "water of valid" not in capsys.readouterr().out
    assert listing(tmp_path / "out") == ["a_ndwi.png", "a_ndwi.qml", "a_ndwi.tif"]


def test_a_threshold_that_says_nothing_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = write_lakes(tmp_path / "land.tif", lake_values(water=0))
    assert run(["index", str(scene), "--threshold", "edge-otsu", "--out", str(tmp_path / "out")]) == 0
    assert "note: " in (told := capsys.readouterr().err)
    assert "NDWI shows no two modes in what lies beside its sharp edges, so 0 is the threshold" in told


def test_a_scene_that_fails_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = write_lakes(tmp_path / "a.tif")
    bad = write_tif(tmp_path / "b.tif", lake_values()[[1]], make_grid(210, 330), names=["B3"])
    out = ["--out", str(tmp_path / "out"), "--threshold", "-0.1"]
    assert run(["index", str(scene), str(bad), *out]) == 6
    said = capsys.readouterr()
    assert "failed" in said.out
    assert "band B8 is missing" in said.err
    assert said.err.splitlines()[-1] == "watermap: 1 of 2 scenes failed: see the lines above; 1 are done"
    assert "a_water.tif" in listing(tmp_path / "out")
    assert run(["index", str(bad), *out]) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--threshold", "ots"], 2, "did you mean otsu?"),
        (["--polygons"], 2, "polygons are of water bodies"),
        (["--min-area-m2", "10"], 2, "min_area_m2 is of water bodies"),
        (["--index", "ndsi"], 2, "'ndsi' is not one of 'ndwi'"),
        (["--out", "s3://bucket"], 2, "outputs go to local folders"),
        (["--bands", "B2,B3"], 3, "it has 6 bands, but 2 were named"),
        (["--clouds", "scl"], 3, "holds no scene classification"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(
    words: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = write_lakes(tmp_path / "a.tif")
    assert run(["index", str(scene), *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert listing(tmp_path) == ["a.tif"]


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "a.tif")
    (tmp_path / "w.toml").write_text('[index]\nindex = "ndvi"\nthreshold = 0.1\n')
    words = ["--config", str(tmp_path / "w.toml"), "--out", str(tmp_path / "out"), "--no-quicklook", "--no-stac"]
    assert run(["index", str(scene), *words, "--no-style"]) == 0
    assert listing(tmp_path / "out") == ["a_ndvi.tif", "a_water.tif"]


def test_it_needs_no_framework(tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "a.tif")
    loaded, _ = loaded_by(["index", str(scene), "--threshold", "otsu", "--out", str(tmp_path / "out")])
    assert loaded == ["0 []"]
