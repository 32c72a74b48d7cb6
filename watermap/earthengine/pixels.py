"""The local route: pixels asked for in tiles, several at once, each kept on disk until its raster is whole."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from rasterio.windows import Window

from watermap.earthengine.failures import FailureKind, ServiceError, UnusableAnswerError
from watermap.earthengine.plan import Request, pixel_grid, tile_side, tiles
from watermap.earthengine.session import Session, StoppedError
from watermap.earthengine.tiles import Tile, open_tile, tile_on_disk
from watermap.io.files import writing

_SMALLEST_SIDE: Final = 64
"""A refusal of a tile this small is not about its size."""

_Tile = tuple[int, int, int, int]


class TileLimit:
    """The smallest tile that the service has lately found too large; shared by all threads."""

    def __init__(self) -> None:
        self._refused: int | None = None
        self._lock = threading.Lock()

    def allows(self, window: Window) -> bool:
        """Whether a tile of this size is worth asking for."""
        return self._refused is None or window.width * window.height < self._refused

    def lower(self, window: Window) -> None:
        """This tile was refused, and its quarters were made: so it was its size."""
        with self._lock:
            pixels = int(window.width * window.height)
            self._refused = pixels if self._refused is None else min(self._refused, pixels)


def fetch(
    session: Session,
    request: Request,
    folder: Path,
    *,
    limit: TileLimit,
    workers: Executor,
    step: Callable[[], None],
) -> list[Tile]:
    """Bring a raster's tiles to a folder; those already there are kept.

    A tile that the service refuses is asked for again in quarters, down to 64 px; where that helps, later tiles as
    large as that are asked for in quarters at once.

    Args:
        session: what requests go through.
        request: the raster.
        folder: for the tiles; made if absent.
        limit: what is known of sizes, for rasters like this one.
        workers: of as many threads as there may be requests in flight.
        step: called after each tile of the plan.

    Raises:
        ServiceError: a tile failed for good.
        DataError: a tile cannot be written.
    """
    there = _sizes_there(folder)

    given_up = threading.Event()

    def one(window: Window) -> list[Tile]:
        if given_up.is_set():
            return []
        try:
            found = _fetch_window(session, request, folder, window, limit, there)
        except BaseException:
            given_up.set()  # one tile is missing for good: the others need not begin
            raise
        step()
        return found

    windows = tiles(request.grid, tile_side(request.pixel_bytes, session.config))
    waiting = [workers.submit(one, window) for window in windows]
    try:
        return [tile for future in waiting for tile in future.result()]
    finally:
        for future in waiting:  # after a failure, what has not begun is not begun
            future.cancel()


def _fetch_window(
    session: Session, request: Request, folder: Path, window: Window, limit: TileLimit, there: set[_Tile]
) -> list[Tile]:
    """The pieces of one window: itself, or its quarters where it is too large."""
    if session.stop.is_set():
        raise StoppedError
    path = folder / _file_name(window)
    tile = tile_on_disk(path, request) if path.exists() else None
    small = max(window.width, window.height) <= _SMALLEST_SIDE
    refused = False
    if tile is None and (small or (limit.allows(window) and not _has_smaller(there, window))):
        try:
            tile = _fetch_tile(session, request, path, window)
        except ServiceError as error:
            if error.failure.kind is not FailureKind.REFUSED or small:
                raise
            refused = True
    if tile is not None:
        return [tile]
    parts = [_fetch_window(session, request, folder, part, limit, there) for part in _quarters(window)]
    if refused:
        limit.lower(window)
    return [each for part in parts for each in part]


def _fetch_tile(session: Session, request: Request, path: Path, window: Window) -> Tile:
    import ee

    params = {"expression": request.graph, "fileFormat": "GEO_TIFF", "grid": pixel_grid(request.grid.crop(window))}

    def call() -> Tile:
        content = ee.data.computePixels(params)
        with writing(path) as part:
            part.write_bytes(content)
            tile = open_tile(part, request)
            if (tile.window.col_off, tile.window.row_off) != (window.col_off, window.row_off):
                raise UnusableAnswerError("the pixels are of another place than the one asked for")
        return Tile(path, tile.window)

    return session.send(call, about=f"computing pixels of the {request.raster}")


def _file_name(window: Window) -> str:
    return f"{window.row_off}_{window.col_off}_{window.height}x{window.width}.tif"


def _sizes_there(folder: Path) -> set[_Tile]:
    """(row, col, rows, cols) of the tiles that earlier runs left."""
    named = (re.fullmatch(r"(\d+)_(\d+)_(\d+)x(\d+)\.tif", path.name) for path in folder.glob("*.tif"))
    return {(int(row), int(col), int(rows), int(cols)) for row, col, rows, cols in (m.groups() for m in named if m)}


def _has_smaller(there: set[_Tile], window: Window) -> bool:
    """Whether an earlier run had to ask for a part of this window by itself."""
    bottom, right = window.row_off + window.height, window.col_off + window.width
    return any(
        window.row_off <= row < bottom and window.col_off <= col < right and rows * cols < window.height * window.width
        for row, col, rows, cols in there
    )


def _quarters(window: Window) -> list[Window]:
    """A window's four quarters, or its halves where it is narrow."""
    rows = _halves(window.row_off, window.height)
    cols = _halves(window.col_off, window.width)
    return [Window(col, row, width, height) for row, height in rows for col, width in cols]


def _halves(start: int, length: int) -> list[tuple[int, int]]:
    if length <= _SMALLEST_SIDE:
        return [(start, length)]
    first = (length + 1) // 2
    return [(start, first), (start + first, length - first)]
