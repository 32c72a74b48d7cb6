"""What can go wrong is told apart by status, never by words."""

from __future__ import annotations

from tests.earthengine.runs import Export
from tests.earthengine.server import LoopbackServer


def test_a_pace_that_is_too_fast_is_no_matter_of_permission(export: Export, server: LoopbackServer) -> None:
    server.fail("pixels", 403, times=2, reason="rateLimitExceeded")
    assert export() == 0
