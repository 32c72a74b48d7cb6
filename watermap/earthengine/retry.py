"""Earth Engine's retries: the one layer that tries a request again, and when it gives up.

Which failures may pass is told by `failures.classify`; the client's own retries and those of the transport are off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

_Answer = TypeVar("_Answer")

_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0


class Retry:
    """Tries requests again with exponential backoff and jitter, while errors are `transient` and patience lasts.

    The patience is for one outage, not for one request: where no request has succeeded for so long, each of those that
    follow is tried once.

    Args:
        patience_s: how long to go on trying.
        stop: set when the run is given up; ends every wait.
    """

    def __init__(self, patience_s: float, stop: threading.Event) -> None:
        self._patience_s = patience_s
        self._stop = stop
        self._failing_since: float | None = None

    def __call__(self, send: Callable[[], _Answer]) -> _Answer:
        """Send until it succeeds, fails for good, or is given up; its last error is raised."""
        import tenacity

        first = min(_FIRST_WAIT_S, self._patience_s / 10)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: getattr(error, "transient", False)),
            wait=tenacity.wait_exponential(multiplier=first, max=_LONGEST_WAIT_S) + tenacity.wait_random(0, first),
            stop=lambda state: self._gives_up(state.seconds_since_start or 0.0),
            sleep=tenacity.sleep_using_event(self._stop),
            reraise=True,
        )
        return retrying(self._noting, send)

    def _noting(self, send: Callable[[], _Answer]) -> _Answer:
        """Send once, and note since when all requests fail."""
        try:
            answer = send()
        except Exception as error:
            if getattr(error, "transient", False) and self._failing_since is None:
                self._failing_since = time.monotonic()
            raise
        self._failing_since = None
        return answer

    def _gives_up(self, waited_s: float) -> bool:
        """Whether to try a request no more: the run was stopped, or it or all requests failed for too long."""
        since = self._failing_since
        outage_s = 0.0 if since is None else time.monotonic() - since
        return self._stop.is_set() or max(waited_s, outage_s) >= self._patience_s
