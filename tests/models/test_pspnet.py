"""PSPNet: a pixel beside the means of ever smaller regions of its window."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.models.numbers import features, numbers
from watermap.config import DecoderConfig
from watermap.models.architecture import PROBABILITY, Plan
from watermap.models.pspnet import pspnet


@pytest.fixture(scope="module")
def decoder() -> Any:
    """The decoder alone, for features of any size at stride 16."""
    x = keras.Input((None, None, 3))
    return keras.Model(x, pspnet([x], Plan((4, 6), "bilinear", 2, DecoderConfig()))[PROBABILITY])


@pytest.mark.parametrize(("rows", "cols"), [(2, 2), (6, 6), (7, 11)])
def test_a_window_of_any_size_has_every_mean(rows: int, cols: int, decoder: Any) -> None:
    assert decoder(features(1, rows, cols, 3)).shape == (1, 16 * rows, 16 * cols, 2)
    assert {layer.bins for layer in decoder.layers if hasattr(layer, "bins")} == {1, 2, 3, 6}


def test_a_pixel_depends_on_the_far_end_of_its_window(decoder: Any) -> None:
    x = features(1, 12, 12, 3)
    changed = x.copy()
    changed[:, -1, -1] += 5
    far = (slice(None), slice(0, 16), slice(0, 16))
    assert not np.allclose(numbers(decoder(x))[far], numbers(decoder(changed))[far], atol=1e-5)
