"""The batch routes: tasks that Earth Engine runs by itself, started at most once, watched, adopted after a crash."""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from watermap.earthengine.failures import Failure, FailureKind, ServiceError, UnusableAnswerError, service_error
from watermap.earthengine.ledger import Entry, Ledger
from watermap.earthengine.plan import Request, pixel_grid
from watermap.earthengine.session import Session, StoppedError

_MOST_STARTS: Final = 3
_LEAST_BLOCKS: Final = 64

_TRANSIENT_CODES: Final = frozenset({4, 10, 13, 14})
"""google.rpc codes DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE. Source: google/rpc/code.proto."""

_SIZE_CODES: Final = frozenset({3, 8})
"""INVALID_ARGUMENT and RESOURCE_EXHAUSTED: what a task out of memory ends with. Smaller blocks need less of it."""

_CODE_KINDS: Final = {5: FailureKind.MISSING, 7: FailureKind.FORBIDDEN, 16: FailureKind.LOGIN}
"""NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED."""

_PIXELS_LIMIT: Final = 10**10
"""Beyond Earth Engine's own default of 1e8, so that it is our plan that decides."""


def run_task(
    session: Session, request: Request, entry: Entry, ledger: Ledger, *, is_new: bool, halt: threading.Event
) -> Entry:
    """See a request's task to its end, and start it only if it does not run already.

    A task that fails for want of memory is started again with smaller blocks, one that fails by chance is started
    again, at most three times in a run.

    Args:
        session: what requests go through.
        request: the raster.
        entry: its entry, already in the ledger.
        ledger: where progress is written down.
        is_new: whether the entry was written just now, so that no task can run for it.
        halt: set where nobody needs the raster any more: the task is cancelled.

    Returns:
        The entry, done.

    Raises:
        ServiceError: the task failed for good, or the service did.
        StoppedError: the session ended, or `halt` was set, meanwhile.
    """
    operation = None
    if entry.state == "failed":
        entry = ledger.retry(entry)
    elif not is_new:
        operation = _running(session, entry)
        if operation is not None and "error" in operation:  # it ended so, or was cancelled, while nobody looked
            entry, operation = ledger.retry(entry), None
    for start in range(1, _MOST_STARTS + 1):
        if operation is None:
            operation = _start(session, request, entry)
        if operation is None:  # the id is used up: the service knows it, but no task of it
            entry = ledger.retry(entry)
            continue
        entry = ledger.write(entry, state="running", operation=operation["name"])
        operation = _wait(session, operation, halt)
        if not operation.get("done"):
            _cancel(session, operation["name"])
            raise StoppedError
        if "error" not in operation:
            return ledger.write(entry, state="done", error=None)
        failed, code = _task_error(request, operation), operation["error"].get("code")
        entry = ledger.write(entry, state="failed", error=str(failed))
        if code not in _TRANSIENT_CODES | _SIZE_CODES or start == _MOST_STARTS:
            raise failed
        blocks = max(_LEAST_BLOCKS, entry.blocks // 2) if code in _SIZE_CODES else entry.blocks
        entry, operation = ledger.retry(entry, blocks=blocks), None
    raise _used_up(request, entry)


def _cancel(session: Session, name: str) -> None:
    """Ask the service to end a task; what came of it, the next run sees for itself."""
    import ee

    with suppress(ServiceError):
        session.send(lambda: ee.data.cancelOperation(name), about="cancelling a task")


def _running(session: Session, entry: Entry) -> Any | None:
    """The operation of an entry that an earlier run may have started, or None."""
    if entry.operation is not None:
        try:
            return _look(session, entry.operation)
        except ServiceError as error:
            if error.failure.kind is not FailureKind.MISSING:  # the service forgets old tasks
                raise
    return _find(session, entry)


def _find(session: Session, entry: Entry) -> Any | None:
    """A task found by its description, for one that was sent but whose answer was lost."""
    import ee

    operations = session.send(ee.data.listOperations, about="listing tasks")
    named = [each for each in operations if each.get("metadata", {}).get("description") == entry.description]
    return named[0] if named else None


def _start(session: Session, request: Request, entry: Entry) -> Any | None:
    """A new operation, or the one that was started under this id before; None where the id is used up."""
    import ee

    params = {
        "expression": request.graph,
        "description": entry.description,
        "fileExportOptions": {
            "fileFormat": "GEO_TIFF",
            **entry.destination,
            "geoTiffOptions": {
                "noData": {"floatValue": request.layout.no_data},
                "tileSize": {"value": entry.blocks},
            },
        },
        "grid": pixel_grid(request.grid),
        "maxPixels": {"value": str(_PIXELS_LIMIT)},
    }
    try:
        # Sent again under the same id, the service starts nothing twice.
        return session.send(
            lambda: _checked(ee.data.exportImage(entry.task_id, params)), about=f"starting the {request.raster}'s task"
        )
    except ServiceError as error:
        if error.failure.kind is not FailureKind.REFUSED:
            raise
        for _ in range(2):  # a task just started may take a moment to be listed
            operation = _find(session, entry)
            if operation is not None:
                return operation
            session.stop.wait(session.config.poll_s / 4)
        if error.failure.status == HTTPStatus.CONFLICT:
            return None
        raise


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
    answer = " ".join(str(error.get("message", "no reason given")).split()).rstrip(".")
    failure = Failure(_CODE_KINDS.get(error.get("code"), FailureKind.REFUSED), None, answer)
    return service_error(
        failure,
        service="Earth Engine",
        about=f"exporting the {request.raster}",
        hint="check that the bucket or folder may be written to, or make scenes smaller with --scene-size",
    )


def _used_up(request: Request, entry: Entry) -> ServiceError:
    failure = Failure(
        FailureKind.REFUSED, HTTPStatus.CONFLICT, f"{entry.task_id} and those before it are taken, by no task"
    )
    hint = "run the same command again: it takes the next id"
    return service_error(failure, service="Earth Engine", about=f"starting the {request.raster}'s task", hint=hint)
