"""Scenes and their items in tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pystac.validation import validate_dict

from tests.support.rasters import make_grid, write_scene
from watermap.geo.grid import Grid
from watermap.scenes.stac import SceneFacts, write_item

MOMENT = datetime(2023, 6, 1, 10, 15, 20, 123_000, tzinfo=UTC)
FACTS = SceneFacts(
    sensed=(MOMENT, MOMENT),
    source="COPERNICUS/S2_SR_HARMONIZED/20230601T101031_20230601T101354_T33UVP",
    cloud_percent=0.4,
    label="hansen",
    label_source="UMD/hansen/global_forest_change_2025_v1_13",
    requests={"label": "wm-label-2", "image": "wm-image-1"},
)
GRID = make_grid(40, 24)


def describe(folder: Path, name: str = "lake", grid: Grid = GRID, facts: SceneFacts = FACTS) -> dict[str, Any]:
    """Write a scene and its item; returns the item."""
    write_scene(folder, name, grid)
    item: dict[str, Any] = json.loads(write_item(folder / name, name, facts).read_text(encoding="utf-8"))
    return item


def is_valid(item: dict[str, Any]) -> bool:
    """Whether the core schemas that come with pystac hold; those of extensions are on the internet."""
    return bool(validate_dict(item, extensions=[]))
