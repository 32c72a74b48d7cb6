"""FCN with skips. Source: Long et al. 2015, section 4.2, with skips down to the encoder's finest features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keras import KerasTensor, layers

from watermap.config import STRIDE
from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import conv_bn_relu, dropout, grown
from watermap.models.encoders import ENCODERS


def fcn(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """Two convolutions on the deepest features; then every scale's own score of the classes is added to coarser ones.

    Args:
        features: the encoder's outputs (batch, rows, cols, channels), each half as large as the one before.
        plan: of the decoder; filters of the two convolutions. Transposed up-sampling has twice the stride as its
            kernel's side, as in the paper.

    Returns:
        Logits at full resolution.
    """
    style = plan.style
    (width,) = plan.filters
    x = conv_bn_relu(features[-1], width, name="head_1", style=style)
    x = dropout(x, style, name="head")
    x = conv_bn_relu(x, width, kernel_size=1, name="head_2", style=style)
    x = layers.Conv2D(plan.classes, 1, name="score16")(x)
    stride = STRIDE
    for tap in features[-2::-1]:
        stride //= 2
        x = _grown(x, 2, plan, name=f"score{stride}_up")
        score = layers.Conv2D(plan.classes, 1, name=f"score{stride}")(tap)
        x = layers.Add(name=f"score{stride}_add")([x, score])
    return {PROBABILITY: _grown(x, stride, plan, name="logits_up")}


def _grown(x: KerasTensor, factor: int, plan: Plan, *, name: str) -> KerasTensor:
    if plan.upsampling == "bilinear" or factor == 1:
        return grown(x, factor, name=name)
    return layers.Conv2DTranspose(plan.classes, 2 * factor, strides=factor, padding="same", name=name)(x)


FCN: Final = Architecture(
    fcn,
    encoders=ENCODERS,
    filters={
        "resnet50": {"reference": (512,), "fast": (128,)},
        "compact": {"reference": (160,), "fast": (64,)},
        "vgg16": {"reference": (1024,), "fast": (128,)},
        "mobilenetv2": {"reference": (256,), "fast": (64,)},
    },
    upsampling=("bilinear", "transposed"),
)
