"""FCN: every scale has a say of its own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.models.numbers import features, numbers
from watermap.config import DecoderConfig
from watermap.models.architecture import PROBABILITY, Plan
from watermap.models.fcn import fcn


def decoder(strides: list[int], upsampling: Any = "bilinear") -> keras.Model:
    """The decoder alone, for features of an image of 32 pixels a side."""
    inputs = [keras.Input((32 // stride, 32 // stride, 3)) for stride in strides]
    return keras.Model(inputs, fcn(inputs, Plan((4,), upsampling, 2, DecoderConfig()))[PROBABILITY])


@pytest.mark.parametrize("strides", [[1, 2, 4, 8, 16], [2, 4, 8, 16]])
@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
def test_scores_are_as_fine_as_the_image(strides: list[int], upsampling: str) -> None:
    model = decoder(strides, upsampling)
    assert model.output_shape == (None, 32, 32, 2)
    enlarging = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert len(enlarging) == (0 if upsampling == "bilinear" else 4)
    assert all(layer.kernel_size[0] == 2 * layer.strides[0] for layer in enlarging)


def test_every_scale_adds_its_own_score() -> None:
    model = decoder([1, 2, 4, 8, 16])
    inputs = [features(1, 32 // stride, 32 // stride, 3, seed=stride) for stride in (1, 2, 4, 8, 16)]
    whole = numbers(model(inputs))
    for scale in range(5):
        without = [x * (number != scale) for number, x in enumerate(inputs)]
        assert not np.allclose(numbers(model(without)), whole, atol=1e-4), scale
