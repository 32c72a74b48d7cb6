"""What a run shows on its page, on a real server."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.runtime import flow_run

from flows import pages
from flows.pages import show_files, show_picture, show_rows
from flows.rows import FAILED, MADE, Row
from tests.flows.artifacts import newest


@flow
def showing(rows: list[Row]) -> str:
    """Shows some rows; returns its own id."""
    show_rows("shown-rows", "Some rows", rows)
    return str(flow_run.id)


def test_areas_of_all_scenes_stand_in_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(pages, "_publish", shown.append)
    rows = [Row("lake", MADE, "", 12.3456), Row("broken", FAILED, "no"), Row("pond", MADE, "", 0.0001)]
    pages.show_rows("predictions", "3 scenes", rows)
    pages.show_rows("patches", "cut", [Row("lake", MADE, "5 patches")])
    predictions, patches = (each.table for each in shown)
    assert [row["water km²"] for row in predictions] == ["12.345600", "", "0.000100"]
    assert patches == [{"scene": "lake", "state": MADE, "note": "5 patches"}]


def test_what_a_part_shows_also_stands_on_the_page_of_the_whole() -> None:
    @flow
    def whole() -> tuple[str, str]:
        return str(flow_run.id), showing([])

    outer, inner = whole()
    assert outer != inner
    assert newest("shown-rows")["flow_run_id"] == outer  # the part's own page had it first


def test_a_picture_is_carried_in_the_page_and_files_are_linked(tmp_path: Path) -> None:
    picture = tmp_path / "two words.png"
    picture.write_bytes(b"\x89PNG and more")

    @flow
    def show() -> None:
        show_picture("shown-picture", "A lake", picture)
        show_files("shown-files", "Results", [picture])

    show()
    data = newest("shown-picture")["data"]
    assert data == f"### A lake\n\n![A lake](data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()})\n"
    assert newest("shown-files")["data"] == f"### Results\n\n- [two words.png]({picture.as_uri()}) `{picture}`\n"
