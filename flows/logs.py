"""The logs of runs: lines of progress, and errors of the library without the trace that only a defect needs."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any, Final

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from watermap.errors import WatermapError
from watermap.progress import Progress

_EVERY_S: Final = 5.0


class _OneLine(logging.Filter):
    """Errors of the library say in one line what is wrong and what to do: their trace would only hide it."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, WatermapError):
            record.msg, record.args, record.exc_info = "%s", (error,), None
        return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_OneLine())


def log() -> Any:
    """The run's log; outside a run, this module's."""
    with suppress(MissingContextError):
        return get_run_logger()
    return logging.getLogger(__name__)


def logged() -> Progress:
    """Progress as lines in the run's log: the end of each kind of work, and one every few seconds before it."""
    logger = log()
    told = time.monotonic()

    def show(message: str, done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told > _EVERY_S:
            told = time.monotonic()
            logger.info("%s %d/%d", message, done, total)

    return show
