from typing import Any

import pytest

from flows import pages
from flows.rows import FAILED, MADE, Row


def test_areas_of_all_scenes_stand_in_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(pages, "_publish", shown.append)
    rows = [Row("lake", MADE, "", 12.3456), Row("broken", FAILED, "no"), Row("pond", MADE, "", 0.0001)]
    pages.show_rows("predictions", "3 scenes", rows)
    pages.show_rows("patches", "cut", [Row("lake", MADE, "5 patches")])
    predictions, patches = (each.table for each in shown)
    assert [row["water km²"] for row in predictions] == ["12.345600", "", "0.000100"]
    assert patches == [{"scene": "lake", "state": MADE, "note": "5 patches"}]
