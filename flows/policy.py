"""What every flow does alike: what is tried again, what may fail, how many may run at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final

from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.runtime import task_run
from prefect.tasks import exponential_backoff

from flows.rows import FAILED, Row
from watermap.errors import PartialFailureError

EARTH_ENGINE: Final = "watermap-earth-engine"
GPU: Final = "watermap-gpu"
_LIMITS: Final = {EARTH_ENGINE: 1, GPU: 1}
"""Runs at once, over all flows of a server; an operator may change them there."""

RETRIES: Final = 3
_LEASE_S: Final = 60.0


def _is_transient(_task: Any, _run: Any, state: Any) -> bool:
    """Whether what a task failed of may pass: errors of the library say so themselves."""
    try:
        state.result()
    except Exception as error:
        return bool(getattr(error, "transient", False))
    return False


TASK: Final[dict[str, Any]] = {
    # A file's path says nothing of its content: the library itself finds what is done, by digests.
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
RETRIED: Final[dict[str, Any]] = {
    **TASK,
    "retries": RETRIES,
    "retry_delay_seconds": exponential_backoff(backoff_factor=60),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _is_transient,
}
"""For tasks that ask a service: one, two and four minutes later, and half of that by chance."""


@contextmanager
def slot(name: str) -> Iterator[None]:
    """Wait for, and hold, one slot of a concurrency limit; that of a killed run is free again after a minute."""
    with concurrency(name, lease_duration=_LEASE_S):
        yield


@contextmanager
def gpu_slot() -> Iterator[None]:
    """Hold one of the GPUs that the runs of a server share; nothing waits on a machine without one."""
    from watermap.models.backend import accelerators, require_keras

    require_keras()
    import keras

    with slot(GPU) if accelerators(keras.backend.backend()) else nullcontext():
        yield


def may_try_again() -> bool:
    """Whether the task that runs would be run once more if it failed for a passing reason."""
    return int(task_run.run_count or 1) <= RETRIES


def make_limits() -> None:
    """Make the concurrency limits that are not there yet; those that are stay as they are."""
    with get_client(sync_client=True) as client:
        for name, limit in _LIMITS.items():
            try:
                client.read_global_concurrency_limit_by_name(name)
            except ObjectNotFound:
                with suppress(ObjectAlreadyExists):
                    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))


def judge(rows: Sequence[Row], allowed_failures: float) -> None:
    """End a run as failed where more than the allowed share of its scenes failed.

    Args:
        rows: one a scene.
        allowed_failures: share, from 0 to 1.

    Raises:
        PartialFailureError: too many failed, or all of them.
    """
    failed = [row for row in rows if row.state == FAILED]
    if failed and (len(failed) == len(rows) or len(failed) > allowed_failures * len(rows)):
        raise PartialFailureError(
            f"{len(failed)} of {len(rows)} scenes failed, {failed[0].scene}: {failed[0].note}",
            hint="the run's table names each; run it again to try only those",
        )
