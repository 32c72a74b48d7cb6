"""What can go wrong is told apart by status, never by words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError
from httplib2 import Response

from tests.earthengine.runs import Export
from tests.earthengine.server import LoopbackServer
from watermap.earthengine.failures import (
    CLOUD_STORAGE,
    EARTH_ENGINE,
    Failure,
    FailureKind,
    classify,
    kind_of_status,
    service_error,
)


def test_a_pace_that_is_too_fast_is_no_matter_of_permission(export: Export, server: LoopbackServer) -> None:
    server.fail("pixels", 403, times=2, reason="rateLimitExceeded")
    assert export() == 0


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "", FailureKind.REFUSED),
        (401, "", FailureKind.LOGIN),
        (403, "", FailureKind.FORBIDDEN),
        (403, "rateLimitExceeded", FailureKind.BUSY),
        (403, "accessNotConfigured", FailureKind.FORBIDDEN),
        (404, "", FailureKind.MISSING),
        (408, "", FailureKind.AWAY),
        (410, "", FailureKind.MISSING),
        (429, "", FailureKind.BUSY),
        (500, "", FailureKind.AWAY),
        (503, "", FailureKind.AWAY),
    ],
)
def test_a_status_says_what_is_asked_of_us(status: int, reason: str, kind: FailureKind) -> None:
    assert kind_of_status(status, reason) is kind
    assert Failure(kind, status, "").transient == (kind in (FailureKind.BUSY, FailureKind.AWAY))


def answered(status: int, content: bytes) -> HttpError:
    return HttpError(Response({"status": str(status)}), content)


def test_the_services_own_words_are_kept_in_one_line() -> None:
    error = {"code": 403, "message": "Too\n fast. ", "errors": [{"reason": "userRateLimitExceeded"}]}
    assert classify(answered(403, json.dumps({"error": error}).encode())) == Failure(FailureKind.BUSY, 403, "Too fast")
    assert classify(answered(502, b"<html>")) == Failure(FailureKind.AWAY, 502, "Bad Gateway")
    long = classify(answered(400, json.dumps({"error": {"message": "x" * 500}}).encode()))
    assert long is not None
    assert long.answer == "x" * 200 + "..."


EXPIRED: Any = RefreshError
"""Of a login; its library has no types."""


def test_a_cause_is_found_below_what_wraps_it() -> None:
    def wrapped(cause: Exception) -> Exception:
        error = RuntimeError("the client gave up")
        error.__cause__ = cause
        return error

    assert classify(wrapped(TimeoutError())) == Failure(FailureKind.AWAY, None, "no answer in time")
    assert classify(wrapped(EXPIRED("expired"))) == Failure(FailureKind.LOGIN, None, "expired")
    assert classify(wrapped(ConnectionResetError(104, "Connection reset by peer"))) == Failure(
        FailureKind.AWAY, None, "Connection reset by peer"
    )


def test_a_defect_of_ours_is_no_failure_of_theirs() -> None:
    for defect in (KeyError("x"), ValueError("x"), ZeroDivisionError(), OSError(28, "No space left on device")):
        assert classify(defect) is None


@pytest.mark.parametrize("kind", FailureKind)
@pytest.mark.parametrize("service", [EARTH_ENGINE, CLOUD_STORAGE])
def test_every_failure_is_one_line_with_what_to_do(kind: FailureKind, service: str) -> None:
    error = service_error(Failure(kind, 418, "no tea"), service=service, about="listing the scenes")
    assert str(error).startswith(f"{service} {kind.value} while listing the scenes (418: no tea): {error.hint}")
    assert error.hint
    assert error.transient == error.failure.transient
