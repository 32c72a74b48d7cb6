"""What only the real service can show. Off unless WATERMAP_LIVE_PROJECT names a project that the login may use.

WATERMAP_LIVE_PROJECT=my-project [WATERMAP_LIVE_BUCKET=my-bucket] pytest tests/earthengine/test_live.py
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.earthengine.runs import read_raster, scene_names
from watermap.cli.main import run

PROJECT = os.environ.get("WATERMAP_LIVE_PROJECT")
BUCKET = os.environ.get("WATERMAP_LIVE_BUCKET")

AREA = "12.40,47.84,12.44,47.87"
"""A corner of the Chiemsee: water and land."""

pytestmark = pytest.mark.skipif(PROJECT is None, reason="WATERMAP_LIVE_PROJECT names no Earth Engine project")


def words(out: Path, *more: str) -> list[str]:
    period = ["--start", "2023-06-01", "--end", "2023-07-31", "--max-cloud", "20", "--limit", "1"]
    return ["export", AREA, *period, "--project", str(PROJECT), "--out", str(out), *more]


@pytest.mark.parametrize("label", ["hansen", "jrc", "dynamic-world", "worldcover", "consensus"])
def test_every_label_on_the_local_route(label: str, tmp_path: Path) -> None:
    out = tmp_path / "scenes"
    assert run(words(out, "--label", label)) == 0
    (name,) = scene_names(out)
    with rasterio.open(out / name / "image.tif") as image, rasterio.open(out / name / "label.tif") as codes:
        assert (image.transform, image.shape, image.crs) == (codes.transform, codes.shape, codes.crs)
        values, found = image.read(), codes.read(1)
    assert 0 < np.median(values[values != 65535]) < 10_000
    assert {0, 1} <= set(np.unique(found)) <= {0, 1, 255}
    assert values[3][found == 1].mean() < values[3][found == 0].mean()  # near infrared: water is darker


def test_a_composite_and_the_same_again(tmp_path: Path) -> None:
    more = ["--composite", "median", "--cloud-score", "0.6"]
    assert run(words(tmp_path / "a", *more)) == 0
    assert run(words(tmp_path / "a", *more)) == 0


@pytest.mark.skipif(BUCKET is None, reason="WATERMAP_LIVE_BUCKET names no bucket")
def test_both_routes_give_the_same_pixels(tmp_path: Path) -> None:
    assert run(words(tmp_path / "local")) == 0
    assert run(words(tmp_path / "gcs", "--to", "gcs", "--bucket", str(BUCKET))) == 0
    (name,) = scene_names(tmp_path / "local")
    for raster in ("image.tif", "label.tif"):
        one, other = tmp_path / "local" / name / raster, tmp_path / "gcs" / name / raster
        np.testing.assert_array_equal(read_raster(one)[0], read_raster(other)[0])
