"""What an export costs, and the tiles in which it is asked for."""

from __future__ import annotations

import pytest
from rasterio.crs import CRS

from tests.earthengine.asking import config as asked
from tests.support.rasters import make_grid
from watermap.bands import STANDARD_BANDS
from watermap.config import EarthEngineConfig
from watermap.earthengine.aoi import read_area
from watermap.earthengine.plan import Request, estimate_date, pixel_grid, tile_side, tiles
from watermap.io.layouts import image_layout

WHOLE = Request("watermap-x", "image", None, make_grid(10_980, 10_980), image_layout(STANDARD_BANDS), {})
"""A whole Sentinel-2 tile in six bands."""


def test_tiles_cover_a_grid_once_within_the_limit() -> None:
    config = EarthEngineConfig()
    side = tile_side(WHOLE.pixel_bytes, config)
    assert side * side * WHOLE.pixel_bytes <= 48 * 2**20
    found = tiles(WHOLE.grid, side)
    assert sum(window.width * window.height for window in found) == 10_980**2
    assert len({(window.col_off, window.row_off) for window in found}) == len(found)


def test_a_pixel_that_is_larger_has_smaller_tiles_in_steps_of_64() -> None:
    config = EarthEngineConfig(request_mib=1)
    sides = [tile_side(size, config) for size in (1, 2, 12, 26)]
    assert sides == [1024, 704, 256, 192]
    assert tile_side(2**20, config) == 1
    assert tile_side(2**21, config) == 1  # one pixel is the least that can be asked for


def test_a_grid_is_told_by_its_transform_and_its_crs() -> None:
    told = pixel_grid(make_grid(30, 20, left=500_010, top=5_300_000))
    assert told["dimensions"] == {"width": 30, "height": 20}
    assert told["affineTransform"] == {
        "scaleX": 10.0,
        "shearX": 0.0,
        "translateX": 500_010.0,
        "shearY": 0.0,
        "scaleY": -10.0,
        "translateY": 5_300_000.0,
    }
    assert told["crsCode"] == "EPSG:32633"
    own = CRS.from_proj4("+proj=laea +lat_0=47 +lon_0=12 +ellps=GRS80")
    assert "crsCode" not in pixel_grid(make_grid(crs=own))
    assert CRS.from_wkt(pixel_grid(make_grid(crs=own))["crsWkt"]) == own


@pytest.mark.parametrize(("label", "rasters", "pixel_bytes"), [("hansen", 2, 13), ("none", 1, 12)])
def test_a_date_is_estimated_before_the_service_is_asked(label: str, rasters: int, pixel_bytes: int) -> None:
    area = read_area("14.99,47.0,15.01,47.01")
    found = estimate_date(area, asked(label=label), EarthEngineConfig(request_mib=1))
    assert found.pixels == pytest.approx(area.area_km2 * 1e4, rel=0.03)
    assert found.bytes == found.pixels * pixel_bytes
    assert found.exports == rasters
    assert found.requests == rasters
