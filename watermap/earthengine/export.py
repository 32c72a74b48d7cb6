"""From a plan to a folder of scenes, by any route: unattended, repeatable, and never half a scene."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watermap.config import ExportConfig
from watermap.earthengine.bucket import open_bucket
from watermap.earthengine.failures import UnusableAnswerError, classify, service_error
from watermap.earthengine.plan import ScenePlan, estimate
from watermap.earthengine.routes import DRIVE_LIMIT_BYTES, BatchRoute, LocalRoute, Route, drive_file
from watermap.earthengine.session import Session, StoppedError
from watermap.earthengine.tiles import Tile, assemble
from watermap.errors import DataError, UsageError, WatermapError
from watermap.io.files import locked, unwritable
from watermap.io.temporary import sweep
from watermap.progress import Progress, silent
from watermap.scenes.stac import stated_requests, verified, write_catalog, write_item

EXPORT_FOLDER: Final = ".export"
"""What is not finished yet, and the ledger: below the scenes folder, passed over by everything else."""

_LOCAL_SCENES: Final = 2
"""Scenes at once on the local route: while one is put together, the other's pixels arrive."""

_BATCH_SCENES: Final = 64
"""Scenes at once on the batch routes, where threads wait for tasks most of the time."""

_ASSEMBLING: Final = 2
"""Scenes put together at once: each takes some 500 MB at the width of a Sentinel-2 tile."""

_REPLACED: Final = ".replaced"
"""What is put behind the name of a scene's folder that was changed or damaged, and made anew."""


@dataclass(frozen=True)
class ExportSummary:
    """What an export did; each in the order of the plan.

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
        UsageError: a scene of that name was made otherwise, another export writes to the folder, or a raster is too
            large for Drive.
        DataError: the folder cannot be written.
    """
    summary = ExportSummary()
    if config.to == "drive":
        _check_drive(plans)
    else:
        _check_names(plans, out)
    with _own(out / EXPORT_FOLDER):
        kept = set() if config.to == "drive" else _kept(plans, out, progress)
        waiting = [each for each in plans if each.name not in kept]
        _remove_leftovers(out / EXPORT_FOLDER, [each for each in plans if each.name in kept])
        results = _make(session, waiting, out, config, progress, summary.notes) if waiting else {}
        for each in plans:
            error = results.get(each.name)
            if each.name in kept:
                summary.kept.append(each.name)
            elif error is not None:
                summary.failures[each.name] = error
            elif config.to == "drive":
                summary.drive_files[each.name] = [drive_file(each.name, part, config) for part in each.requests]
            else:
                summary.made.append(each.name)
        if summary.made or summary.kept:  # a run that was killed may have left it behind the scenes
            write_catalog(out)
    return summary


def _make(
    session: Session,
    plans: Sequence[ScenePlan],
    out: Path,
    config: ExportConfig,
    progress: Progress,
    notes: list[str],
) -> dict[str, WatermapError | None]:
    """Make scenes, several at once; by name what each failed of, or None.

    A defect in one scene is raised when the others have ended.
    """
    is_local = config.to == "local"
    step = _counter(plans, session, config, progress)
    folder = out / EXPORT_FOLDER
    results: dict[str, WatermapError | None] = {}
    defects: list[BaseException] = []
    with ExitStack() as stack:
        threads = session.config.requests if is_local else 2 * _BATCH_SCENES
        workers = stack.enter_context(ThreadPoolExecutor(threads, "raster"))
        if is_local:
            route: Route = LocalRoute(session, folder, config, workers=workers, step=step)
        else:
            bucket = open_bucket(session) if config.to == "gcs" else None
            if bucket is not None:
                stack.callback(bucket.close)
            route = BatchRoute(session, folder, config, bucket=bucket, step=step)
        scene_workers = stack.enter_context(ThreadPoolExecutor(_LOCAL_SCENES if is_local else _BATCH_SCENES, "scene"))
        maker = _Maker(route, out, None if is_local else workers, notes)
        futures = {scene_workers.submit(maker.make, plan): plan for plan in plans}
        try:
            for future in as_completed(futures):
                error = future.exception()
                if error is not None and not isinstance(error, WatermapError):
                    defects.append(error)
                else:
                    results[futures[future].name] = error
        except BaseException:
            session.stop.set()
            for future in futures:
                future.cancel()
            raise
    if defects:
        raise defects[0]
    return results


