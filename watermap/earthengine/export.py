"""From a plan to a folder of scenes, by any route: unattended, repeatable, and never half a scene."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from watermap.config import ExportConfig
from watermap.earthengine.bucket import download, open_bucket
from watermap.earthengine.failures import Kind, ServiceError, UnusableAnswerError, classify, service_error
from watermap.earthengine.ledger import Entry, Ledger
from watermap.earthengine.pieces import Piece, assemble
from watermap.earthengine.pixels import TileLimit, fetch
from watermap.earthengine.plan import Request, ScenePlan, estimate
from watermap.earthengine.session import Session, StoppedError
from watermap.earthengine.tasks import run_task
from watermap.errors import UsageError, WatermapError
from watermap.files import locked, unwritable
from watermap.progress import Progress, silent
from watermap.stac import ITEM_FILE, verified, write_catalog, write_item

EXPORT_FOLDER: Final = ".export"
"""What is not finished yet, and the ledger: below the scenes folder, passed over by everything else."""

_LOCAL_SCENES: Final = 2
"""Scenes at once on the local route: while one is put together, the other's pixels arrive."""

_BATCH_SCENES: Final = 64
"""Scenes at once on the batch routes, where threads only wait."""


@dataclass(frozen=True)
class ExportSummary:
    """What an export did.

    Attributes:
        made: names of new scenes.
        kept: names of scenes that were there already and still verify.
        failures: by scene.
        drive_files: on Google Drive, by scene: `folder/file` of each raster.
        notes: for the user.
    """

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failures: dict[str, WatermapError] = field(default_factory=dict)
    drive_files: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def export(
    session: Session, plans: Sequence[ScenePlan], out: Path, config: ExportConfig, *, progress: Progress = silent
) -> ExportSummary:
    """Make the scenes of a plan. Run again after any end, it goes on where it stopped and starts nothing twice.

    Args:
        session: connected.
        plans: the scenes.
        out: the scenes folder; made if absent.
        config: the route and its destination.
        progress: told after each tile or task.

    Returns:
        The summary; a scene that failed is in it and does not stop the others.

    Raises:
        UsageError: a scene of that name was made otherwise, or another export writes to the folder.
        DataError: the folder cannot be written.
    """
    summary = ExportSummary()
    made = set() if config.to == "drive" else {each.name for each in plans if _is_made(each, out)}
    waiting = [each for each in plans if each.name not in made]
    summary.kept.extend(sorted(made))
    if not waiting:
        return summary
    with _own(out / EXPORT_FOLDER):
        run = _Run(session, out, config, _counter(waiting, session, config, progress), summary.notes)
        for scene, result in run.scenes(waiting):
            if isinstance(result, WatermapError):
                summary.failures[scene.name] = result
            elif config.to == "drive":
                summary.drive_files[scene.name] = result
            else:
                summary.made.append(scene.name)
        if summary.made:
            write_catalog(out)
    for results in (summary.failures, summary.drive_files):  # in the order of the plan, not of their ends
        _sort(results, [each.name for each in plans])
    return summary


