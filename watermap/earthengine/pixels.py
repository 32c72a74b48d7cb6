"""The local route: pixels asked for in tiles, several at once, each kept on disk until its raster is whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

from rasterio.windows import Window

from watermap.earthengine.failures import Kind, ServiceError, UnusableAnswerError
from watermap.earthengine.pieces import Piece, open_piece
from watermap.earthengine.plan import Request, tile_side, tiles
from watermap.earthengine.session import Session, StoppedError
from watermap.files import appearing
from watermap.grid import Grid

_SMALLEST_SIDE: Final = 64
"""A refusal of a tile this small is not about its size."""


class TileLimit:
    """The largest tile that the service has lately been able to make; shared by all threads."""

    def __init__(self) -> None:
        self._pixels: int | None = None
        self._lock = threading.Lock()

    def allows(self, window: Window) -> bool:
        """Whether a tile of this size is worth asking for."""
        return self._pixels is None or window.width * window.height <= self._pixels

    def lower(self, window: Window) -> None:
        """A larger tile was refused, and this one was made."""
        with self._lock:
            pixels = int(window.width * window.height)
            self._pixels = pixels if self._pixels is None else min(self._pixels, pixels)


def fetch(
    session: Session,
    request: Request,
    folder: Path,
    *,
    limit: TileLimit,
    pool: Executor,
    step: Callable[[], None],
) -> list[Piece]:
    """Bring a raster's tiles to a folder; those already there are kept.

    A tile that the service refuses is asked for again in quarters, down to 64 px; where that helps, later tiles are no
    larger than what worked.

    Args:
        session: what requests go through.
        request: the raster.
        folder: for the tiles; made if absent.
        limit: the largest size known to work, for all rasters of the run.
        pool: of as many threads as there may be requests in flight.
        step: called after each tile of the plan.

    Raises:
        ServiceError: a tile failed for good.
        DataError: a tile cannot be written.
    """

    def one(window: Window) -> list[Piece]:
        found = list(_fetch_window(session, request, folder, window, limit))
        step()
        return found

    windows = tiles(request.grid, tile_side(request.pixel_bytes, session.config))
    waiting = [pool.submit(one, window) for window in windows]
    try:
        return [piece for future in waiting for piece in future.result()]
    finally:
        for future in waiting:  # after a failure, what has not begun is not begun
            future.cancel()


def pixel_grid(grid: Grid) -> dict[str, Any]:
    """A grid as Earth Engine's API takes it; the same for pixels and for exports."""
    scale_x, shear_x, left, shear_y, scale_y, top = list(grid.transform)[:6]
    return {
        "dimensions": {"width": grid.width, "height": grid.height},
        "affineTransform": {
            "scaleX": scale_x,
            "shearX": shear_x,
            "translateX": left,
            "shearY": shear_y,
            "scaleY": scale_y,
            "translateY": top,
        },
        "crsCode": f"EPSG:{grid.crs.to_epsg()}",
    }


def _fetch_window(
    session: Session, request: Request, folder: Path, window: Window, limit: TileLimit
) -> Iterator[Piece]:
    """The pieces of one window: itself, or its quarters where it is too large."""
    if session.stop.is_set():
        raise StoppedError
    path = folder / f"{window.row_off}_{window.col_off}_{window.height}x{window.width}.tif"
    small = max(window.width, window.height) <= _SMALLEST_SIDE
    piece = _brought_before(path, request)
    if piece is None and (small or limit.allows(window)) and not _has_smaller(folder, window):
        try:
            piece = _fetch_tile(session, request, path, window)
        except ServiceError as error:
            if error.failure.kind is not Kind.REFUSED or small:
                raise
    if piece is not None:
        yield piece
        return
    for quarter in _quarters(window):
        for piece in _fetch_window(session, request, folder, quarter, limit):
            limit.lower(piece.window)
            yield piece


def _brought_before(path: Path, request: Request) -> Piece | None:
    """A tile that an earlier run left, unless it is damaged."""
    if not path.exists():
        return None
    try:
        return open_piece(path, request)
    except UnusableAnswerError:
        path.unlink()
        return None


def _fetch_tile(session: Session, request: Request, path: Path, window: Window) -> Piece:
    import ee

    params = {"expression": request.graph, "fileFormat": "GEO_TIFF", "grid": pixel_grid(request.grid.crop(window))}

    def call() -> Piece:
        content = ee.data.computePixels(params)
        with appearing(path) as part:
            part.write_bytes(content)
            piece = open_piece(part, request)
            if (piece.window.col_off, piece.window.row_off) != (window.col_off, window.row_off):
                raise UnusableAnswerError("the pixels are of another place than the one asked for")
        return Piece(path, piece.window)

    return session.send(call, about=f"computing pixels of the {request.raster}")


def _has_smaller(folder: Path, window: Window) -> bool:
    """Whether an earlier run had to ask for this window in quarters."""
    first = _quarters(window)[0]
    return any(folder.glob(f"{first.row_off}_{first.col_off}_{first.height}x{first.width}.tif"))


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
