"""Tables in files: CSV for programs, Markdown for people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from watermap.io.files import writing


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write a table that appears complete or not at all, in UTF-8 with plain line ends; rows are not kept in memory.

    Args:
        path: of the table.
        columns: their names.
        rows: one value a column; None is left empty.

    Raises:
        UsageError: it would not lie on this machine.
        DataError: it cannot be written.
    """
    with writing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def write_records(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    """Write a table whose columns are whatever any record names, in that order; what a record lacks is left empty.

    Raises:
        UsageError: it would not lie on this machine.
        DataError: it cannot be written.
    """
    columns = list(dict.fromkeys(name for record in records for name in record))
    return write_csv(path, columns, ([record.get(name) for name in columns] for record in records))


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """The lines of a table in Markdown; no text can end its cell, for names of labels and files are anybody's.

    Args:
        columns: their names.
        rows: one text a column.
        numbers: set all columns but the first to the right.
    """
    ruler = ["---", *["---:" if numbers else "---"] * (len(columns) - 1)]
    return ["| " + " | ".join(map(_cell, line)) + " |" for line in (columns, ruler, *rows)]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
