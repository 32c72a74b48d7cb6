"""UNet. Source: Ronneberger et al. 2015, as sized in FACTS R1."""

from __future__ import annotations

from collections.abc import Sequence

from keras import KerasTensor, layers

from watermap.models.blocks import conv_bn_relu, join, skips_upwards


def unet(features: Sequence[KerasTensor], filters: Sequence[int]) -> KerasTensor:
    """The decoder: bilinear up-sampling and a convolution before the skip, two convolutions after it.

    Args:
        features: the encoder's outputs (batch, rows, cols, channels), each half as large as the one before.
        filters: channels of each level, from the deepest up to full resolution.

    Returns:
        (batch, rows, cols, filters[-1]) at full resolution.
    """
    x = features[-1]
    for level, (width, skip) in enumerate(zip(filters, skips_upwards(features, len(filters)), strict=True), start=1):
        name = f"decoder{level}"
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(x)
        x = conv_bn_relu(x, width, name=f"{name}_1")
        x = join(x, skip, name=name)
        x = conv_bn_relu(x, width, name=f"{name}_2")
        x = conv_bn_relu(x, width, name=f"{name}_3")
    return x
