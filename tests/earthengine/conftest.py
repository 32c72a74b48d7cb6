"""An Earth Engine of our own for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ee
import pytest
from google.cloud import storage

from tests.earthengine.asking import credentials, initialize
from tests.earthengine.ground import make_world
from tests.earthengine.login import PROJECT
from tests.earthengine.runs import Export
from tests.earthengine.server import BUCKET, LoopbackServer
from tests.earthengine.world import World
from watermap.config import EarthEngineConfig
from watermap.earthengine.session import Session, connect


@pytest.fixture(scope="session")
def world() -> World:
    """The ground truth."""
    return make_world()


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A fresh server over the world; at the end it must have understood everything that it was asked."""
    for name in ("no_proxy", "NO_PROXY"):  # a proxy would not find this machine's loopback
        monkeypatch.setenv(name, "127.0.0.1")
    ee.Reset()  # else the client keeps what an earlier test's server told it
    with LoopbackServer(world) as running:
        yield running
    assert not running.unknown


@pytest.fixture
def key(server: LoopbackServer, tmp_path: Path) -> Path:
    """A service-account key for the server."""
    return server.write_key(tmp_path / "key.json")


@pytest.fixture
def connected(server: LoopbackServer, key: Path) -> Iterator[Session]:
    """The real client, connected to the server the way that watermap does it."""
    config = EarthEngineConfig(key=key, service_url=server.url, storage_url=server.url, timeout_s=20, patience_s=0)
    with connect(config) as session:
        yield session


@pytest.fixture
def client(server: LoopbackServer, key: Path) -> Iterator[None]:
    """The Earth Engine client, connected with nothing of ours in between."""
    initialize(server, key)
    yield
    ee.Reset()


@pytest.fixture
def bucket(server: LoopbackServer, key: Path) -> Iterator[Any]:
    """The bucket as the Cloud Storage client sees it."""
    account = storage.Client(PROJECT, credentials(key), client_options={"api_endpoint": server.url})
    yield account.bucket(BUCKET)
    account.close()


@pytest.fixture
def export(server: LoopbackServer, key: Path, world: World, tmp_path: Path) -> Export:
    """An export of everything clear, straight to this machine."""
    return Export(server, key, tmp_path / "run", world.whole_box)
