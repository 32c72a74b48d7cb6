"""Fixtures of tiling."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rasters import write_places


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return write_places(tmp_path / "scenes")
