"""Somebody who interprets samples, in a program that knows nothing of watermap."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio

from watermap.geo.grid import Grid


def edit(path: Path, *commands: str) -> None:
    """Change a GeoPackage."""
    with sqlite3.connect(path) as file:
        triggers = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for trigger in triggers:
            file.execute(f'DROP TRIGGER "{trigger}"')  # they call functions that sqlite3 lacks
        for command in commands:
            file.execute(command)
        counted = "SET feature_count = (SELECT count(*) FROM samples)"  # as a trigger would have kept it
        file.execute("UPDATE gpkg_ogr_contents " + counted + " WHERE table_name = 'samples'")


def answer(path: Path, answers: Mapping[int, object]) -> None:
    """Enter answers by the samples' ids; None takes one back."""
    edit(path)
    with sqlite3.connect(path) as file:
        for number, code in answers.items():
            file.execute("UPDATE samples SET truth = ? WHERE id = ?", (code, number))


def answer_by(path: Path, truth: npt.NDArray[np.uint8], grid: Grid, *, first: int | None = None) -> None:
    """Answer samples as somebody who knows the truth (rows, cols), and no more than the first by id."""
    _, _, points, (ids, *_) = pyogrio.raw.read(path, layer="samples")
    answers = {}
    for number, point in zip(ids.tolist(), points, strict=True):
        col, row = ~grid.transform @ tuple(np.frombuffer(point[5:], dtype="<f8"))
        if first is None or number <= first:
            answers[number] = int(truth[int(row), int(col)])
    answer(path, answers)
