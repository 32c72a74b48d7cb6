"""The batch routes: tasks that Earth Engine runs by itself, started at most once, watched, adopted after a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from watermap.earthengine.failures import Failure, Kind, ServiceError, UnusableAnswerError, service_error
from watermap.earthengine.ledger import Entry, Ledger
from watermap.earthengine.pixels import pixel_grid
from watermap.earthengine.plan import Request
from watermap.earthengine.session import Session, StoppedError

_BLOCK_PIXELS: Final = (256, 128, 64)
"""Earth Engine computes an export in squares of this side; smaller ones need less memory: one for each attempt."""

_TRANSIENT_CODES: Final = frozenset({4, 10, 13, 14})
"""google.rpc codes DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE. Source: google/rpc/code.proto."""

_SIZE_CODES: Final = frozenset({3, 8})
"""INVALID_ARGUMENT and RESOURCE_EXHAUSTED: what a task out of memory ends with."""


def run_task(
    session: Session,
    request: Request,
    entry: Entry,
    ledger: Ledger,
    destination: Callable[[Entry], dict[str, Any]],
    *,
    is_new: bool,
    halt: threading.Event,
) -> Entry:
    """See a request's task to its end, and start it only if it does not run already.

    A task that fails for want of memory is started again with smaller blocks, one that fails by chance is started
    again, three times in all.

    Args:
        session: what requests go through.
        request: the raster.
        entry: its entry, already in the ledger.
        ledger: where progress is written down.
        destination: the API's destination object for an entry's attempt.
        is_new: whether the entry was written just now, so that no task can run for it.
        halt: set where nobody needs the raster any more: the task is cancelled.

    Returns:
        The entry, done.

    Raises:
        ServiceError: the task failed for good, or the service did.
        StoppedError: the session ended, or `halt` was set, meanwhile.
    """
    operation = None if is_new or entry.state == "failed" else _running(session, entry)
    for blocks in _BLOCK_PIXELS:
        if entry.state == "failed":
            entry = ledger.write(entry, attempt=entry.attempt + 1, state="recorded", operation=None, error=None)
        operation = operation or _start(session, request, entry, destination, blocks=blocks)
        entry = ledger.write(entry, state="running", operation=operation["name"])
        operation = _wait(session, operation, halt)
        if halt.is_set() and not operation.get("done"):
            _cancel(session, operation["name"])
            ledger.write(entry, state="failed", error="cancelled")
            raise StoppedError
        if "error" not in operation:
            return ledger.write(entry, state="done", error=None)
        failed = _task_error(request, operation)
        entry = ledger.write(entry, state="failed", error=str(failed))
        if operation["error"].get("code") not in _TRANSIENT_CODES | _SIZE_CODES:
            raise failed
        operation = None
    raise failed


def _cancel(session: Session, name: str) -> None:
    import ee

    with suppress(ServiceError):  # it may just have ended
        session.send(lambda: ee.data.cancelOperation(name), about="cancelling a task")


def _running(session: Session, entry: Entry) -> Any | None:
    """The operation of an entry that an earlier run may have started, or None."""
    if entry.operation is not None:
        try:
            return _look(session, entry.operation)
        except ServiceError as error:
            if error.failure.kind is not Kind.MISSING:  # the service forgets old tasks
                raise
    return _find(session, entry)


def _find(session: Session, entry: Entry) -> Any | None:
    """A task found by its description, for one that was sent but whose answer was lost."""
    import ee

    operations = session.send(ee.data.listOperations, about="listing tasks")
    named = [each for each in operations if each.get("metadata", {}).get("description") == entry.description]
    return named[0] if named else None


def _start(
    session: Session,
    request: Request,
    entry: Entry,
    destination: Callable[[Entry], dict[str, Any]],
    *,
    blocks: int,
) -> Any:
    import ee

    no_data = request.layout.no_data
    params = {
        "expression": request.graph,
        "description": entry.description,
        "fileExportOptions": {
            "fileFormat": "GEO_TIFF",
            **destination(entry),
            "geoTiffOptions": {"noData": {"floatValue": no_data}, "tileSize": {"value": blocks}},
        },
        "grid": pixel_grid(request.grid),
        "maxPixels": {"value": str(request.grid.width * request.grid.height)},
    }
    try:
        # Sent again under the same id, the service starts nothing twice.
        return session.send(
            lambda: _checked(ee.data.exportImage(entry.task_id, params)), about=f"starting the {request.raster}'s task"
        )
    except ServiceError as error:
        operation = _find(session, entry) if error.failure.status == HTTPStatus.CONFLICT else None
        if operation is None:
            raise
        return operation


def _wait(session: Session, operation: Any, halt: threading.Event) -> Any:
    """The operation as it ends, or as it was when `halt` was set."""
    while not (operation.get("done") or halt.is_set()):
        if session.stop.wait(session.config.poll_s):
            raise StoppedError
        operation = _look(session, operation["name"])
    return operation


def _look(session: Session, name: str) -> Any:
    import ee

    return session.send(lambda: _checked(ee.data.getOperation(name)), about="looking at a task")


def _checked(operation: Any) -> Any:
    if not isinstance(operation, dict) or "name" not in operation:
        raise UnusableAnswerError("the state of a task has an unknown form")
    return operation


def _task_error(request: Request, operation: Any) -> ServiceError:
    error = operation.get("error", {})
    said = " ".join(str(error.get("message", "no reason given")).split()).rstrip(".")
    failure = Failure(Kind.REFUSED, None, said)
    return service_error(failure, service="Earth Engine", about=f"exporting the {request.raster}")
