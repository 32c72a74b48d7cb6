"""Scenes by a flow, from the loopback Earth Engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.export import export_flow
from flows.rows import FAILED, KEPT, MADE
from tests.earthengine.asking import CLEAR, CLOUDY, config
from tests.earthengine.runs import assert_scenes_are_right
from tests.earthengine.world import World
from watermap.errors import PartialFailureError


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
