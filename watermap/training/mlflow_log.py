"""A training as a run of MLflow: its settings, its scores by epoch, its curves and its bundle's contract.

Runs lie in an SQLite file beside the bundle, or where an address says; `mlflow ui --backend-store-uri ADDRESS` shows
them. The extra `mlflow` brings what writes them.

MLflow's own Keras callback would not do: it logs what one `fit` tells while it runs, to a run that others opened.
It does not go on with the run of a training that was killed, makes up for no epoch that a server missed, and logs the
optimiser's settings once more at each stage, which MLflow refuses where they differ.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from watermap import __version__
from watermap.bundles.bundle import CONTRACT_FILE, Bundle
from watermap.config import TrainConfig
from watermap.errors import StorageError

EXPERIMENT: Final = "watermap"
DATABASE_FILE: Final = "mlflow.db"
ARTIFACTS_FOLDER: Final = "mlartifacts"

_SERVERS: Final = ("http:", "https:", "databricks")
"""Addresses that have a store of files of their own."""


def beside(out: Path) -> str:
    """The address of the SQLite file beside a bundle's folder."""
    return f"sqlite:///{(out.absolute().parent / DATABASE_FILE).as_posix()}"


class ExperimentLog:
    """A run of MLflow that follows one training.

    Args:
        address: of MLflow, as its tracking URI.
        out: the bundle's folder. Files are logged to a folder beside it, unless the address is a server's.
        run: digest of settings and patches. An unfinished run of the same digest and folder is gone on with.
        config: settings, logged as parameters.

    Raises:
        StorageError: MLflow cannot be reached, or its database cannot be written.
    """

    def __init__(self, address: str, out: Path, run: str, config: TrainConfig) -> None:
        self._address = address
        self._out = out
        self._client = _client(address)
        self._epoch = 0
        with _reachable(address):
            self._run = self._opened(run)
            self._log(params=_flat(config.model_dump(mode="json")))
            losses = self._client.get_metric_history(self._run, "loss")
        self._epoch = max((each.step for each in losses), default=0)

    def follow(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Log those epochs that are not yet; where MLflow does not answer, the next call makes up for it.

        Args:
            history: one row an epoch, from the first on.
        """
        from mlflow import MlflowException

        with suppress(MlflowException):
            self._catch_up(history)

    def finish(self, history: Sequence[Mapping[str, Any]], bundle: Bundle, files: Sequence[Path]) -> None:
        """Log what training came to.

        Args:
            history: one row an epoch.
            bundle: its scores and its contract.
            files: of it that are logged too.

        Raises:
            StorageError: MLflow cannot be reached.
        """
        with _reachable(self._address):
            self._catch_up(history)
            scores = bundle.contract.scores.items()
            final = {f"{split}_{name}": score for split, of_split in scores for name, score in of_split.items()}
            self._log(final, step=self._epoch)
            for path in (bundle.folder / CONTRACT_FILE, *files):
                self._client.log_artifact(self._run, str(path))

    def end(self, status: str) -> None:
        """Say how training ended, if MLflow listens: FINISHED, FAILED or KILLED."""
        from mlflow import MlflowException

        with suppress(MlflowException):
            self._client.set_terminated(self._run, status)

    def _catch_up(self, history: Sequence[Mapping[str, Any]]) -> None:
        for row in history:
            if row["epoch"] > self._epoch:
                self._log({name: row[name] for name in row if name != "epoch"}, step=row["epoch"])
                self._epoch = row["epoch"]

    def _opened(self, run: str) -> str:
        """The id of an unfinished run of this very training, or of a new one."""
        tags = {"watermap.run": run, "watermap.bundle": str(self._out.absolute())}
        experiment = self._experiment()
        wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        found = self._client.search_runs([experiment], f"{wanted} and attributes.status != 'FINISHED'", max_results=1)
        if found:
            self._client.update_run(found[0].info.run_id, status="RUNNING")
            return str(found[0].info.run_id)
        about = {"mlflow.source.name": "watermap train", "watermap.version": __version__}
        return str(self._client.create_run(experiment, tags=tags | about, run_name=self._out.name).info.run_id)

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        is_server = self._address.startswith(_SERVERS)
        files = None if is_server else (self._out.absolute().parent / ARTIFACTS_FOLDER).as_uri()
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=files))

    def _log(
        self, scores: Mapping[str, Any] | None = None, *, params: Mapping[str, str] | None = None, step: int = 0
    ) -> None:
        from mlflow.entities import Metric, Param

        now = round(time.time() * 1000)
        numbers = {name: score for name, score in (scores or {}).items() if isinstance(score, int | float)}
        metrics = [Metric(name, float(score), now, step) for name, score in numbers.items()]
        self._client.log_batch(self._run, metrics, [Param(*each) for each in (params or {}).items()])


@contextmanager
def experiment_log(address: str | None, out: Path, run: str, config: TrainConfig) -> Iterator[ExperimentLog | None]:
    """The log of a training, ended as the training ends.

    Args:
        address: of MLflow; None for no log.
        out: the bundle's folder.
        run: digest of settings and patches.
        config: settings.

    Raises:
        StorageError: MLflow cannot be reached, or its database cannot be written.
    """
    if address is None:
        yield None
        return
    log = ExperimentLog(address, out, run, config)
    status = "FAILED"
    try:
        yield log
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        log.end(status)


def _client(address: str) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of every run
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # minutes otherwise, until an absent server is told
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # how they make their tables is of no interest
    with _reachable(address):
        return MlflowClient(tracking_uri=address)


@contextmanager
def _reachable(address: str) -> Iterator[None]:
    """Turn what MLflow raises into one line."""
    from mlflow import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        first = str(error).partition("\n")[0]
        raise StorageError(
            f"{address}: the experiment log cannot be written ({first})",
            hint="check the address of --mlflow, or train without it",
        ) from error


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Settings as MLflow's parameters: `stages.0.loss` and the like."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
            value = {str(place): each for place, each in enumerate(value)}
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return flat
