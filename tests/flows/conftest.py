"""One Prefect server for all tests of the flows."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests are dealt to several workers, one of them runs the server and all tests of the flows."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("flows"))


@pytest.fixture(scope="session", autouse=True)
def _prefect() -> Iterator[None]:
    """A real server with a database of its own."""
    with prefect_test_harness(server_startup_timeout=120):
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Prefect's clients leave their connections to the collector
        gc.collect()
