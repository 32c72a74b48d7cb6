"""SegNet: features are put back where max-pooling found them. Source: Badrinarayanan et al. 2017."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import keras
from keras import KerasTensor, layers, ops

from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import conv_bn_relu, dropout
from watermap.models.encoders import COMPACT_WIDTHS, VGG16_WIDTHS, pooling_vgg

_DEPTHS: Final = (3, 3, 3, 2, 2)
"""Convolutions at strides 16, 8, 4, 2, 1, as in the encoder; the last of all gives the classes."""


@keras.saving.register_keras_serializable(package="watermap")
class MaxPositions(layers.Layer):
    """1 at the pixel of each 2x2 block that max-pooling takes, 0 elsewhere; of equal ones, the first in reading order.

    Source: the stored indices of Badrinarayanan et al. 2017, section 3, as a mask.
    """

    def call(self, x: Any) -> Any:
        """(batch, rows, cols, channels), of even sides, to zeros and ones of the same shape."""
        batch, rows, cols, channels = ops.shape(x)
        blocks = ops.reshape(x, (batch, rows // 2, 2, cols // 2, 2, channels))
        blocks = ops.reshape(ops.transpose(blocks, (0, 1, 3, 5, 2, 4)), (batch, rows // 2, cols // 2, channels, 4))
        found = ops.one_hot(ops.argmax(blocks, axis=-1), 4, dtype=x.dtype)
        found = ops.reshape(found, (batch, rows // 2, cols // 2, channels, 2, 2))
        return ops.reshape(ops.transpose(found, (0, 1, 4, 2, 5, 3)), (batch, rows, cols, channels))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        return input_shape


def unpool(x: KerasTensor, pooled: KerasTensor, *, name: str) -> KerasTensor:
    """Features twice as large, each where the maximum of `pooled` was, among zeros.

    Args:
        x: (batch, rows, cols, channels).
        pooled: (batch, 2 rows, 2 cols, channels), what the encoder pooled.
        name: prefix of the layers' names.
    """
    positions = MaxPositions(name=f"{name}_positions")(pooled)
    x = layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_up")(x)
    return layers.Multiply(name=f"{name}_multiply")([x, positions])


def segnet(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """The encoder in reverse: convolutions at each stride, and unpooling from one to the next.

    Args:
        features: the encoder's outputs before each pooling, and its last.
        plan: of the decoder; filters at strides 16, 8, 4, 2, 1, but for the convolution before an unpooling, which
            has the channels of what was pooled.

    Returns:
        Logits at full resolution.
    """
    x, style = features[-1], plan.style
    for level, (width, depth) in enumerate(zip(plan.filters, _DEPTHS, strict=True), start=1):
        name = f"decoder{level}"
        for number in range(1, depth):
            x = conv_bn_relu(x, width, name=f"{name}_{number}", style=style)
        x = dropout(x, style, name=name)
        if level < len(_DEPTHS):
            finer = features[-1 - level]
            x = conv_bn_relu(x, finer.shape[-1], name=f"{name}_{depth}", style=style)
            x = unpool(x, finer, name=f"unpool{level}")
    return {PROBABILITY: layers.Conv2D(plan.classes, 3, padding="same", name="logits")(x)}


SEGNET: Final = Architecture(
    segnet,
    encoders={
        "vgg16": partial(pooling_vgg, widths=VGG16_WIDTHS),
        "compact": partial(pooling_vgg, widths=COMPACT_WIDTHS),
    },
    filters={
        "vgg16": {"reference": (512, 512, 256, 128, 64), "fast": (128, 128, 64, 32, 16)},
        "compact": {"reference": (160, 96, 64, 32, 16), "fast": (48, 32, 16, 16, 16)},
    },
)
