"""`watermap labels`, as it is typed."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.labels.scenes import GRID, write_lake
from tests.support.folders import listing
from tests.support.waters import write_water
from watermap.cli.main import run


def test_a_comparison_is_told_drawn_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, coarse, truth = write_lake(tmp_path)
    assert run(["labels", "compare", str(truth), str(coarse), "--out", str(tmp_path / "out")]) == 0
    name = "truth_vs_coarse_disagreement"
    assert listing(tmp_path / "out") == [f"{name}{end}" for end in (".csv", ".png", ".qml", ".tif")]
    said = capsys.readouterr().out
    assert all(word in said for word in ("truth and coarse", "agreement 0.9", "water IoU 0.9", "within 3 px"))
    assert "2 water in the first only" in said


def test_a_consensus_says_how_much_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, coarse, truth = write_lake(tmp_path)
    out = tmp_path / "out" / "label.tif"
    stated = ["--coarse-m", f"{coarse}=30", "--ignore-shore", "1", "--agree", "2"]
    assert run(["labels", "consensus", str(truth), str(coarse), *stated, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert all(word in said.out for word in ("Consensus", "land", "water", "unknown", "sources differ"))
    assert "coarse.tif: has no say within 3 px" in said.err
    assert "truth.tif: has no say within 1 px" in said.err
    with rasterio.open(out) as raster:
        assert set(np.unique(raster.read(1))) == {0, 1, 255}


def test_a_label_is_refined_and_every_pixels_fate_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, coarse, _ = write_lake(tmp_path)
    out = tmp_path / "out" / "label.tif"
    assert run(["labels", "refine", str(coarse), str(image), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert all(word in said.out for word in ("What became of the coarse label", "changed", "not wet", "196 "))
    assert "by mndwi: wet from 0." in said.err
    assert listing(out.parent) == ["label.qml", "label.tif"]


def test_a_folder_of_scenes_is_refined_and_can_be_tiled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_lake(tmp_path / "scenes" / name)
    new = tmp_path / "new"
    command = ["labels", "refine", str(tmp_path / "scenes"), "--label", "coarse.tif", "--out", str(new)]
    assert run(command) == 0
    assert "changed" in (said := capsys.readouterr().out)
    assert f"watermap tile {new}" in said.replace("\n", "")
    assert run(command) == 0
    assert capsys.readouterr().out.count("kept") == 2
    tile = ["tile", str(new), "--out", str(tmp_path / "patches"), "--patch-size", "32", "--bands", "B3,B11"]
    assert run([*tile, "--min-water", "0", "--max-water", "1", "--block-patches", "1"]) == 0
    (tmp_path / "scenes" / "a" / "coarse.tif").unlink()
    assert run(command) == 6
    assert "1 of 2 scenes failed" in capsys.readouterr().err
    (tmp_path / "scenes" / "b" / "coarse.tif").unlink()
    assert run(command) == 3


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["compare", "truth.tif", "truth.tif"], 2, "given twice"),
        (["compare", "truth.tif", "image.tif"], 3, "6 bands, but a label has one"),
        (["compare", "truth.tif", "absent.tif"], 3, "absent.tif"),
        (["consensus", "truth.tif", "--out", "x.tif"], 2, "two labels or more"),
        (["consensus", "truth.tif", "coarse.tif", "--agree", "some", "--out", "x.tif"], 2, "--agree some"),
        (["consensus", "truth.tif", "coarse.tif", "--agree", "3", "--out", "x.tif"], 2, "3 of 2"),
        (["consensus", "truth.tif", "coarse.tif", "--coarse-m", "a=30", "--out", "x.tif"], 2, "none of the sources"),
        (["consensus", "truth.tif", "coarse.tif", "--coarse-m", "-3", "--out", "x.tif"], 2, "no size in metres"),
        (["consensus", "truth.tif", "coarse.tif", "--ignore-shore", "99", "--out", "x.tif"], 2, "ignore_shore_px"),
        (["refine", "coarse.tif", "--out", "x.tif"], 2, "name its image too"),
        (["refine", "coarse.tif", "image.tif", "--label", "a", "--out", "x.tif"], 2, "--label is for a folder"),
        (["refine", "image.tif", "image.tif", "--out", "x.tif"], 3, "6 bands, but a label has one"),
        (["refine", "coarse.tif", "image.tif", "--shore-m", "0", "--out", "x.tif"], 2, "shore_m"),
        (["refine", "coarse.tif", "image.tif", "--out", "image.tif"], 2, "image.tif: is one of the files that are"),
        (["refine", "coarse.tif", "image.tif", "--out", "coarse.tif"], 2, "coarse.tif: is one of the files that are"),
        (["refine", "absent", "--out", "new"], 3, "no such folder"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    write_lake(tmp_path)
    before = listing(tmp_path)
    assert run(["labels", *words]) == code
    said = capsys.readouterr().err
    assert told in said
    assert len(said.strip().splitlines()) == 1
    assert listing(tmp_path) == before


def test_a_label_with_other_codes_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, coarse, _ = write_lake(tmp_path)
    odd = write_water(tmp_path / "odd.tif", np.full(GRID.shape, 2), GRID)
    assert run(["labels", "compare", str(odd), str(coarse), "--out", str(tmp_path / "out")]) == 3
    assert run(["labels", "refine", str(odd), str(image), "--out", str(tmp_path / "out" / "x.tif")]) == 3
    assert capsys.readouterr().err.count("odd.tif: holds 2, but a label is 0 land") == 2
    assert not (tmp_path / "out").exists()
