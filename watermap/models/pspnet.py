"""PSPNet. Source: Zhao et al. 2017."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keras import KerasTensor, layers

from watermap.config import STRIDE
from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import conv_bn_relu, dropout, grown
from watermap.models.encoders import ENCODERS, dilated_resnet50
from watermap.models.regional import AdaptiveAveragePooling, ResizeLike

_BINS: Final = (1, 2, 3, 6)
"""Regions along each axis over which the pyramid averages."""


def pspnet(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """Pyramid pooling: the deepest features beside their means over ever smaller regions of the window.

    Args:
        features: the encoder's outputs; only the last is used.
        plan: of the decoder; filters of each mean, and of the convolution of all.

    Returns:
        Logits at full resolution, interpolated from stride 16 (the paper's ResNet ends at stride 8).
    """
    x, style = features[-1], plan.style
    width, fused = plan.filters
    scales = [x]
    for bins in _BINS:
        mean = AdaptiveAveragePooling(bins, name=f"pyramid{bins}")(x)
        mean = conv_bn_relu(mean, width, kernel_size=1, name=f"pyramid{bins}", style=style)
        scales.append(ResizeLike(name=f"pyramid{bins}_everywhere")([mean, x]))
    x = conv_bn_relu(layers.Concatenate(name="pyramid_concat")(scales), fused, name="pyramid", style=style)
    x = dropout(x, style, name="pyramid")
    x = layers.Conv2D(plan.classes, 1, name="logits")(x)
    return {PROBABILITY: grown(x, STRIDE, name="logits_up")}


PSPNET: Final = Architecture(
    pspnet,
    encoders={**ENCODERS, "resnet50": dilated_resnet50},
    filters={
        "resnet50": {"reference": (512, 512), "fast": (64, 128)},
        "compact": {"reference": (40, 96), "fast": (16, 32)},
        "vgg16": {"reference": (128, 512), "fast": (32, 128)},
        "mobilenetv2": {"reference": (144, 256), "fast": (32, 96)},
    },
    upsampling=("bilinear",),
    sees_whole_window=True,
)
