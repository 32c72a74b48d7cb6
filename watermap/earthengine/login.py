"""Who asks: the credentials of an unattended machine or of a person. They are never written or logged."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watermap.config import EarthEngineConfig
from watermap.errors import EarthEngineError, UsageError

_NO_LOGIN = (
    "for unattended runs give a service-account key with --key or GOOGLE_APPLICATION_CREDENTIALS; "
    "a person runs earthengine authenticate once"
)


@dataclass(frozen=True)
class Login:
    """Credentials and where they are from.

    Attributes:
        credentials: of google-auth.
        source: for people, e.g. "service-account key key.json"; never holds a secret.
        project: that pays for requests.
    """

    credentials: Any
    source: str
    project: str


def log_in(config: EarthEngineConfig) -> Login:
    """Find credentials: a stated key, GOOGLE_APPLICATION_CREDENTIALS, the user's own login, else the machine's.

    Raises:
        UsageError: the key is not one.
        EarthEngineError: there is no login, or no project although one is needed.
    """
    credentials, source = _find(config)
    project = config.project or credentials.quota_project_id or getattr(credentials, "project_id", None)
    if project is None:
        raise EarthEngineError(
            f"the login ({source}) names no Google Cloud project, and Earth Engine needs one",
            hint="give a project that is registered for Earth Engine with --project",
        )
    return Login(credentials, source, project)


def _find(config: EarthEngineConfig) -> tuple[Any, str]:
    if config.key is not None:
        return _from_key(config.key)
    stated = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if stated:  # what a machine's environment states beats the login that a person left there
        return _default(), f"application default credentials, {stated}"
    user = _from_user()
    if user is not None:
        return user
    return _default(), "application default credentials"


def _from_key(key: Path) -> tuple[Any, str]:
    import ee.oauth
    from google.oauth2 import service_account

    try:
        credentials = service_account.Credentials.from_service_account_file(str(key), scopes=ee.oauth.SCOPES)
    except OSError as error:
        raise UsageError(f"{key}: {error.strerror}", hint="check the path of the service-account key") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # its text may quote the file
        raise UsageError(f"{key}: not a service-account key", hint="download one in JSON form") from error
    return credentials, f"service-account key {key}"


def _from_user() -> tuple[Any, str] | None:
    """What `earthengine authenticate` left."""
    import ee.oauth
    from google.oauth2.credentials import Credentials

    try:
        stored = ee.oauth.get_credentials_arguments()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        path = ee.oauth.get_credentials_path()
        raise UsageError(f"{path}: cannot be read", hint="run earthengine authenticate again") from error
    if not stored.get("refresh_token"):
        return None
    return Credentials(None, **stored), f"user login {ee.oauth.get_credentials_path()}"


def _default() -> Any:
    import ee.oauth
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # advice about quota projects, which is ours to give
            found = google.auth.default(scopes=ee.oauth.SCOPES)
    except (DefaultCredentialsError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        stated = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if stated:
            raise UsageError(
                f"{stated}: GOOGLE_APPLICATION_CREDENTIALS does not name usable credentials",
                hint="check the path and that it is a key in JSON form",
            ) from error
        raise EarthEngineError("this machine has no Earth Engine login", hint=_NO_LOGIN) from error
    credentials: Any = found[0]
    project = found[1]
    if credentials.quota_project_id is None and project and not hasattr(credentials, "project_id"):
        credentials = credentials.with_quota_project(project)
    return credentials
