"""The layers that Keras lacks, beside numpy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import plain
from watermap.models.regional import AdaptiveAveragePooling, ResizeLike
from watermap.models.segnet import MaxPositions, unpool
from watermap.models.unet3plus import Guide

SIZES = st.integers(1, 20)
LIMIT = settings(max_examples=25, deadline=None)  # the first call of an operation takes longer than the rest


def features(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numbers(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(tensor)


@LIMIT
@given(rows=SIZES, cols=SIZES, bins=st.sampled_from([1, 2, 3, 6]))
def test_adaptive_pooling_averages_each_region(rows: int, cols: int, bins: int) -> None:
    x = features(2, rows, cols, 3)
    found = numbers(AdaptiveAveragePooling(bins)(x))
    assert found.shape == (2, bins, bins, 3)
    for i in range(bins):
        for j in range(bins):
            top, bottom = i * rows // bins, -(-(i + 1) * rows // bins)
            left, right = j * cols // bins, -(-(j + 1) * cols // bins)
            np.testing.assert_allclose(found[:, i, j], x[:, top:bottom, left:right].mean(axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize(("bins", "factor"), [(1, 5), (2, 4), (3, 2), (6, 1), (6, 3)])
def test_resizing_is_bilinear(bins: int, factor: int) -> None:
    x = features(2, bins, bins, 3)
    like = np.zeros((2, bins * factor, bins * factor, 7), "float32")
    np.testing.assert_allclose(numbers(ResizeLike()([x, like])), plain.enlarge(x, factor), atol=1e-6)


@LIMIT
@given(rows=SIZES, cols=SIZES)
def test_resizing_to_any_size_keeps_a_constant(rows: int, cols: int) -> None:
    found = numbers(ResizeLike()([np.full((1, 6, 6, 2), 3.0, "float32"), np.zeros((1, rows, cols, 1), "float32")]))
    np.testing.assert_allclose(found, np.full((1, rows, cols, 2), 3.0), rtol=1e-6)


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


def test_guidance_dims_every_class_but_the_first() -> None:
    scores, evidence = features(2, 4, 4, 3), features(2, 2, 2, 5, seed=1)
    found = numbers(Guide()([scores, evidence]))
    np.testing.assert_array_equal(found[..., 0], scores[..., 0])
    presence = plain.sigmoid(evidence.max(axis=(1, 2, 3)).astype("float64"))[:, None, None, None]
    np.testing.assert_allclose(np.exp(found[..., 1:]), np.exp(scores[..., 1:]) * presence, rtol=1e-5)


@pytest.mark.parametrize(
    "layer", [AdaptiveAveragePooling(3, name="a"), ResizeLike(name="b"), MaxPositions(name="c"), Guide(name="d")]
)
def test_layers_are_made_again_from_their_config(layer: Any) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
