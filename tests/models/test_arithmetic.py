"""Arithmetic of small networks, counted by hand."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from watermap.models.arithmetic import flops_per_pixel

SIDE = 8


def network(*layers: Any, bands: int = 3) -> keras.Model:
    return keras.Sequential([keras.Input((SIDE, SIDE, bands)), *layers])


@pytest.mark.parametrize(
    ("layers", "multiply_adds"),
    [
        ([keras.layers.Conv2D(5, 3, padding="same")], 9 * 3 * 5),
        ([keras.layers.Conv2D(5, 3, 2, padding="same")], 9 * 3 * 5 / 4),
        ([keras.layers.Conv2D(5, 3, padding="same", dilation_rate=2)], 9 * 3 * 5),
        ([keras.layers.Conv2DTranspose(5, 2, strides=2)], 4 * 3 * 5),
        ([keras.layers.DepthwiseConv2D(3, padding="same")], 9 * 3),
        ([keras.layers.SeparableConv2D(5, 3, padding="same")], 9 * 3 + 3 * 5),
        ([keras.layers.Dense(7)], 3 * 7),
        ([keras.layers.BatchNormalization(), keras.layers.ReLU(), keras.layers.MaxPooling2D()], 0),
    ],
)
def test_a_layer_costs_two_operations_a_multiply_add(layers: list[Any], multiply_adds: float) -> None:
    assert flops_per_pixel(network(*layers), SIDE) == pytest.approx(2 * multiply_adds)


def test_an_encoder_of_any_size_is_counted_at_the_size_of_the_image() -> None:
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(5, 3, padding="same")(image)
    encoder = keras.Model(image, keras.layers.Conv2D(4, 1)(keras.layers.MaxPooling2D(2)(x)))
    model = network(encoder, keras.layers.Conv2D(2, 1))
    assert flops_per_pixel(model, SIDE) == pytest.approx(2 * (9 * 3 * 5 + 5 * 4 / 4 + 4 * 2 / 4))
