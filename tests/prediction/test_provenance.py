"""What a raster says it was made of."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.errors import DataError
from watermap.io.files import file_digest
from watermap.io.products import find_scene
from watermap.prediction.provenance import (
    contradiction,
    min_area_tag,
    provenance,
    scene_tags,
    stated_provenance,
)
from watermap.scenes.clouds import open_clouds

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


def test_of_a_map_by_an_index_it_is_index_and_threshold() -> None:
    by_index = {
        "WATERMAP_INDEX": "ndwi",
        "WATERMAP_INDEX_THRESHOLD": "0",
        "WATERMAP_CONFIG": "{}",
        "WATERMAP_SCENE_SHA256": "ab",
    }
    assert provenance({**by_index, **OTHERS, "WATERMAP_INDEX_RULE": "stated"}) == by_index


def test_a_smallest_body_is_told_where_there_is_one() -> None:
    assert min_area_tag(0) == {}
    assert min_area_tag(1500.0) == {"WATERMAP_MIN_AREA_M2": "1500"}


def test_a_scene_is_named_with_what_it_holds_its_day_and_its_clouds(tmp_path: Path) -> None:
    path = write_water(tmp_path / "lake.tif", np.ones((4, 4)), make_grid(4, 4))
    scene = find_scene(path)
    plain = scene_tags(scene, None, None)
    assert set(plain) == {"WATERMAP_VERSION", "WATERMAP_SCENE", "WATERMAP_SCENE_SHA256"}
    assert (plain["WATERMAP_SCENE"], plain["WATERMAP_SCENE_SHA256"]) == ("lake", file_digest(path))
    with open_clouds(path, make_grid(4, 4), scene) as mask:
        tags = scene_tags(scene, datetime.date(2023, 6, 1), mask)
    assert (tags["DATE"], tags["WATERMAP_CLOUDS"]) == ("2023-06-01", f"sha256:{file_digest(path)}")
    path.unlink()
    with pytest.raises(DataError, match="cannot be read any more"):
        scene_tags(scene, None, None)


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
