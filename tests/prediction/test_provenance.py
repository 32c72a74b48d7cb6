"""What a raster says it was made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.prediction.provenance import contradiction, provenance, stated_provenance

MADE = {
    "WATERMAP_BUNDLE_ID": "one",
    "WATERMAP_THRESHOLD": "0.5",
    "WATERMAP_CLOUDS": "none",
    "WATERMAP_CONFIG": "{}",
    "WATERMAP_SCENE_SHA256": "ab",
}
OTHERS = {"WATERMAP_SCENE": "lake", "WATERMAP_ENGINE": "keras", "AREA_OR_POINT": "Area"}


def test_it_is_what_decides_the_pixels() -> None:
    assert provenance({**MADE, **OTHERS}) == MADE
    assert provenance({**MADE, **OTHERS} | {"WATERMAP_SCENE_ETAG": "c"})["WATERMAP_SCENE_ETAG"] == "c"
    del (unknown := dict(MADE))["WATERMAP_BUNDLE_ID"]
    assert provenance(unknown) == {}


def test_it_is_read_from_the_raster(tmp_path: Path) -> None:
    path = write_water(tmp_path / "a_water.tif", np.ones((4, 4)), make_grid(4, 4), **MADE, **OTHERS)
    assert stated_provenance(path) == MADE
    assert stated_provenance(tmp_path / "absent.tif") == {}
    path.write_bytes(b"no raster")
    assert stated_provenance(path) == {}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, None),
        (MADE, None),
        ({"WATERMAP_THRESHOLD": "0.7"}, None),
        ({"WATERMAP_BUNDLE_ID": "two"}, "bundle"),
        ({"WATERMAP_SCENE_SHA256": "cd"}, "scene"),
        ({"WATERMAP_SCENE_ETAG": "cd"}, None),
    ],
)
def test_two_rasters_contradict_each_other_in_what_both_say(others: dict[str, str], expected: str | None) -> None:
    assert contradiction(MADE, others) == contradiction(others, MADE) == expected
