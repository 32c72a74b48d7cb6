"""The graphs that are sent to Earth Engine, pinned: nothing changes in what is asked without someone deciding it."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watermap.config import ExportConfig
from watermap.earthengine import expressions
from watermap.earthengine.session import Session

GRAPHS = Path(__file__).with_name("graphs")

REGION = {"type": "Polygon", "coordinates": [[[14, 47], [15, 47], [15, 48], [14, 48], [14, 47]]]}
SCENES = ["20230604T100601_20230604T100559_T33TWN", "20230614T100601_20230614T100559_T33TWN"]


def config(**settings: Any) -> ExportConfig:
    return ExportConfig(start="2023-06-01", end="2023-06-30", **settings)


CASES: dict[str, Callable[[], Any]] = {
    "listing": lambda: expressions.listing(REGION, config(), most=5000),
    "emptiness": lambda: expressions.emptiness(REGION, config()),
    "image": lambda: expressions.image(SCENES[:1], config()),
    "image_without_clouds": lambda: expressions.image(SCENES[:1], config(cloud_score=0.6)),
    "median": lambda: expressions.image(SCENES, config(composite="median")),
    "median_without_clouds": lambda: expressions.image(SCENES, config(composite="median", cloud_score=0.6)),
    "label_hansen": lambda: expressions.label(SCENES[:1], config(label="hansen")),
    "label_jrc": lambda: expressions.label(SCENES[:1], config(label="jrc")),
    "label_dynamic_world": lambda: expressions.label(SCENES[:1], config(label="dynamic-world")),
    "label_dynamic_world_median": lambda: expressions.label(SCENES, config(label="dynamic-world", composite="median")),
    "label_worldcover": lambda: expressions.label(SCENES[:1], config(label="worldcover")),
    "label_consensus": lambda: expressions.label(SCENES[:1], config(label="consensus")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_graph_is_what_it_was(name: str, connected: Session) -> None:
    graph = json.loads(CASES[name]().serialize(for_cloud_api=True))
    found = json.dumps(graph, indent=1, sort_keys=True) + "\n"
    path = GRAPHS / f"{name}.json"
    if os.environ.get("WATERMAP_PIN_GRAPHS"):
        GRAPHS.mkdir(exist_ok=True)
        path.write_text(found)
    pinned = path.read_text()
    if found != pinned:
        difference = difflib.unified_diff(pinned.splitlines(), found.splitlines(), "pinned", "now", lineterm="", n=2)
        pytest.fail(
            f"What Earth Engine is asked for ({name}) has changed. Every export made with this graph gets new request "
            "ids: finished scenes will not be recognised, and users are told that they were exported with other "
            "settings. If that is meant, run this file once with WATERMAP_PIN_GRAPHS=1, read the difference in review, "
            "and say in the changelog how the pixels change. If not, a change of ours or of the client did it:\n"
            + "\n".join(difference),
            pytrace=False,
        )


def test_every_label_has_its_sources_named() -> None:
    assert expressions.label_assets(config(label="none")) == ""
    assert expressions.label_assets(config(label="jrc")) == "JRC/GSW1_4/GlobalSurfaceWater"
    assert expressions.label_assets(config(label="hansen", hansen_asset="UMD/other")) == "UMD/other"
    assert len(expressions.label_assets(config(label="consensus")).split(", ")) == 4
