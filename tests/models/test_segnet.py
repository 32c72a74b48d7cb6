"""SegNet: unpooling, and the encoder in reverse."""

from __future__ import annotations

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import plain
from tests.models.numbers import numbers
from watermap.models.build import build
from watermap.models.segnet import MaxPositions, unpool

SIZES = st.integers(1, 20)


LIMIT = settings(max_examples=25, deadline=None)  # the first call of an operation takes longer than the rest


@LIMIT
@given(rows=st.integers(1, 6), cols=st.integers(1, 6), levels=st.sampled_from([1, 2, 3, 1000]), seed=SIZES)
def test_unpooling_puts_maxima_back(rows: int, cols: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, levels, (2, 2 * rows, 2 * cols, 3)).astype("float32") + 1  # few levels: many ties
    expected = np.zeros_like(x)
    for batch, row, col, channel in np.ndindex(2, rows, cols, 3):
        block = x[batch, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2, channel]
        i, j = np.unravel_index(np.argmax(block), (2, 2))
        expected[batch, 2 * row + i, 2 * col + j, channel] = block[i, j]
    np.testing.assert_array_equal(numbers(MaxPositions()(x)), expected > 0)
    pooled = plain.max_pool(x, 2).astype("float32")
    back = numbers(unpool(pooled, x, name="unpool"))
    np.testing.assert_array_equal(back, expected)
    np.testing.assert_array_equal(plain.max_pool(back, 2), pooled)


def test_segnet_is_vgg16_and_its_mirror_image() -> None:
    model = build("segnet", "vgg16", bands=3, patch_size=32)
    batch_norm = 4 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512)
    assert model.get_layer("encoder").count_params() == 14_714_688 + batch_norm
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 13
