"""Attention UNet. Source: Oktay et al. 2018, as sized in FACTS R1."""

from __future__ import annotations

from collections.abc import Sequence

from keras import KerasTensor, layers

from watermap.models.blocks import attention_gate, bn_relu, conv_bn_relu, join, skips_upwards


def attention_unet(features: Sequence[KerasTensor], filters: Sequence[int]) -> KerasTensor:
    """The decoder: transposed convolution, a gated skip, two convolutions; three where there is no skip.

    Args:
        features: the encoder's outputs (batch, rows, cols, channels), each half as large as the one before.
        filters: channels of each level, from the deepest up to full resolution.

    Returns:
        (batch, rows, cols, filters[-1]) at full resolution.
    """
    x = features[-1]
    for level, (width, skip) in enumerate(zip(filters, skips_upwards(features, len(filters)), strict=True), start=1):
        name = f"decoder{level}"
        x = layers.Conv2DTranspose(width, 3, strides=2, padding="same", name=f"{name}_up_conv")(x)
        x = bn_relu(x, name=f"{name}_up")
        if skip is None:
            x = conv_bn_relu(x, width, name=f"{name}_1")
        else:
            x = join(x, attention_gate(skip, x, width // 2, name=f"{name}_gate"), name=name)
        x = conv_bn_relu(x, width, name=f"{name}_2")
        x = conv_bn_relu(x, width, name=f"{name}_3")
    return x
