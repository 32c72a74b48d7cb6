"""Fixtures of trainings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def _not_converted() -> Iterator[None]:
    """Conversion has tests of its own, and takes as long as these trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watermap.training.train.convert_once", lambda *_: None)
        yield
