"""What was asked for, written down before it is sent: one small file a task, so that a crash forgets nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from watermap.config import ExportConfig
from watermap.earthengine.plan import Request
from watermap.io.files import write_text

State = Literal["recorded", "running", "done", "failed"]

_DESTINATION_DIGITS = 6


@dataclass(frozen=True)
class Entry:
    """What is known of one task: a raster on its way to one destination.

    Attributes:
        id: of request and destination; the same raster in another bucket is another task.
        scene: it belongs to.
        raster: `image` or `label`.
        to: local, gcs or drive.
        bucket, folder: where the result goes; settled here, whatever later settings say.
        attempt: counts the tasks started for it, from 1.
        blocks: side of the squares in which the service computes it.
        state: recorded (it may or may not have been sent), running, done or failed.
        operation: the service's name of the running task.
        error: why it failed.
    """

    id: str
    scene: str
    raster: str
    to: str
    bucket: str
    folder: str
    attempt: int = 1
    blocks: int = 256
    state: State = "recorded"
    operation: str | None = None
    error: str | None = None

    @property
    def task_id(self) -> str:
        """Under this id the service starts at most one task."""
        return f"{self.id}-{self.attempt}"

    @property
    def description(self) -> str:
        """What the task list shows: scene, raster and the id by which a lost task is found again."""
        return f"{self.scene}_{self.raster}_{self.task_id}"

    @property
    def prefix(self) -> str:
        """What the names of the result's files begin with, in the bucket or in the folder on Drive."""
        return f"{self.scene}_{self.raster}" if self.to == "drive" else f"{self.folder}/{self.task_id}/{self.raster}"

    @property
    def destination(self) -> dict[str, Any]:
        """As Earth Engine's API takes it."""
        if self.to == "drive":
            return {"driveDestination": {"folder": self.folder, "filenamePrefix": self.prefix}}
        return {"cloudStorageDestination": {"bucket": self.bucket, "filenamePrefix": self.prefix}}


class Ledger:
    """The entries of one scenes folder.

    Args:
        folder: that holds them; made with the first entry.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, scene: str, request: Request, config: ExportConfig) -> tuple[Entry, bool]:
        """The entry of a request, written now if it is new; and whether it is.

        An entry that cannot be read counts as not new: its task may run.
        """
        destination = json.dumps([config.to, config.bucket or "", config.folder])
        digest = hashlib.sha256(destination.encode()).hexdigest()[:_DESTINATION_DIGITS]
        fresh = Entry(f"{request.id}-{digest}", scene, request.raster, config.to, config.bucket or "", config.folder)
        path = self._path(fresh)
        try:
            return Entry(**json.loads(path.read_text(encoding="utf-8"))), False
        except FileNotFoundError:
            return self.write(fresh), True
        except (ValueError, TypeError):  # not ours, or of another version
            return self.write(fresh), False

    def write(self, entry: Entry, **changes: Any) -> Entry:
        """Record an entry, changed in some way; returns it."""
        changed = replace(entry, **changes)
        write_text(self._path(entry), json.dumps(asdict(changed), indent=1) + "\n")
        return changed

    def retry(self, entry: Entry, **changes: Any) -> Entry:
        """Record that a failed task is to be started anew, under an id of its own."""
        fresh = {"attempt": entry.attempt + 1, "state": "recorded", "operation": None, "error": None}
        return self.write(entry, **{**fresh, **changes})

    def _path(self, entry: Entry) -> Path:
        return self.folder / f"{entry.id}.json"
