"""Attention UNet. Source: Oktay et al. 2018, as sized in FACTS R1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keras import KerasTensor, layers

from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import attention_gate, bn_relu, conv_bn_relu, dropout, grown, join, skips_upwards
from watermap.models.encoders import ENCODERS
from watermap.models.unet import UNET_FILTERS


def attention_unet(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """The decoder: up-sampling, a gated skip, two convolutions; three where there is no skip.

    Up-sampling is a 3x3 convolution, transposed, or after bilinear interpolation, with batch norm and ReLU.

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
        if plan.upsampling == "transposed":
            x = layers.Conv2DTranspose(width, 3, strides=2, padding="same", name=f"{name}_up_conv")(x)
            x = bn_relu(x, name=f"{name}_up", style=style)
        else:
            x = grown(x, 2, name=f"{name}_grown")
            x = conv_bn_relu(x, width, name=f"{name}_up", style=style)
        if skip is None:
            x = conv_bn_relu(x, width, name=f"{name}_1", style=style)
        else:
            x = join(x, attention_gate(skip, x, max(1, width // 2), name=f"{name}_gate"), name=name)
        x = conv_bn_relu(x, width, name=f"{name}_2", style=style)
        x = dropout(x, style, name=name)
        x = conv_bn_relu(x, width, name=f"{name}_3", style=style)
    return {PROBABILITY: layers.Conv2D(plan.classes, 1, name="logits")(x)}


ATTENTION_UNET: Final = Architecture(
    attention_unet, encoders=ENCODERS, filters=UNET_FILTERS, upsampling=("transposed", "bilinear")
)
