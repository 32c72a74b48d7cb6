"""Settings of prediction."""

from __future__ import annotations

import pytest

from watermap.config import PredictConfig
from watermap.errors import UsageError


def test_an_overlap_of_half_a_window_is_refused() -> None:
    with pytest.raises(UsageError, match="less than half"):
        PredictConfig.load(window=64, overlap=32)
