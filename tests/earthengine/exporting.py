"""Exports in tests."""

from __future__ import annotations

import pytest

from tests.earthengine.server import LoopbackServer


def phases(server: LoopbackServer, phase: str) -> int:
    return sum(record.phase == phase for record in server.requests)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]
