"""How much a network computes."""

from __future__ import annotations

import math

import keras


def flops_per_pixel(model: keras.Model, side: int) -> float:
    """Arithmetic of a network's convolutions and dense layers, of a pixel of its input: two operations a multiply-add.

    Args:
        model: with an input of (side, side).
        side: pixels.
    """
    return 2 * _multiply_adds(model, side) / side**2


def _multiply_adds(model: keras.Model, side: int) -> int:
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            image = keras.Input((side, side, layer.input_shape[-1]))
            total += _multiply_adds(keras.models.clone_model(layer, input_tensors=image), side)
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            total += math.prod(layer.input.shape[1:3]) * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.SeparableConv2D):
            pixels = math.prod(layer.output.shape[1:3])
            total += pixels * (math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape))
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
            total += math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    return total
