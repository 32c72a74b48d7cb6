"""What a decoder is asked to be."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from watermap.config import DecoderConfig
from watermap.errors import UsageError
from watermap.models.architecture import Architecture
from watermap.models.build import build


def test_decoder_filters_are_a_choice() -> None:
    model = build("unet", "compact", bands=2, patch_size=32, decoder=DecoderConfig(filters=(24, 20, 12, 8)))
    assert [model.get_layer(f"decoder{level}_3_conv").filters for level in (1, 2, 3, 4)] == [24, 20, 12, 8]


@dataclass(frozen=True)
class Case:
    """What is stated of a decoder, and what comes of it."""

    stated: DecoderConfig
    filters: tuple[int, ...]
    upsampling: str | None


TWO_LEVELS = Architecture(
    lambda _features, _plan: {},
    encoders={},
    filters={"compact": {"reference": (16, 8), "fast": (4, 2)}},
    upsampling=("transposed", "bilinear"),
)


@pytest.mark.parametrize(
    "case",
    [
        Case(DecoderConfig(), (4, 2), "transposed"),
        Case(DecoderConfig(filters=(5, 3)), (5, 3), "transposed"),
        Case(DecoderConfig(upsampling="bilinear"), (4, 2), "bilinear"),
    ],
)
def test_what_is_not_stated_is_the_architectures_own(case: Case) -> None:
    plan = TWO_LEVELS.plan("two", "compact", "fast", 2, case.stated)
    assert (plan.filters, plan.upsampling, plan.classes) == (case.filters, case.upsampling, 2)


def test_what_an_architecture_cannot_honour_is_refused_with_what_it_can() -> None:
    with pytest.raises(UsageError, match=r"\(5,\) do not fit two: give 2 positive numbers, such as \(16, 8\)"):
        TWO_LEVELS.plan("two", "compact", "reference", 2, DecoderConfig(filters=(5,)))
    alone = replace(TWO_LEVELS, upsampling=())
    assert alone.plan("two", "compact", "fast", 2, DecoderConfig()).upsampling is None
    with pytest.raises(UsageError, match="two has no bilinear up-sampling: it takes none but its own"):
        alone.plan("two", "compact", "fast", 2, DecoderConfig(upsampling="bilinear"))
