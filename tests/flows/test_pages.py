"""What a run shows on its page, on a real server."""

from __future__ import annotations

import base64
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from flows.pages import show_files, show_picture, show_rows
from flows.rows import FAILED, MADE, Row
from tests.flows.artifacts import newest, newest_table


@flow
def showing(rows: list[Row]) -> str:
    """Shows some rows; returns its own id."""
    show_rows("shown-rows", "Some rows", rows)
    return str(flow_run.id)


def test_areas_have_a_column_where_any_was_measured() -> None:
    showing([Row("lake", MADE), Row("pond", FAILED, "damaged")])
    assert newest_table("shown-rows") == [
        {"scene": "lake", "state": "made", "note": ""},
        {"scene": "pond", "state": "failed", "note": "damaged"},
    ]
    showing([Row("lake", MADE, water_km2=1.23456), Row("pond", FAILED, "damaged")])
    assert newest_table("shown-rows") == [
        {"scene": "lake", "state": "made", "water km²": "1.235", "note": ""},
        {"scene": "pond", "state": "failed", "water km²": "", "note": "damaged"},
    ]


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
