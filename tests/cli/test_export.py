"""`watermap export`, as it is typed; what it brings is tested beside Earth Engine's modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import listing
from watermap.cli.main import run

BOX = "-3.5,40,-3.4,40.1"


@pytest.mark.parametrize("box", [BOX, "-.5,40,-.4,40.1", "-3,-4,-2,-3"])
def test_a_box_may_begin_with_a_minus_sign(box: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", box, "--out", "s"]) == 2
    assert "a period is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([BOX, "--last-days", "3", "--to", "gcs"], "to gcs needs a bucket"),
        ([BOX, "--start", "2023-06-02", "--end", "2023-06-01"], "end 2023-06-01 is before start 2023-06-02"),
        ([BOX, "--last-days", "3", "--bands", "B2,B10"], "surface reflectance has no band B10"),
        ([BOX, "--last-days", "3", "--requests", "41"], "requests"),
        (["1,2,3", "--last-days", "3"], "1,2,3"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line_before_anybody_logs_in(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", *words, "--out", "s"]) in (2, 3)
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert listing(tmp_path) == []
