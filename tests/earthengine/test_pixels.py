"""Tiles of the local route, where the service is too slow to be asked: sizes, and what is remembered of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rasterio.windows import Window

from tests.support.rasters import make_grid
from watermap.bands import STANDARD_BANDS
from watermap.config import EarthEngineConfig
from watermap.earthengine import pixels
from watermap.earthengine.failures import Failure, FailureKind, ServiceError
from watermap.earthengine.pixels import TileLimit, fetch
from watermap.earthengine.plan import Request, tile_side, tiles
from watermap.earthengine.tiles import Tile
from watermap.io.layouts import image_layout

WHOLE = Request("watermap-x", "image", None, make_grid(10_980, 10_980), image_layout(STANDARD_BANDS), {})
"""A whole Sentinel-2 tile in six bands."""


def session() -> Any:
    return SimpleNamespace(config=EarthEngineConfig(), stop=SimpleNamespace(is_set=lambda: False))


def service(most: int, asked: list[int]) -> Any:
    """What makes tiles of at most so many pixels."""

    def answer(_session: Any, _request: Request, path: Path, window: Window) -> Tile:
        asked.append(int(window.width * window.height))
        if asked[-1] > most:
            raise ServiceError("too large", failure=Failure(FailureKind.REFUSED, 400, "too large"))
        return Tile(path, window)

    return answer


def test_one_size_that_is_too_large_costs_few_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pixels, "_fetch_tile", service(2_000_000, asked))
    limit = TileLimit()
    planned = len(tiles(WHOLE.grid, tile_side(WHOLE.pixel_bytes, EarthEngineConfig())))
    with ThreadPoolExecutor(1) as workers:
        for _ in range(3):
            found = fetch(session(), WHOLE, tmp_path, limit=limit, workers=workers, step=lambda: None)
    assert sum(tile.window.width * tile.window.height for tile in found) == 10_980**2
    assert len(asked) < 3 * 4 * planned
    assert sum(size > 2_000_000 for size in asked) == 1


def test_what_is_refused_in_every_size_says_nothing_of_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(pixels, "_fetch_tile", service(0, asked))
    limit = TileLimit()
    with ThreadPoolExecutor(1) as workers, pytest.raises(ServiceError):
        fetch(session(), WHOLE, tmp_path, limit=limit, workers=workers, step=lambda: None)
    assert len(asked) < 20  # one tile down to the smallest size, and perhaps the next that was begun
    assert limit.allows(Window(0, 0, 10_980, 10_980))
