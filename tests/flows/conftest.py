"""One Prefect server for all tests of the flows."""

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
from watermap.bands import STANDARD_BANDS
from watermap.config import EarthEngineConfig, PredictConfig, SampleConfig, TileConfig, TrainConfig

__all__ = ["key", "server", "world"]

SETTINGS: dict[str, Any] = {
    "sample": SampleConfig(scenes=6, size=128),
    "tile": TileConfig(patch_size=32, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=2),
    "train": TrainConfig(encoder="compact", epochs=1, augment="none", batch_size=32),
    "predict": PredictConfig(window=128, overlap=32),
}
"""Of a pipeline that takes seconds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests are dealt to several workers, one of them runs the server and all tests of the flows."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("flows"))


@pytest.fixture(scope="session", autouse=True)
def _prefect() -> Iterator[None]:
    """A real server with a database of its own."""
    quiet: Any = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}  # a flow's end waits for its heart's last beat
    with prefect_test_harness(server_startup_timeout=120), temporary_settings(quiet):
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Prefect's clients leave their connections to the collector
        gc.collect()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline that ran once, from nothing."""
    from flows.pipeline import pipeline  # not above: flows made while pytest reads this file lose their way to stderr

    folder = tmp_path_factory.mktemp("pipeline") / "data"
    made = {row["step"]: row["made now"] for row in pipeline(folder, **SETTINGS)}
    assert made == {"scenes": 6, "patches": 1, "model": 1, "maps": 6}
    return folder


@pytest.fixture
def given(world: World, server: LoopbackServer, key: Path) -> dict[str, Any]:
    """An area, and the loopback Earth Engine that knows it."""
    service = EarthEngineConfig(key=key, service_url=server.url, storage_url=server.url, patience_s=1, poll_s=0.01)
    return {"area": world.whole_box, "earth_engine": service}