class _Maker:
    """Makes scenes by one route.

    Args:
        route: by which rasters come.
        out: the scenes folder.
        workers: for image and label side by side; None where the route fills its pool by itself.
        notes: for the user, added to.
    """

    def __init__(self, route: Route, out: Path, workers: Executor | None, notes: list[str]) -> None:
        self._route = route
        self._out = out
        self._workers = workers
        self._notes = notes
        self._assembling = threading.BoundedSemaphore(_ASSEMBLING)

    def make(self, plan: ScenePlan) -> None:
        """Make one scene.

        Raises:
            WatermapError: it could not be made; nothing of it stands in the scenes folder.
        """
        folder = self._out / EXPORT_FOLDER
        staging = folder / plan.name
        try:
            if verified(staging) != dict(plan.facts.requests):
                tiles = self._deliver(plan)
                if not all(tiles):
                    return  # the route ends elsewhere
                with self._assembling:
                    self._put_together(plan, staging, tiles)
            if _place(staging, self._out / plan.name, folder):
                old = folder / f"{plan.name}{_REPLACED}"
                self._notes.append(
                    f"scene {plan.name} had changed since its export: made anew, what was there is {old}"
                )
            for request in plan.requests:
                shutil.rmtree(folder / request.id, ignore_errors=True)
        except OSError as error:
            raise unwritable(self._out / plan.name, error) from error

    def _deliver(self, plan: ScenePlan) -> list[list[Tile]]:
        """The pieces of image and label; where one has failed for good, the other is given up."""
        halt = threading.Event()
        if self._workers is None:
            return [self._route.deliver(plan.name, request, halt) for request in plan.requests]
        futures = [self._workers.submit(self._route.deliver, plan.name, request, halt) for request in plan.requests]
        errors = []
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, StoppedError):
                errors.append(error)
                if not (getattr(error, "transient", False) or isinstance(error, DataError)):
                    halt.set()  # those may pass: what the other task does is not lost
        if errors:
            raise errors[0]
        return [future.result() for future in futures]

    def _put_together(self, plan: ScenePlan, staging: Path, tiles: Sequence[Sequence[Tile]]) -> None:
        shutil.rmtree(staging, ignore_errors=True)
        for request, parts in zip(plan.requests, tiles, strict=True):
            try:
                valid = assemble(parts, request, staging / f"{request.raster}.tif")
            except UnusableAnswerError as error:
                self._route.discard(plan.name, request, str(error))
                failure = classify(error)
                assert failure is not None  # noqa: S101 (classify knows it)
                about = f"putting the {request.raster} together"
                hint = "run the same command again: it asks for it anew"
                raise service_error(failure, service="Earth Engine", about=about, hint=hint) from error
            if not valid:
                self._notes.append(f"scene {plan.name}: its {request.raster} holds no data at all")
        write_item(staging, plan.name, plan.facts)


def _check_drive(plans: Sequence[ScenePlan]) -> None:
    for each in plans:
        if max(each.grid.width * each.grid.height * part.pixel_bytes for part in each.requests) > DRIVE_LIMIT_BYTES:
            raise UsageError(
                f"scene {each.name}: {each.grid.width} x {each.grid.height} pixels would reach Drive in several files",
                hint="make scenes smaller with --scene-size, or take --to gcs",
            )


def _check_names(plans: Sequence[ScenePlan], out: Path) -> None:
    """Make sure that what stands where scenes will stand came from these requests, whatever became of it since."""
    for each in plans:
        folder = out / each.name
        if not folder.exists():
            continue
        requests = stated_requests(folder)
        if requests is None:
            raise UsageError(f"{folder}: is there, and not from an export", hint="choose another --out, or remove it")
        if requests != dict(each.facts.requests):
            raise UsageError(
                f"{folder}: was exported with other settings, or as a composite of other scenes",
                hint="choose another --out, or remove the scene",
            )


def _kept(plans: Sequence[ScenePlan], out: Path, progress: Progress) -> set[str]:
    """Names of scenes that are there, every byte as it was written."""
    kept = set()
    there = [each for each in plans if (out / each.name).exists()]
    for done, each in enumerate(there, 1):
        if verified(out / each.name) is not None:
            kept.add(each.name)
        progress("checking what is there", done, len(there))
    return kept


def _remove_leftovers(folder: Path, kept: Sequence[ScenePlan]) -> None:
    """Remove what killed runs left of scenes that stand."""
    sweep(folder)
    sweep(folder.parent)
    for each in kept:
        for name in (each.name, *(request.id for request in each.requests)):
            shutil.rmtree(folder / name, ignore_errors=True)


def _place(staging: Path, target: Path, folder: Path) -> bool:
    """Put a finished scene in its place; what stood there, changed or damaged, is moved aside.

    Returns:
        Whether something stood there.
    """
    stood = target.exists()
    if stood:
        old = folder / f"{target.name}{_REPLACED}"
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    staging.rename(target)
    return stood


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
