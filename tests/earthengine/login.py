"""A service account of the loopback server: its key file, and the tokens that the key is exchanged for."""

from __future__ import annotations

import base64
import functools
import json
import secrets
import urllib.parse
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.earthengine.wire import Answer, Asked, ServiceError, json_answer

PROJECT: Final = "loopback-project"
ACCOUNT: Final = f"loopback@{PROJECT}.iam.gserviceaccount.com"
TOKEN_LIFE_S: Final = 3600

_AUDIENCE: Final = "https://oauth2.googleapis.com/token"
"""What google-auth signs for, whatever token address the key names."""

_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def write_key(path: Path, url: str) -> Path:
    """Write a service-account key whose tokens come from the server at a URL."""
    key = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "loopback",
        "private_key": _private_key(),
        "client_email": ACCOUNT,
        "client_id": "100000000000000000000",
        "auth_uri": f"{url}/auth",
        "token_uri": f"{url}/token",
        "universe_domain": "googleapis.com",
    }
    path.write_text(json.dumps(key), encoding="utf-8")
    return path


def exchange(asked: Asked) -> dict[str, Any]:
    """The answer to a signed assertion: a token.

    Raises:
        ServiceError: the request is not one for a token of this service account.
    """
    form = dict(urllib.parse.parse_qsl(asked.content.decode()))
    if form.get("grant_type") != _GRANT:
        raise ServiceError(400, f"grant type {form.get('grant_type')}")
    parts = form.get("assertion", "").split(".")
    if len(parts) != 3:
        raise ServiceError(400, "no signed assertion")
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    if claims.get("aud") != _AUDIENCE or claims.get("iss") != ACCOUNT or not claims.get("scope"):
        raise ServiceError(400, f"the claims {claims}")
    return {"access_token": secrets.token_urlsafe(24), "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"}


def refusal(error: ServiceError) -> Answer:
    """An error in the form of OAuth, which is not that of the rest of the service."""
    name = "invalid_grant" if error.status < 500 else "internal_failure"  # Source: RFC 6749, 5.2; google-auth
    return json_answer({"error": name, "error_description": error.message}, status=error.status)


@functools.cache
def _private_key() -> str:
    """One key for all of a process: making one is slow."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
