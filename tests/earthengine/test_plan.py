"""What an export costs, and the tiles in which it is asked for."""

from __future__ import annotations

from tests.support.rasters import make_grid
from watermap.bands import STANDARD_BANDS
from watermap.config import EarthEngineConfig
from watermap.earthengine.plan import Request, tile_side, tiles
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
