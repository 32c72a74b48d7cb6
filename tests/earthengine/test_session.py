"""What every request goes through: turns, tries, and who is to blame."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from tests.earthengine.runs import Export
from tests.earthengine.server import LoopbackServer
from tests.support.failures import one_line
from watermap.config import EarthEngineConfig
from watermap.earthengine.login import Login
from watermap.earthengine.session import Session, StoppedError, check
from watermap.errors import EarthEngineError


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
