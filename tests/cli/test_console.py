"""Tables that fit a terminal."""

from __future__ import annotations

import pytest

from watermap.cli import console
from watermap.cli.console import table

ROW = [f"{number},234,567.89 ± 0.12" for number in range(1, 7)]


@pytest.mark.parametrize("columns", [1, 2, 4, 6])
@pytest.mark.parametrize("name", ["lake", "T34TEM_20230601_lake_of_the_many_long_words_in_its_name"])
def test_a_table_fits_80_columns_and_shows_every_number(
    columns: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    headings = [f"expected error {number} of the area" for number in range(columns)]
    table("Areas", ["scene", *headings], [[name, *ROW[:columns]], ["other", *ROW[:columns]]])
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert all(shown.count(f" {cell} ") == 2 for cell in ROW[:columns])
    assert "…" not in shown
    assert name in "".join(line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│"))


def test_a_table_that_fits_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    table("Two", ["a", "b"], [["x", 1], ["y", 22]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["Two", "┏━━━┳━━━━┓", "┃ a ┃  b ┃", "┡━━━╇━━━━┩", "│ x │  1 │", "│ y │ 22 │", "└───┴────┘"]


def test_columns_that_do_not_fit_are_continued_with_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    table("Wide", ["model", *"abcdef"], [["unet", *ROW]])
    shown = capsys.readouterr().out
    assert shown.count("model") == shown.count("unet") == 2
    assert shown.count("Wide") == 1


def test_a_sentence_in_a_cell_goes_on_below(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "openvino, bfloat16 or keras with tensorflow, float32, whichever of the two is there on this machine"
    table("Engines", ["model", "engine"], [["unet", sentence]])
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "tensorflow," in shown


def test_brackets_in_a_name_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    table("Scenes [new]", ["scene [name]", "water"], [["lake[red]", "1 %"]])
    shown = capsys.readouterr().out
    assert "lake[red]" in shown
    assert "scene [name]" in shown
    assert "Scenes [new]" in shown


def test_lines_in_a_log_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    console.console.print("bundle in " + "data/models/" * 20, markup=False)
    assert capsys.readouterr().out == "bundle in " + "data/models/" * 20 + "\n"
