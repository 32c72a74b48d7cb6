"""Which architectures and encoders there are."""

from __future__ import annotations

from typing import get_args

import pytest

from watermap.config import ArchName, EncoderName
from watermap.errors import UsageError
from watermap.models.registry import ARCHITECTURES, architecture, encoders
from watermap.models.weights import PRETRAINED


def test_settings_name_what_there_is() -> None:
    assert get_args(ArchName) == tuple(ARCHITECTURES)
    assert get_args(EncoderName) == encoders()
    assert {*PRETRAINED, "compact", "plain"} == set(encoders())


@pytest.mark.parametrize(
    ("name", "encoder", "message"),
    [
        ("transunet", "compact", "there is no architecture 'transunet': choose from unet, attention_unet"),
        ("unet", "vit", "there is no encoder 'vit': choose from resnet50, compact"),
        ("segnet", "resnet50", "segnet does not take the resnet50 encoder: choose from vgg16, compact"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(name: str, encoder: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        architecture(name, encoder)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_encoder_has_both_presets_and_the_fast_one_is_lighter(name: str) -> None:
    found = architecture(name, "compact")
    assert set(found.filters) == set(found.encoders)
    for presets in found.filters.values():
        assert len(presets["fast"]) == len(presets["reference"])
        assert all(fast <= own for fast, own in zip(presets["fast"], presets["reference"], strict=True))
        assert presets["fast"] != presets["reference"]
