"""One Prefect server for all tests of the flows that one process runs."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from tests.earthengine.conftest import key, server, world
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from watermap.config import EarthEngineConfig

__all__ = ["key", "server", "world"]


@pytest.fixture(scope="session", autouse=True)
def _prefect() -> Iterator[None]:
    """A real server with a database of its own."""
    quiet: Any = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}  # a flow's end waits for its heart's last beat
    with prefect_test_harness(server_startup_timeout=120), temporary_settings(quiet):
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Prefect's clients leave their connections to the collector
        gc.collect()


@pytest.fixture
def given(world: World, server: LoopbackServer, key: Path) -> dict[str, Any]:
    """An area, and the loopback Earth Engine that knows it."""
    service = EarthEngineConfig(key=key, service_url=server.url, storage_url=server.url, patience_s=1, poll_s=0.01)
    return {"area": world.whole_box, "earth_engine": service}
