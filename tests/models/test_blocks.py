"""The pieces that architectures are made of."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.models.numbers import features, numbers
from watermap.config import DecoderConfig
from watermap.models.blocks import attention_gate, conv_bn_relu, dropout, grown, join, residual_block, skips_upwards


def made(block: Any, *shapes: tuple[int, ...]) -> keras.Model:
    """A network of one block."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], block(*inputs))


def test_the_skips_are_from_the_deepest_up_and_none_where_the_encoder_has_none() -> None:
    encoder: Any = ["stride2", "stride4", "stride8", "bottom"]
    assert skips_upwards(encoder, 3) == ["stride8", "stride4", "stride2"]
    assert skips_upwards(encoder, 4) == ["stride8", "stride4", "stride2", None]


def test_dropout_drops_whole_channels_and_only_in_training() -> None:
    model = made(lambda x: dropout(x, DecoderConfig(dropout=0.5), name="d"), (8, 8, 40))
    x = np.ones((2, 8, 8, 40), "float32")
    np.testing.assert_array_equal(numbers(model(x)), x)
    dropped = numbers(model(x, training=True))
    assert (dropped == dropped[:, :1, :1]).all()
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert not np.array_equal(dropped[0], dropped[1])


def test_without_dropout_and_skip_nothing_is_added() -> None:
    x: Any = keras.Input((8, 8, 3))
    assert dropout(x, DecoderConfig(), name="d") is x
    assert join(x, None, name="j") is x
    assert grown(x, 1, name="g") is x


@pytest.mark.parametrize("batch_norm", [True, False])
def test_batch_norm_or_a_bias_and_never_less_than_zero(batch_norm: bool) -> None:
    model = made(lambda x: conv_bn_relu(x, 6, name="a", style=DecoderConfig(batch_norm=batch_norm)), (8, 8, 3))
    assert model.get_layer("a_conv").use_bias != batch_norm
    assert any(layer.name == "a_bn" for layer in model.layers) == batch_norm
    found = numbers(model(features(1, 8, 8, 3)))
    assert found.min() == 0 < found.max()


def test_a_residual_block_adds_its_shortcut() -> None:
    model = made(lambda x: residual_block(x, 4, name="r", strides=2), (8, 8, 3))
    model.get_layer("r_2_conv").set_weights([np.zeros((3, 3, 4, 4), "float32")])
    model.get_layer("r_shortcut_conv").set_weights([np.ones((1, 1, 3, 4), "float32")])
    x = features(1, 8, 8, 3)
    expected = np.maximum(x[:, ::2, ::2].sum(axis=-1, keepdims=True), 0)
    np.testing.assert_allclose(numbers(model(x)), np.repeat(expected, 4, axis=-1), rtol=2e-3, atol=1e-6)


def test_a_gate_dims_a_skip_and_never_raises_it() -> None:
    model = made(lambda skip, signal: attention_gate(skip, signal, 2, name="g"), (4, 4, 3), (4, 4, 5))
    skip, signal = np.abs(features(1, 4, 4, 3)), features(1, 4, 4, 5, seed=1)
    factor = numbers(model([skip, signal])) / skip
    np.testing.assert_allclose(factor, np.repeat(factor[..., :1], 3, axis=-1), rtol=1e-4)
    assert 0 < factor.min() < factor.max() < 1
    for layer, bias in (("g_psi", -50.0), ("g_psi", 50.0)):
        kernel, _ = model.get_layer(layer).get_weights()
        model.get_layer(layer).set_weights([kernel, np.array([bias], "float32")])
        np.testing.assert_allclose(numbers(model([skip, signal])), skip * (bias > 0), atol=1e-5)
