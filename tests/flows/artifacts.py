"""What stands on the pages of the server's runs."""

from __future__ import annotations

import json
from typing import Any

import httpx
from prefect.settings import PREFECT_API_URL


def newest(key: str) -> dict[str, Any]:
    """The artifact that was put on a page last, of those with a key."""
    asked = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": 1}
    answer = httpx.post(f"{PREFECT_API_URL.value()}/artifacts/filter", json=asked).raise_for_status()
    (found,) = answer.json()
    artifact: dict[str, Any] = found
    return artifact


def newest_table(key: str) -> list[dict[str, str]]:
    """The rows of the table that was put on a page last, of those with a key."""
    rows: list[dict[str, str]] = json.loads(newest(key)["data"])
    return rows
