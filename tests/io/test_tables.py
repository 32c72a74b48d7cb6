"""Tables in files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from watermap.errors import DataError
from watermap.io.tables import markdown_table, write_csv, write_records


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "new" / "t.csv", ("name", "km²"), [("a,b", 1.5), ('say "c"', None)])
    assert path.read_bytes() == 'name,km²\n"a,b",1.5\n"say ""c""",\n'.encode()
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["name", "km²"], ["a,b", "1.5"], ['say "c"', ""]]


def test_a_table_that_breaks_off_does_not_appear(tmp_path: Path) -> None:
    def rows() -> Iterator[tuple[int]]:
        yield (1,)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_csv(tmp_path / "t.csv", ("n",), rows())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_csv(tmp_path / "file" / "t.csv", ("n",), [])


def test_records_need_not_name_the_same_columns(tmp_path: Path) -> None:
    path = write_records(tmp_path / "t.csv", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "rate": 0.1}])
    assert path.read_text() == "epoch,loss,rate\n1,0.5,\n2,,0.1\n"


def test_a_cell_of_markdown_cannot_be_ended_by_its_text() -> None:
    assert markdown_table(("a", "b"), [("x|y\nz", "1")]) == ["| a | b |", "| --- | --- |", "| x\\|y z | 1 |"]
    assert markdown_table(("a", "b", "c"), [], numbers=True)[1] == "| --- | ---: | ---: |"
