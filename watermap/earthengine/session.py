"""One connection to Earth Engine: bounded requests in flight, each tried again as `retry` says."""

from __future__ import annotations

import importlib
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from watermap.config import EarthEngineConfig
from watermap.config.extras import install_command
from watermap.earthengine.failures import EARTH_ENGINE, Failure, FailureKind, classify, service_error
from watermap.earthengine.login import Login, log_in
from watermap.earthengine.retry import Retry
from watermap.errors import EarthEngineError, UsageError

_Answer = TypeVar("_Answer")


class StoppedError(Exception):
    """The run, or the scene, was given up while something was still under way."""


class Session:
    """What every request goes through.

    Args:
        config: how many requests at once, how long to wait, how long to go on trying.
        login: who asks.
    """

    def __init__(self, config: EarthEngineConfig, login: Login) -> None:
        from watermap.earthengine.transport import Transport

        self.config = config
        self.login = login
        self.stop = threading.Event()
        self.transport = Transport(timeout_s=config.timeout_s, connections=config.requests)
        self._slots = threading.BoundedSemaphore(config.requests)
        self._retry = Retry(config.patience_s, self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.transport.close()

    def send(self, call: Callable[[], _Answer], *, about: str, service: str = EARTH_ENGINE) -> _Answer:
        """Make a request; where the service is busy or away, try again until the patience is used up.

        Args:
            call: makes one request, and may check its answer (`UnusableAnswerError` counts as away).
            about: what is being done, for the message.
            service: who is asked, for the message.

        Raises:
            ServiceError: the request failed for good; its `failure` says how.
        """
        return self._retry(lambda: self._send_once(call, about, service))

    def _check_running(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _send_once(self, call: Callable[[], _Answer], about: str, service: str) -> _Answer:
        try:
            with self._slots:
                self._check_running()
                return call()
        except StoppedError:
            raise
        except Exception as error:
            failure: Failure | None = classify(error)
            if failure is None and _is_theirs(error):
                failure = Failure(FailureKind.AWAY, None, "the answer makes no sense to the client")
            if failure is None:
                raise
            raise service_error(failure, service=service, about=about) from error


def _is_theirs(error: BaseException) -> bool:
    """Whether a client library stumbled over an answer, rather than this package over itself."""
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    clumsy = isinstance(error, TypeError | AttributeError | LookupError | ValueError)
    return clumsy and not Path(innermost.filename).is_relative_to(Path(__file__).parents[1])


def require_client() -> None:
    """Make sure that Earth Engine's client is there, before anything imports it.

    Raises:
        UsageError: it is not.
    """
    try:
        importlib.import_module("ee")
    except ModuleNotFoundError as error:
        raise UsageError("Earth Engine's client is not installed", hint=install_command("earthengine")) from error


def connect(config: EarthEngineConfig) -> Session:
    """Log in and reach the service.

    Raises:
        UsageError: no client, or a key that is none.
        EarthEngineError: no login, no project, or a service that cannot be reached.
    """
    require_client()
    import ee

    session = Session(config, log_in(config))
    # The client would fetch a public list of deprecated assets, without a time limit; ours are pinned.
    ee.deprecation.deprecated_assets = {"": ee.deprecation.DeprecatedAsset("", None, None, None)}
    ee.data.setMaxRetries(0)  # `Session.send` is the one layer that tries again

    def initialize() -> None:
        ee.Initialize(
            session.login.credentials,
            url=config.service_url,
            project=session.login.project,
            http_transport=session.transport,
        )

    try:
        session.send(initialize, about="connecting")
    except BaseException:
        session.transport.close()
        raise
    return session


def check(config: EarthEngineConfig) -> str:
    """Log in, reach the service and have it compute one number; says as whom.

    Raises:
        EarthEngineError: any of it failed.
    """
    with connect(config) as session:
        import ee

        answer: Any = session.send(ee.Number(1).getInfo, about="computing a number")
        if answer != 1:
            raise EarthEngineError(f"Earth Engine computed {answer!r} for 1", hint="check the service address")
        return f"reached with {session.login.source}, project {session.login.project}"
