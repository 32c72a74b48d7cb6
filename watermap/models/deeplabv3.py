"""DeepLab v3. Source: Chen et al. 2017, as sized in FACTS R4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keras import KerasTensor, layers

from watermap.config import STRIDE
from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import conv_bn_relu, dropout, grown
from watermap.models.encoders import ENCODERS, dilated_resnet50
from watermap.models.regional import AdaptiveAveragePooling, ResizeLike

_RATES: Final = (6, 12, 18)
"""Dilations of the 3x3 convolutions at stride 16."""


def deeplabv3(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """Atrous spatial pyramid pooling: the deepest features at several scales, and their mean over the window.

    Args:
        features: the encoder's outputs; only the last is used.
        plan: of the decoder; filters of each scale.

    Returns:
        Logits at full resolution, interpolated from stride 16: shorelines are as smooth as that.
    """
    x, style = features[-1], plan.style
    (width,) = plan.filters
    scales = [conv_bn_relu(x, width, kernel_size=1, name="aspp1", style=style)]
    scales += [conv_bn_relu(x, width, dilation=rate, name=f"aspp{rate}", style=style) for rate in _RATES]
    mean = AdaptiveAveragePooling(1, name="aspp_mean")(x)
    mean = conv_bn_relu(mean, width, kernel_size=1, name="aspp_mean", style=style)
    scales.append(ResizeLike(name="aspp_mean_everywhere")([mean, x]))
    x = dropout(layers.Concatenate(name="aspp_concat")(scales), style, name="aspp")
    x = layers.Conv2D(plan.classes, 1, name="logits")(x)
    return {PROBABILITY: grown(x, STRIDE, name="logits_up")}


DEEPLABV3: Final = Architecture(
    deeplabv3,
    encoders={**ENCODERS, "resnet50": dilated_resnet50},
    filters={
        "resnet50": {"reference": (256,), "fast": (64,)},
        "compact": {"reference": (96,), "fast": (32,)},
        "vgg16": {"reference": (256,), "fast": (64,)},
        "mobilenetv2": {"reference": (256,), "fast": (64,)},
    },
    upsampling=("bilinear",),
    sees_whole_window=True,
)
