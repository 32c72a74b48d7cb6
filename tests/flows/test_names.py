"""What a run is called."""

from __future__ import annotations

from typing import Any

import pytest

from flows.names import about


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"area": "places/chiemsee.geojson", "scenes": "x"}, "chiemsee"),
        ({"area": "12.3,47.8,12.6,48.0"}, "12.3,47.8,12.6,48.0"),
        (
            {"area": "POLYGON ((" + "12.25 47.75, " * 9 + "))"},
            "POLYGON ((12.25 47.75, 12.25 47.75, 12.25 47.75, 12.25 47...",
        ),
        ({"area": None, "folder": "data"}, "sample scenes"),
        ({"area": None, "out": "data/held_out"}, "sample scenes for held_out"),
        ({"scenes": ["data/scenes"], "out": "maps"}, "data/scenes"),
        ({"scenes": ["a/one.tif", "two.tif", "three.tif"]}, "one and 2 more"),
        ({"scenes": ["https://host/a.tif?sig=SECRET", "b.tif"]}, "a and 1 more"),
        ({"patches": "data/patches"}, "data/patches"),
    ],
)
def test_a_name_says_what_a_run_is_about(parameters: dict[str, Any], name: str) -> None:
    assert about(parameters) == name
