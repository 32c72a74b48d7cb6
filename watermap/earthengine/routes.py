"""By which way a raster comes: its pixels straight here, through a bucket, or to somebody's Drive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final, Protocol

from watermap.config import ExportConfig
from watermap.earthengine.bucket import download
from watermap.earthengine.failures import FailureKind, ServiceError
from watermap.earthengine.ledger import Entry, Ledger
from watermap.earthengine.pixels import TileLimit, fetch
from watermap.earthengine.plan import Request
from watermap.earthengine.session import Session
from watermap.earthengine.tasks import run_task
from watermap.earthengine.tiles import Tile


class Route(Protocol):
    """One way for rasters. Safe among threads."""

    def deliver(self, scene: str, request: Request, halt: threading.Event) -> list[Tile]:
        """The pieces of a raster on this machine; none where the route does not end here.

        Args:
            scene: its name.
            request: the raster.
            halt: set where the scene has failed already.

        Raises:
            ServiceError: it could not be had.
            DataError: a piece cannot be written.
            StoppedError: the run ended, or `halt` was set.
        """

    def discard(self, scene: str, request: Request, why: str) -> None:
        """Forget what was brought: it is of no use, and the next run asks for it anew."""


class LocalRoute:
    """Pixels in tiles, straight here.

    Args:
        session: connected.
        folder: below which the tiles and the ledger are kept.
        config: of the export.
        workers: for the tiles.
        step: called after each tile.
    """

    def __init__(
        self, session: Session, folder: Path, config: ExportConfig, *, workers: Executor, step: Callable[[], None]
    ) -> None:
        self._session = session
        self._folder = folder
        self._config = config
        self._workers = workers
        self._step = step
        self._ledger = Ledger(folder)
        self._limits = {"image": TileLimit(), "label": TileLimit()}

    def deliver(self, scene: str, request: Request, halt: threading.Event) -> list[Tile]:  # noqa: ARG002 (tiles are short)
        """See `Route`."""
        entry, _ = self._ledger.open(scene, request, self._config)
        limit = self._limits[request.raster]
        folder = self._folder / request.id
        tiles = fetch(self._session, request, folder, limit=limit, workers=self._workers, step=self._step)
        self._ledger.write(entry, state="done")
        return tiles

    def discard(self, scene: str, request: Request, why: str) -> None:
        """See `Route`. Each tile is checked again by the next run, so nothing needs to be forgotten."""


class BatchRoute:
    """Tasks of Earth Engine, to a bucket from which the files come here, or to Google Drive.

    Args:
        session: connected.
        folder: below which files and the ledger are kept.
        config: of the export.
        bucket: client of Cloud Storage; None for Drive.
        step: called after each task.
    """

    def __init__(
        self, session: Session, folder: Path, config: ExportConfig, *, bucket: Any, step: Callable[[], None]
    ) -> None:
        self._session = session
        self._folder = folder
        self._config = config
        self._bucket = bucket
        self._step = step
        self._ledger = Ledger(folder)

    def deliver(self, scene: str, request: Request, halt: threading.Event) -> list[Tile]:
        """See `Route`."""
        entry, is_new = self._ledger.open(scene, request, self._config)
        tiles: list[Tile] | None = None
        if entry.state == "done":  # by an earlier run
            try:
                tiles = self._download(entry, request)
            except ServiceError as error:
                if error.failure.kind is not FailureKind.MISSING or error.failure.status is not None:
                    raise  # a bucket that is not there says nothing of its files
                entry = self._ledger.write(entry, state="failed", error="its files are gone from the bucket")
        if tiles is None:
            entry = run_task(self._session, request, entry, self._ledger, is_new=is_new, halt=halt)
            tiles = self._download(entry, request)
        self._step()
        return tiles

    def discard(self, scene: str, request: Request, why: str) -> None:
        """See `Route`."""
        entry, _ = self._ledger.open(scene, request, self._config)
        self._ledger.write(entry, state="failed", error=why)

    def _download(self, entry: Entry, request: Request) -> list[Tile]:
        if self._bucket is None:
            return []
        folder = self._folder / request.id / entry.task_id
        return download(self._session, self._bucket, request, folder, bucket=entry.bucket, prefix=entry.prefix)


DRIVE_LIMIT_BYTES: Final = 2 * 2**30
"""Larger rasters reach Drive in several files, which nobody should have to put together by hand."""


def drive_file(scene: str, request: Request, config: ExportConfig) -> str:
    """Where a raster lies on Drive: folder/file."""
    return f"{config.folder}/{scene}_{request.raster}.tif"
