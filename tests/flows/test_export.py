"""Scenes by a flow, from the loopback Earth Engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.export import check_origin, export_flow
from flows.rows import FAILED, KEPT, MADE
from tests.earthengine.asking import CLEAR, CLOUDY, config
from tests.earthengine.runs import assert_scenes_are_right
from tests.earthengine.world import World
from watermap.errors import PartialFailureError, UsageError


def test_an_area_becomes_scenes_once(given: dict[str, Any], world: World, tmp_path: Path) -> None:
    rows = export_flow(tmp_path / "scenes", export=config(), **given)
    assert {row.scene: row.state for row in rows} == dict.fromkeys(CLEAR, MADE)
    assert_scenes_are_right(world, tmp_path / "scenes")
    rows = export_flow(tmp_path / "scenes", export=config(), **given)
    assert {row.state for row in rows} == {KEPT}


def test_a_share_of_scenes_may_fail(given: dict[str, Any], tmp_path: Path) -> None:
    settings = config(label="dynamic-world", max_cloud=50)
    rows = export_flow(tmp_path / "scenes", export=settings, allowed_failures=0.2, **given)
    assert [row.scene for row in rows if row.state == FAILED] == [CLOUDY]
    with pytest.raises(PartialFailureError):
        export_flow(tmp_path / "scenes", export=settings, allowed_failures=0.1, **given)


def test_nothing_new_is_no_failure(given: dict[str, Any], tmp_path: Path) -> None:
    assert export_flow(tmp_path / "scenes", export=config(start="2023-01-01", end="2023-01-31"), **given) == []


def test_what_a_run_would_not_find_again_is_refused(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not on this machine"):
        export_flow(tmp_path / "scenes", export=config(to="drive"), **given)
    for name in ("sample_00_20220423", "T33TTN_20230614"):
        (tmp_path / name / "scenes" / name).mkdir(parents=True)
        (tmp_path / name / "scenes" / name / "image.tif").touch()
    check_origin(tmp_path / "sample_00_20220423" / "scenes", None)
    check_origin(tmp_path / "T33TTN_20230614" / "scenes", "1,2,3,4")
    check_origin(tmp_path / "absent", None)
    for name, area in (("sample_00_20220423", "1,2,3,4"), ("T33TTN_20230614", None)):
        with pytest.raises(UsageError, match="a folder each"):
            check_origin(tmp_path / name / "scenes", area)
