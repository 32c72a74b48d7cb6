"""What was asked for, written down before it is sent: one small file a request, so that a crash forgets nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from watermap.files import write_text

State = Literal["recorded", "running", "done", "failed"]


@dataclass(frozen=True)
class Entry:
    """What is known of one request.

    Attributes:
        id: of the request.
        scene: it belongs to.
        raster: `image` or `label`.
        route: by which it travels: local, gcs or drive.
        attempt: counts the tasks started for it, from 1.
        state: recorded (it may or may not have been sent), running, done or failed.
        operation: the service's name of the running task.
        place: where the result is: bucket objects by prefix, or files on Drive.
        error: why it failed.
    """

    id: str
    scene: str
    raster: str
    route: str
    attempt: int = 1
    state: State = "recorded"
    operation: str | None = None
    place: str | None = None
    error: str | None = None

    @property
    def task_id(self) -> str:
        """Under this id the service starts at most one task."""
        return f"{self.id}-{self.attempt}"

    @property
    def description(self) -> str:
        """What the task list shows: scene, raster and the id by which a lost task is found again."""
        return f"{self.scene}_{self.raster}_{self.task_id}"


class Ledger:
    """The entries of one scenes folder.

    Args:
        folder: that holds them; made with the first entry.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, request_id: str, route: str) -> Entry | None:
        """The entry of a request, or None where it was never recorded, or not on this route."""
        try:
            values: dict[str, Any] = json.loads(self._path(request_id, route).read_text(encoding="utf-8"))
            return Entry(**values)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):  # not ours, or of another version: its task is looked for by description
            return None

    def write(self, entry: Entry, **changes: Any) -> Entry:
        """Record an entry, changed in some way; returns it."""
        changed = replace(entry, **changes)
        write_text(self._path(entry.id, entry.route), json.dumps(asdict(changed), indent=1) + "\n")
        return changed

    def _path(self, request_id: str, route: str) -> Path:
        return self.folder / f"{request_id}.{route}.json"
