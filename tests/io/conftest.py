"""Fixtures of products."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.safes import (
    Bands,
    band_values,
    write_safe,
)


@pytest.fixture
def bands() -> Bands:
    return band_values()


@pytest.fixture
def safe(tmp_path: Path, bands: Bands) -> Path:
    return write_safe(tmp_path, bands)
