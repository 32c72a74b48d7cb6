"""Which architectures and encoders there are."""

from __future__ import annotations

from typing import get_args

from watermap.config import ArchName, EncoderName
from watermap.models.encoders import ENCODERS
from watermap.models.registry import ARCHITECTURES
from watermap.models.weights import PRETRAINED


def test_settings_name_what_there_is() -> None:
    assert get_args(ArchName) == tuple(ARCHITECTURES)
    assert get_args(EncoderName) == tuple(ENCODERS)
    assert {*PRETRAINED, "compact"} == set(ENCODERS)
