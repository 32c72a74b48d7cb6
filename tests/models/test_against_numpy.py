"""Models compute what their papers say: the same numbers as plain numpy, from the same weights."""

from __future__ import annotations

import pytest

from tests.models import plain
from tests.models.conftest import digital_numbers
from tests.models.numbers import assert_close, features_of, lively
from watermap.models.build import build


@pytest.mark.parametrize("encoder", ["compact", pytest.param("mobilenetv2", marks=pytest.mark.extended)])
@pytest.mark.parametrize("arch", ["unet", "attention_unet"])
def test_decoder(arch: str, encoder: str) -> None:
    model = lively(build(arch, encoder, bands=3, patch_size=32, preset="fast"))
    image = digital_numbers(1, 32, 32, 3)
    assert_close(model(image), getattr(plain, arch)(features_of(model, image), plain.Plain(model)))
