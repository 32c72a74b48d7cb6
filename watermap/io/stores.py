"""How stores and web servers are reached: logins, endpoints, patience, and what their errors mean.

Pixels are read by GDAL, everything else through fsspec. Both are told the same of these variables:

| for | variables |
|---|---|
| S3 login | AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's role |
| S3 elsewhere | AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, or GDAL's AWS_S3_ENDPOINT and AWS_HTTPS |
| public or paid buckets | AWS_NO_SIGN_REQUEST=YES, AWS_REQUEST_PAYER=requester |
| Google Cloud Storage | GOOGLE_APPLICATION_CREDENTIALS, or the machine's account; GS_NO_SIGN_REQUEST=YES |
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from watermap.config.extras import install_command
from watermap.errors import StorageError, UsageError

_PACKAGES: Final = {"s3": "s3fs", "gs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
_LIBRARIES: Final = {"s3": ("fsspec", "s3fs"), "gs": ("fsspec", "gcsfs"), "http": ("fsspec",), "https": ("fsspec",)}
_CONNECT_S: Final = 10
_SILENCE_S: Final = 60
"""How long a server may take to accept a connection, and how long it may stay silent."""

_WAITS_S: Final = (0.5, 1.0, 2.0)
"""Before a question is asked again that a busy or absent server did not answer."""

_NO_LOGIN: Final = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "RefreshError")
_LOGINS: Final = {
    "s3": "check AWS_ACCESS_KEY_ID or AWS_PROFILE, and AWS_ENDPOINT_URL; for public buckets AWS_NO_SIGN_REQUEST=YES",
    "gs": "check GOOGLE_APPLICATION_CREDENTIALS; for public buckets GS_NO_SIGN_REQUEST=YES",
    "http": "check the address and its signature",
    "https": "check the address and its signature",
}
_BUSY: Final = (408, 429)


def require(scheme: str, shown: str) -> None:
    """Make sure that what reads s3, gs, http or https is installed; nothing is imported for it.

    Args:
        scheme: one of them.
        shown: the address, for the message.

    Raises:
        UsageError: it is not.
    """
    if find_spec("fsspec") is None or find_spec(_PACKAGES[scheme]) is None:
        raise _not_installed(scheme, shown)


def _not_installed(scheme: str, shown: str) -> UsageError:
    return UsageError(
        f"{shown}: what reads {scheme}:// is not installed", hint=install_command("cloud", only=_LIBRARIES[scheme])
    )


def ask(scheme: str, shown: str, question: Callable[[Any], Any]) -> Any:
    """Ask a store, again where that may help.

    Args:
        scheme: s3, gs, http or https.
        shown: the address that is asked for, for messages.
        question: asks the file system of fsspec that it is given.

    Raises:
        FileNotFoundError: there is no such file.
        StorageError: whatever else went wrong.
        UsageError: what reads from there is not installed.
    """
    import fsspec

    protocol = "http" if scheme == "https" else scheme
    for wait_s in (*_WAITS_S, None):
        try:
            return question(fsspec.filesystem(protocol, use_listings_cache=False, **_settings(protocol)))
        except ImportError as error:  # a worker that has less installed than the process that named the place
            raise _not_installed(scheme, shown) from error
        except (TypeError, AttributeError, NameError):  # a defect, and no answer of a store
            raise
        except Exception as error:
            failure = _as_failure(scheme, shown, error)
        if wait_s is None or not getattr(failure, "transient", False):
            raise failure  # without the libraries' own error, which cannot go to another process
        time.sleep(wait_s)
    raise AssertionError  # the last round returns or raises


def vanished(shown: str) -> StorageError:
    """The error for a file that was there a moment ago."""
    return StorageError(f"{shown}: went away while it was read", hint="try again", transient=True)


def gdal_settings() -> dict[str, str | int]:
    """How GDAL is to read from elsewhere; what the environment says to GDAL itself wins."""
    settings: dict[str, str | int] = {
        "GDAL_HTTP_CONNECTTIMEOUT": _CONNECT_S,
        "GDAL_HTTP_LOW_SPEED_TIME": _SILENCE_S,
        "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
        "GDAL_HTTP_MAX_RETRY": 3,
        "GDAL_HTTP_RETRY_DELAY": 1,
        # A file that is closed is forgotten: the next to open it sees what is there then.
        "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/:/vsis3/:/vsigs/",
    }
    endpoint = _stated_endpoint()
    if endpoint and "AWS_S3_ENDPOINT" not in os.environ:
        scheme, _, host = endpoint.rpartition("://")
        secure = "NO" if scheme == "http" else "YES"
        settings |= {"AWS_S3_ENDPOINT": host.rstrip("/"), "AWS_HTTPS": secure, "AWS_VIRTUAL_HOSTING": "FALSE"}
    return {name: value for name, value in settings.items() if name not in os.environ}


def _settings(protocol: str) -> dict[str, Any]:
    """How fsspec is to read from elsewhere, as the environment says to GDAL."""
    if protocol == "gs":
        return {"token": "anon"} if _is_set("GS_NO_SIGN_REQUEST") else {}
    if protocol == "http":
        import aiohttp

        patience = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        return {"client_kwargs": {"trust_env": True, "timeout": patience}}
    # we try again ourselves; were botocore to do so too, attempts would multiply
    waits = {"connect_timeout": _CONNECT_S, "read_timeout": _SILENCE_S, "retries": {"total_max_attempts": 1}}
    settings: dict[str, Any] = {"anon": _is_set("AWS_NO_SIGN_REQUEST"), "config_kwargs": waits}
    settings["requester_pays"] = os.environ.get("AWS_REQUEST_PAYER", "").lower() == "requester"
    settings["endpoint_url"] = _stated_endpoint()
    if settings["endpoint_url"] is None and (host := os.environ.get("AWS_S3_ENDPOINT")):
        scheme = "https" if _is_set("AWS_HTTPS", "YES") else "http"
        settings["endpoint_url"] = f"{scheme}://{host.rpartition('://')[2]}"
    return settings


def _stated_endpoint() -> str | None:
    """The address of an S3 that is not Amazon's, as Amazon's own libraries are told."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


def _is_set(name: str, default: str = "NO") -> bool:
    return os.environ.get(name, default).upper() in ("YES", "TRUE", "ON", "1")


def _as_failure(scheme: str, shown: str, error: Exception) -> Exception:
    """What a store's error means to the user."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    status = next((found for each in chain if (found := _status(each))), None)
    if status in (404, 410) or (status is None and isinstance(chain[-1], FileNotFoundError)):
        return FileNotFoundError(errno.ENOENT, "no such file", shown)
    unknown = any(type(each).__name__ in _NO_LOGIN for each in chain)
    if unknown or status in (401, 403) or (status is None and any(isinstance(each, PermissionError) for each in chain)):
        why = "no login was found" if unknown else "there is no permission to read it, or no such file"
        return StorageError(f"{shown}: {why}", hint=_LOGINS[scheme])
    passing = status is None or status >= 500 or status in _BUSY
    reason = f"it answers {status}" if status else _reason(chain[-1])
    hint = "check the network and the address, and try again" if passing else "check the address"
    return StorageError(f"{shown}: cannot be reached ({reason})", hint=hint, transient=passing)


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error tells of, whatever library raised it."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's
        failure = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        failure = getattr(error, "status", None) or getattr(error, "code", None)  # aiohttp's, gcsfs's
    return int(failure) if str(failure).isdigit() and 400 <= int(failure) < 600 else None


def _reason(error: BaseException) -> str:
    """Why, without the address: it may hold a signature."""
    return getattr(error, "strerror", None) or type(error).__name__