class _Run:
    """One export under way.

    Args:
        session: connected.
        out: the scenes folder.
        config: the route.
        step: called after each tile or task.
        notes: for the user, added to.
    """

    def __init__(
        self, session: Session, out: Path, config: ExportConfig, step: Callable[[], None], notes: list[str]
    ) -> None:
        self._session = session
        self._out = out
        self._config = config
        self._step = step
        self._notes = notes
        self._folder = out / EXPORT_FOLDER
        self._ledger = Ledger(self._folder)
        self._limit = TileLimit()
        self._client: Any = None

    def scenes(self, plans: Sequence[ScenePlan]) -> Iterator[tuple[ScenePlan, Any]]:
        """Each scene as it ends, with its result or its error."""
        is_local = self._config.to == "local"
        threads = self._session.config.requests if is_local else 2 * _BATCH_SCENES
        with ExitStack() as stack:
            if self._config.to == "gcs":
                self._client = open_bucket(self._session)
                stack.callback(self._client.close)
            pool = stack.enter_context(ThreadPoolExecutor(threads, "request"))
            scene_pool = stack.enter_context(ThreadPoolExecutor(_LOCAL_SCENES if is_local else _BATCH_SCENES, "scene"))
            futures = {scene_pool.submit(self._scene, plan, pool): plan for plan in plans}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BaseException:
                self._session.stop.set()
                for future in futures:
                    future.cancel()
                raise

    def _scene(self, plan: ScenePlan, pool: Executor) -> Any:
        try:
            if self._config.to == "drive":
                return [entry.place for entry in self._each(plan, pool, self._to_drive)]
            staging = self._folder / plan.name
            if verified(staging) != dict(plan.facts.requests):
                route = self._from_pixels if self._config.to == "local" else self._from_bucket
                self._put_together(plan, staging, self._each(plan, pool, route))
            _place(staging, self._out / plan.name, self._folder)
            for request in plan.requests:
                shutil.rmtree(self._folder / request.id, ignore_errors=True)
        except WatermapError as error:
            return error
        except OSError as error:
            return unwritable(self._out / plan.name, error)

    def _each(self, plan: ScenePlan, pool: Executor, route: Callable[..., Any]) -> list[Any]:
        """The results of a route for image and label, side by side; where one fails, the other is given up."""
        halt = threading.Event()
        if self._config.to == "local":  # its tiles fill the pool themselves
            return [route(plan, request, pool) for request in plan.requests]
        futures = [pool.submit(route, plan, request, halt) for request in plan.requests]
        failed = None
        for future in as_completed(futures):
            error = future.exception()
            if error is not None:
                halt.set()
                failed = failed if isinstance(error, StoppedError) and failed is not None else error
        if failed is not None:
            raise failed
        return [future.result() for future in futures]

    def _from_pixels(self, plan: ScenePlan, request: Request, pool: Executor) -> list[Piece]:
        entry, _ = self._entry(plan, request)
        folder = self._folder / request.id
        pieces = fetch(self._session, request, folder, limit=self._limit, pool=pool, step=self._step)
        self._ledger.write(entry, state="done")
        return pieces

    def _from_bucket(self, plan: ScenePlan, request: Request, halt: threading.Event) -> list[Piece]:
        entry, is_new = self._entry(plan, request)
        if entry.state == "done":  # by an earlier run
            try:
                return self._download(entry, request)
            except ServiceError as error:
                if error.failure.kind is not Kind.MISSING:
                    raise
            entry = self._ledger.write(entry, state="failed", error="its files are gone from the bucket")
        entry = run_task(
            self._session, request, entry, self._ledger, self._bucket_destination, is_new=is_new, halt=halt
        )
        return self._download(entry, request)

    def _to_drive(self, plan: ScenePlan, request: Request, halt: threading.Event) -> Entry:
        entry, is_new = self._entry(plan, request)
        if entry.state != "done":
            place = f"{self._config.folder}/{plan.name}_{request.raster}.tif"
            entry = self._ledger.write(entry, place=place)
            entry = run_task(
                self._session, request, entry, self._ledger, self._drive_destination, is_new=is_new, halt=halt
            )
        self._step()
        return entry

    def _entry(self, plan: ScenePlan, request: Request) -> tuple[Entry, bool]:
        """The ledger's entry of a request, written before anything is sent; and whether it is new."""
        known = self._ledger.find(request.id, self._config.to)
        if known is not None:
            return known, False
        return self._ledger.write(Entry(request.id, plan.name, request.raster, self._config.to)), True

    def _download(self, entry: Entry, request: Request) -> list[Piece]:
        pieces = download(
            self._session,
            self._client,
            request,
            self._folder / request.id,
            bucket=self._config.bucket or "",
            prefix=self._prefix(entry),
        )
        self._step()
        return pieces

    def _prefix(self, entry: Entry) -> str:
        return f"{self._config.folder.strip('/')}/{entry.task_id}/{entry.raster}"

    def _bucket_destination(self, entry: Entry) -> dict[str, Any]:
        return {"cloudStorageDestination": {"bucket": self._config.bucket, "filenamePrefix": self._prefix(entry)}}

    def _drive_destination(self, entry: Entry) -> dict[str, Any]:
        prefix = f"{entry.scene}_{entry.raster}"
        return {"driveDestination": {"folder": self._config.folder, "filenamePrefix": prefix}}

    def _put_together(self, plan: ScenePlan, staging: Path, pieces: Sequence[Sequence[Piece]]) -> None:
        shutil.rmtree(staging, ignore_errors=True)
        for request, parts in zip(plan.requests, pieces, strict=True):
            try:
                valid = assemble(parts, request, staging / f"{request.raster}.tif")
            except UnusableAnswerError as error:
                failure = classify(error)
                assert failure is not None  # noqa: S101 (classify knows it)
                about = f"putting the {request.raster} together"
                raise service_error(failure, service="Earth Engine", about=about) from error
            if not valid:
                self._notes.append(f"scene {plan.name}: its {request.raster} holds no data at all")
        write_item(staging, plan.name, plan.facts)


def _is_made(plan: ScenePlan, out: Path) -> bool:
    """Whether a scene is there, made by the same requests, every byte as it was written.

    Raises:
        UsageError: something else has its name.
    """
    folder = out / plan.name
    if not folder.exists():
        return False
    if not (folder / ITEM_FILE).exists():
        raise UsageError(f"{folder}: is there, and not from an export", hint="choose another --out, or remove it")
    requests = verified(folder)
    if requests is not None and requests != dict(plan.facts.requests):
        raise UsageError(
            f"{folder}: was exported with other settings", hint="choose another --out, or remove the scene"
        )
    return requests is not None


def _place(staging: Path, target: Path, folder: Path) -> None:
    """Put a finished scene in its place; a damaged one that stood there goes."""
    if target.exists():
        old = folder / f"{target.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        staging.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staging.rename(target)


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Keep other exports out of a folder meanwhile."""
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / "lock"))
        except BlockingIOError as error:
            raise UsageError(
                f"{folder.parent}: another export writes here", hint="wait for it, or choose another --out"
            ) from error
        except OSError as error:
            raise unwritable(folder.parent, error) from error
        yield


def _sort(results: dict[str, Any], names: Sequence[str]) -> None:
    ordered = {name: results[name] for name in names if name in results}
    results.clear()
    results.update(ordered)


def _counter(
    plans: Sequence[ScenePlan], session: Session, config: ExportConfig, progress: Progress
) -> Callable[[], None]:
    """What is called after each tile or task, from any thread."""
    expected = estimate(plans, session.config)
    total = expected.requests if config.to == "local" else expected.exports
    message = "tiles" if config.to == "local" else "tasks"
    done = 0
    lock = threading.Lock()

    def step() -> None:
        nonlocal done
        with lock:
            done += 1
            progress(message, min(done, total), total)

    return step
