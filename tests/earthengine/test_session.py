"""What every request goes through: turns, tries, and who is to blame."""

from __future__ import annotations

import dataclasses
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from google.auth.exceptions import RefreshError

from tests.earthengine.runs import Export
from tests.earthengine.server import LoopbackServer
from tests.support.failures import one_line
from watermap.config import EarthEngineConfig
from watermap.earthengine.failures import ServiceError
from watermap.earthengine.login import Login
from watermap.earthengine.session import Session, StoppedError, check, require_client
from watermap.errors import EarthEngineError, UsageError


def test_nothing_is_sent_once_the_run_is_stopped() -> None:
    session = Session(EarthEngineConfig(requests=1, patience_s=0), Login(None, "", ""))
    sent: list[int] = []
    begun = threading.Event()

    def first() -> None:
        begun.set()
        session.stop.wait(5)

    def late() -> None:
        begun.wait(5)
        with pytest.raises(StoppedError):
            session.send(lambda: sent.append(1), about="waiting for its turn")

    threads = [threading.Thread(target=lambda: session.send(first, about="working")), threading.Thread(target=late)]
    for thread in threads:
        thread.start()
    begun.wait(5)
    session.stop.set()
    for thread in threads:
        thread.join(5)
    session.transport.close()
    assert sent == []


def test_the_doctor_is_told_who_was_let_in(server: LoopbackServer, key: Path) -> None:
    found = check(EarthEngineConfig(key=key, service_url=server.url, patience_s=0))
    assert found == f"reached with service-account key {key}, project loopback-project"


def test_a_key_that_the_service_does_not_know(server: LoopbackServer, key: Path) -> None:
    server.fail("token", 401, times=None)
    with pytest.raises(EarthEngineError) as error:
        check(EarthEngineConfig(key=key, service_url=server.url, patience_s=0))
    assert "did not accept the login" in one_line(error)


def test_no_more_requests_in_flight_than_configured(export: Export, server: LoopbackServer) -> None:
    server.delay_s = 0.02
    export = dataclasses.replace(export, requests=3, request_mib=0.01)
    assert export() == 0
    assert server.most_in_flight == 3


EXPIRED: Any = RefreshError
"""Of a login; its library has no types."""


class Flaky:
    """A request that fails some times before it succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def session(patience_s: float) -> Session:
    return Session(EarthEngineConfig(patience_s=patience_s), Login(None, "", ""))


def test_what_may_pass_is_tried_again_and_nothing_else() -> None:
    with session(patience_s=0.5) as running:
        passing = Flaky(TimeoutError(), ConnectionResetError())
        assert running.send(passing, about="asking") == "answer"
        assert passing.calls == 3
        refused = Flaky(EXPIRED("expired"))
        with pytest.raises(ServiceError, match="did not accept the login while asking"):
            running.send(refused, about="asking")
        assert refused.calls == 1
        defect = Flaky(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            running.send(defect, about="asking")
        assert defect.calls == 1


def test_patience_is_for_one_outage_and_not_for_each_request() -> None:
    with session(patience_s=0.2) as running:
        first, second = Flaky(*[TimeoutError()] * 99), Flaky(*[TimeoutError()] * 99)
        for request in (first, second):
            with pytest.raises(ServiceError, match="no answer in time"):
                running.send(request, about="asking")
        assert first.calls > 1
        assert second.calls == 1
        assert running.send(Flaky(), about="asking") == "answer"
        again = Flaky(TimeoutError())
        assert running.send(again, about="asking") == "answer"  # the outage is over


def test_without_the_client_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ee", None)
    with pytest.raises(UsageError, match="Earth Engine's client is not installed: pip install"):
        require_client()
