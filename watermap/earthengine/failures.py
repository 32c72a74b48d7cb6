"""What can go wrong between here and Earth Engine, told apart by status, never by the words of a message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

from watermap.errors import EarthEngineError

_RATE_REASONS: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
"""Machine-readable reasons that make a 403 a matter of pace, not of permission."""

_LONGEST_SAYING: Final = 200

EARTH_ENGINE: Final = "Earth Engine"
CLOUD_STORAGE: Final = "Cloud Storage"


class FailureKind(Enum):
    """What a failure asks of us."""

    BUSY = "is too busy or the quota is used up"
    AWAY = "could not be reached or gave no usable answer"
    LOGIN = "did not accept the login"
    FORBIDDEN = "denies access"
    MISSING = "does not have what was asked for"
    REFUSED = "refused the request"


_STORAGE_REMEDIES: Final = {
    FailureKind.FORBIDDEN: "check that the login may read the bucket (role Storage Object Viewer)",
    FailureKind.MISSING: "check the bucket's name; run again, what is gone is exported anew",
    FailureKind.REFUSED: "check the bucket's name",
}
"""Where Cloud Storage asks for something else than Earth Engine."""

_REMEDIES: Final = {
    FailureKind.BUSY: "wait, or lower --requests, and run the same command again: it goes on where it stopped",
    FailureKind.AWAY: "check the network and run the same command again: it goes on where it stopped",
    FailureKind.LOGIN: "log in with earthengine authenticate, or give a service-account key with --key",
    FailureKind.FORBIDDEN: (
        "check that the project is registered for Earth Engine and that the login may use it (--project)"
    ),
    FailureKind.MISSING: "check the project, the bucket and the names of assets",
    FailureKind.REFUSED: "check bands, label and dates against what the collection holds",
}


@dataclass(frozen=True)
class Failure:
    """One failed request.

    Attributes:
        kind: what it asks of us.
        status: of HTTP, where there was an answer.
        answer: the service's own words, or those of the network.
    """

    kind: FailureKind
    status: int | None
    answer: str

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind in (FailureKind.BUSY, FailureKind.AWAY)


class ServiceError(EarthEngineError):
    """A request that Earth Engine, its login or its storage did not fulfil.

    Attributes:
        failure: what happened.
    """

    def __init__(self, message: str, *, hint: str = "", failure: Failure | None = None) -> None:
        super().__init__(message, hint=hint)
        self.failure = failure or Failure(FailureKind.REFUSED, None, message)

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.failure.transient


class UnusableAnswerError(Exception):
    """An answer that arrived whole and with a good status, but is not what was asked for."""


def service_error(failure: Failure, *, service: str, about: str, hint: str = "") -> ServiceError:
    """The error for a failed request.

    Args:
        failure: what happened.
        service: who failed: Earth Engine or Cloud Storage.
        about: what was being done, e.g. "listing the scenes".
        hint: what to do, where that is known better here than by the kind of failure.
    """
    status = f"{failure.status}: " if failure.status else ""
    message = f"{service} {failure.kind.value} while {about} ({status}{failure.answer})"
    remedies = _REMEDIES if service == EARTH_ENGINE else _REMEDIES | _STORAGE_REMEDIES
    return ServiceError(message, hint=hint or remedies[failure.kind], failure=failure)


def kind_of_status(status: int, reason: str = "") -> FailureKind:
    """What an HTTP status asks of us.

    Args:
        status: 400 or above.
        reason: the machine-readable reason, where there is one.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and reason in _RATE_REASONS):
        return FailureKind.BUSY
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return FailureKind.AWAY
    named = {401: FailureKind.LOGIN, 403: FailureKind.FORBIDDEN, 404: FailureKind.MISSING, 410: FailureKind.MISSING}
    return named.get(status, FailureKind.REFUSED)


def classify(error: BaseException) -> Failure | None:
    """What a client library's exception means, or None where it is a defect of ours.

    The clients wrap one another's exceptions, so the whole chain of causes is looked through.
    """
    for each in _chain(error):
        found = _from_status(each) or _from_login(each) or _from_network(each)
        if found is not None:
            return found
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _from_status(error: BaseException) -> Failure | None:
    import googleapiclient.errors
    from google.api_core.exceptions import GoogleAPICallError
    from google.cloud.storage.exceptions import InvalidResponse

    if isinstance(error, googleapiclient.errors.HttpError):
        answer, reason = _details(error.content)
        return Failure(
            kind_of_status(error.status_code, reason), error.status_code, answer or _phrase(error.status_code)
        )
    if isinstance(error, googleapiclient.errors.UnknownApiNameOrVersion):
        return Failure(FailureKind.MISSING, 404, "no Earth Engine service at this address")
    if isinstance(error, GoogleAPICallError) and error.code is not None:
        reason = next((each["reason"] for each in error.errors if isinstance(each, dict) and "reason" in each), "")
        return Failure(kind_of_status(int(error.code), reason), int(error.code), _one_line(error.message))
    if isinstance(error, InvalidResponse):
        status = int(error.response.status_code)
        return Failure(kind_of_status(status), status, _phrase(status))
    return None


def _from_login(error: BaseException) -> Failure | None:
    from google.auth import exceptions

    if isinstance(error, exceptions.TransportError):
        return Failure(FailureKind.AWAY, None, _one_line(str(error)))
    if isinstance(error, exceptions.GoogleAuthError):
        kind = FailureKind.AWAY if error.retryable else FailureKind.LOGIN
        return Failure(kind, None, _one_line(str(error.args[0]) if error.args else type(error).__name__))
    return None


def _from_network(error: BaseException) -> Failure | None:
    import googleapiclient.errors
    import requests.exceptions
    from google.cloud.storage.exceptions import DataCorruption

    if isinstance(error, TimeoutError | requests.exceptions.Timeout):
        return Failure(FailureKind.AWAY, None, "no answer in time")
    if isinstance(error, ConnectionError | requests.exceptions.RequestException):
        return Failure(FailureKind.AWAY, None, _network_words(error))
    if isinstance(error, DataCorruption):
        return Failure(FailureKind.AWAY, None, "the checksum of a download is wrong")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | googleapiclient.errors.InvalidJsonError):
        return Failure(FailureKind.AWAY, None, "the answer is not JSON")
    if isinstance(error, UnusableAnswerError):
        return Failure(FailureKind.AWAY, None, _one_line(str(error)))
    return None


def _network_words(error: BaseException) -> str:
    """The innermost cause, without the addresses of objects that libraries print."""
    deepest = error
    for each in _chain(error):
        deepest = each
    return _one_line(getattr(deepest, "strerror", None) or f"{type(deepest).__name__}: the connection broke off")


def _details(content: bytes) -> tuple[str, str]:
    """Message and machine-readable reason of an error in Google's JSON form; empty where it has another form."""
    try:
        error: Any = json.loads(content)["error"]
        reasons = [each.get("reason", "") for each in [*error.get("errors", []), *error.get("details", [])]]
        return _one_line(error.get("message", "")), next(filter(None, reasons), "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown status"


def _one_line(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST_SAYING else line[:_LONGEST_SAYING] + "..."
