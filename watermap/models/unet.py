"""UNet. Source: Ronneberger et al. 2015, as sized in FACTS R1; with transposed convolutions as in FACTS R3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keras import KerasTensor, layers

from watermap.config import Preset
from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import conv_bn_relu, dropout, grown, join, skips_upwards
from watermap.models.encoders import ENCODERS, plain

UNET_FILTERS: Final[Mapping[str, Mapping[Preset, tuple[int, ...]]]] = {
    "resnet50": {"reference": (512, 256, 128, 64), "fast": (128, 64, 32, 16)},
    "compact": {"reference": (96, 64, 32, 16), "fast": (48, 32, 16, 16)},
    "vgg16": {"reference": (512, 256, 128, 64), "fast": (128, 64, 32, 16)},
    "mobilenetv2": {"reference": (256, 128, 64, 32), "fast": (96, 48, 24, 16)},
}
"""Channels of each level, from the deepest (stride 8) up to full resolution."""


def unet(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """The decoder: up-sampling and a convolution before the skip, two convolutions after it.

    Bilinear up-sampling is followed by a 3x3 convolution; a transposed one, 2x2, does both at once.

    Args:
        features: the encoder's outputs (batch, rows, cols, channels), each half as large as the one before.
        plan: of the decoder; filters of each level, from the deepest up to full resolution.

    Returns:
        Logits at full resolution.
    """
    x, style = features[-1], plan.style
    skips = skips_upwards(features, len(plan.filters))
    for level, (width, skip) in enumerate(zip(plan.filters, skips, strict=True), start=1):
        name = f"decoder{level}"
        if plan.upsampling == "bilinear":
            x = grown(x, 2, name=f"{name}_up")
            x = conv_bn_relu(x, width, name=f"{name}_1", style=style)
        else:
            x = layers.Conv2DTranspose(width, 2, strides=2, name=f"{name}_up_conv")(x)
        x = join(x, skip, name=name)
        x = conv_bn_relu(x, width, name=f"{name}_2", style=style)
        x = dropout(x, style, name=name)
        x = conv_bn_relu(x, width, name=f"{name}_3", style=style)
    return {PROBABILITY: layers.Conv2D(plan.classes, 1, name="logits")(x)}


UNET: Final = Architecture(
    unet,
    encoders={**ENCODERS, "plain": plain},
    filters={**UNET_FILTERS, "plain": {"reference": (64, 32, 16), "fast": (32, 16, 16)}},
    upsampling=("bilinear", "transposed"),
)
