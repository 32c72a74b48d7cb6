"""`watermap report`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.maps.test_timeline import GRID, write_water
from tests.support.bundles import make_bundle
from tests.support.folders import listing
from watermap.cli.main import run


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    write_water(tmp_path / "maps", "lake_20230101", np.ones(GRID.shape, np.uint8))
    return tmp_path / "maps"


def test_the_page_lies_beside_the_maps_or_where_one_says(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(maps)]) == 0
    assert str(maps / "report.html") in capsys.readouterr().out
    words = ["report", str(maps), "--out", str(tmp_path / "out" / "page.html"), "--title", "Lake & shore"]
    assert run(words) == 0
    assert "<title>Lake &amp; shore</title>" in (tmp_path / "out" / "page.html").read_text(encoding="utf-8")


def test_a_timeline_is_part_of_the_page(maps: Path) -> None:
    assert run(["timeline", str(maps)]) == 0
    assert run(["report", str(maps)]) == 0
    page = (maps / "report.html").read_text(encoding="utf-8")
    assert "Picture of timeline" in page
    assert "water_high_km2" in page


def test_a_bundle_that_did_not_make_the_maps_is_told(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    assert run(["report", str(maps), "--bundle", str(bundle.folder)]) == 0
    assert f"1 of 1 maps do not say that bundle {bundle.id} made them" in capsys.readouterr().err


def test_mistakes_are_one_line_and_leave_nothing(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(tmp_path), "--out", str(tmp_path / "a.html")]) == 3
    assert run(["report", str(maps), "--bundle", str(maps), "--out", str(tmp_path / "a.html")]) == 5
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert listing(tmp_path) == ["maps"]
