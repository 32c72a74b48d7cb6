"""Where work on many scenes runs: threads, processes of this machine, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, Literal

from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner
from pydantic import Field, model_validator

from watermap.config import Config
from watermap.config.extras import install_command
from watermap.errors import StorageError, UsageError

_ANY_PORT: Final = "127.0.0.1:0"
"""Of this machine alone; a port of its own, for another cluster may have the usual one."""


class RunnerConfig(Config):
    """Where work on many scenes runs."""

    kind: Literal["threads", "processes", "dask"] = Field(
        "threads", description="Threads of this process, processes of this machine, or workers of a Dask cluster."
    )
    workers: int = Field(2, ge=1, le=256, description="How many scenes at once.")
    dask_address: str | None = Field(
        None,
        description="Scheduler of an existing cluster, e.g. tcp://host:8786; not given: a cluster of this machine.",
    )

    @model_validator(mode="after")
    def _check(self) -> RunnerConfig:
        if self.dask_address is not None and self.kind != "dask":
            raise ValueError("a dask_address needs kind dask")
        return self


@contextmanager
def task_runner(config: RunnerConfig) -> Iterator[Any]:
    """The Prefect task runner of these settings, at work.

    Raises:
        StorageError: no scheduler answers at the address of the cluster.
        UsageError: Dask is not installed.
    """
    made: Any
    if config.kind == "threads":
        made = ThreadPoolTaskRunner(max_workers=config.workers)
    elif config.kind == "processes":
        made = ProcessPoolTaskRunner(max_workers=config.workers)
    else:
        try:
            from prefect_dask.task_runners import DaskTaskRunner
        except ModuleNotFoundError as error:
            raise _no_dask() from error
        if config.dask_address is None:
            made = DaskTaskRunner(cluster_kwargs=_local_cluster(config))
        else:
            with _scheduler(config.dask_address):  # asked first: a task runner asks when it is too late to tell
                made = DaskTaskRunner(address=config.dask_address)
    with made as workers:
        yield workers


@contextmanager
def executor(config: RunnerConfig) -> Iterator[Executor]:
    """The same as an executor, for library functions that fan out by themselves.

    Raises:
        StorageError: no scheduler answers at the address of the cluster.
        UsageError: Dask is not installed.
    """
    if config.kind == "threads":
        with ThreadPoolExecutor(config.workers) as threads:
            yield threads
    elif config.kind == "processes":
        with ProcessPoolExecutor(config.workers, multiprocessing.get_context("spawn")) as processes:
            yield processes
    else:
        try:
            from distributed import Client, LocalCluster
        except ModuleNotFoundError as error:
            raise _no_dask() from error
        if config.dask_address is not None:
            with _scheduler(config.dask_address) as client:
                yield client.get_executor()
        else:
            with LocalCluster(**_local_cluster(config)) as cluster, Client(cluster) as client:
                yield client.get_executor()


@contextmanager
def _scheduler(address: str) -> Iterator[Any]:
    """A client of an existing cluster."""
    from distributed import Client

    try:
        client = Client(address)
    except OSError as error:
        raise StorageError(
            f"{address}: no Dask scheduler answers ({error})",
            hint="start it with dask scheduler, or leave dask_address out for a cluster of this machine",
        ) from error
    with client:
        yield client


def _local_cluster(config: RunnerConfig) -> dict[str, Any]:
    return {"n_workers": config.workers, "threads_per_worker": 1, "processes": True, "dashboard_address": _ANY_PORT}


def _no_dask() -> UsageError:
    return UsageError("Dask is not installed", hint=f"{install_command('dask')}, on the workers too")
