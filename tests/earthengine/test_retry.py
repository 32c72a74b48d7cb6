"""Earth Engine's retries: what may pass is tried again, and one outage is waited for once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from watermap.earthengine.retry import Retry


class PassingError(Exception):
    transient = True


class LastingError(Exception):
    transient = False


def failing(times: int, error: type[Exception], calls: list[None]) -> Callable[[], str]:
    def send() -> str:
        calls.append(None)
        if len(calls) <= times:
            raise error
        return "answer"

    return send


def test_what_may_pass_is_tried_again() -> None:
    calls: list[None] = []
    assert Retry(5, threading.Event())(failing(1, PassingError, calls)) == "answer"
    assert len(calls) == 2


def test_what_lasts_is_tried_once() -> None:
    calls: list[None] = []
    with pytest.raises(LastingError):
        Retry(5, threading.Event())(failing(9, LastingError, calls))
    assert len(calls) == 1


def test_an_outage_is_waited_for_once_and_ends_with_an_answer() -> None:
    retry = Retry(0.2, threading.Event())
    first: list[None] = []
    second: list[None] = []
    third: list[None] = []
    with pytest.raises(PassingError):
        retry(failing(10_000, PassingError, first))
    assert len(first) > 1
    with pytest.raises(PassingError):
        retry(failing(10_000, PassingError, second))
    assert len(second) == 1  # the patience is the outage's
    assert retry(failing(0, PassingError, [])) == "answer"
    assert retry(failing(1, PassingError, third)) == "answer"
    assert len(third) == 2


def test_a_run_that_is_given_up_does_not_wait() -> None:
    stop = threading.Event()
    stop.set()
    calls: list[None] = []
    begun = time.monotonic()
    with pytest.raises(PassingError):
        Retry(600, stop)(failing(9, PassingError, calls))
    assert len(calls) == 1
    assert time.monotonic() - begun < 30
