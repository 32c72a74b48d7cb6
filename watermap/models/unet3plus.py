"""UNet 3+ with deep supervision and a classification-guided module. Source: Huang et al. 2020, as sized in FACTS R1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import keras
from keras import KerasTensor, layers, ops

from watermap.models.architecture import PROBABILITY, Architecture, Plan
from watermap.models.blocks import conv_bn_relu, dropout, grown, join
from watermap.models.encoders import ENCODERS, RESNET50_TAPS, resnet50

_LEVELS: Final = 4
"""Doublings from the encoder's deepest features to full resolution."""

_GUIDANCE_DROPOUT: Final = 0.3
_GUIDANCE_CHANNELS: Final = 32


@keras.saving.register_keras_serializable(package="watermap")
class Guide(layers.Layer):
    """Makes every class but the first as improbable as its presence in the patch is.

    The sigmoid of the largest evidence in a patch is a factor of each such class; added here as a logarithm.

    Source: Huang et al. 2020, section 2.4. A factor of all classes alike would cancel where they add up to one.
    """

    def call(self, inputs: Sequence[Any]) -> Any:
        """Guided scores.

        Args:
            inputs: logarithms of scores (batch, rows, cols, classes), and evidence (batch, rows, cols, channels) of
                any size.
        """
        scores, evidence = inputs
        presence = ops.log_sigmoid(ops.max(evidence, axis=(1, 2, 3), keepdims=True))
        return ops.concatenate([scores[..., :1], scores[..., 1:] + presence], axis=-1)

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shape of the scores."""
        return input_shape[0]


def unet3plus(features: Sequence[KerasTensor], plan: Plan) -> Mapping[str, KerasTensor]:
    """The decoder: each level takes features of every scale, and is trained by an output of its own.

    A level joins the deepest features and all deeper levels, enlarged, and the encoder's features of its own scale
    and of finer ones, max-pooled, each after a convolution. The side outputs are guided by whether there is any water
    in the patch; the main one is not: what it says of a pixel never depends on how much else it is shown.

    Args:
        features: the encoder's outputs (batch, rows, cols, channels), each half as large as the one before.
        plan: of the decoder; filters of what each level joins, and of the level itself.

    Returns:
        Logits at full resolution, of the main output and of one for every level below it; their softmax is each
        class's sigmoid as a share of both.
    """
    width, fused = plan.filters
    style = plan.style
    bottom, taps = features[-1], dict(enumerate(features[-2::-1], start=1))  # by doublings from the bottom
    levels = [bottom]
    for level in range(1, _LEVELS):
        coarser = [grown(x, 2 ** (level - i), name=f"decoder{level}_from{i}_up") for i, x in enumerate(levels)]
        finer = [_pooled(tap, 2 ** (i - level), f"decoder{level}_skip{i}") for i, tap in taps.items() if i >= level]
        names = [f"from{i}" for i in range(level)] + [f"skip{i}" for i in taps if i >= level]
        branches = [
            conv_bn_relu(x, width, name=f"decoder{level}_{name}", style=style)
            for name, x in zip(names, coarser + finer, strict=True)
        ]
        x = layers.Concatenate(name=f"decoder{level}_concat")(branches)
        x = dropout(x, style, name=f"decoder{level}")
        levels.append(conv_bn_relu(x, fused, name=f"decoder{level}", style=style))
    name = f"decoder{_LEVELS}"
    x = grown(levels[-1], 2, name=f"{name}_up")
    if _LEVELS in taps:
        x = join(x, conv_bn_relu(taps[_LEVELS], width, name=f"{name}_skip{_LEVELS}", style=style), name=name)
    x = conv_bn_relu(x, fused, name=f"{name}_1", style=style)
    x = dropout(x, style, name=name)
    x = conv_bn_relu(x, fused, name=f"{name}_2", style=style)

    evidence = layers.Dropout(_GUIDANCE_DROPOUT, name="guidance_dropout")(bottom)
    evidence = layers.Conv2D(_GUIDANCE_CHANNELS, 1, name="guidance_conv")(evidence)
    outputs = {PROBABILITY: _log_scores(x, plan.classes, 1, "logits")}
    for level, x in enumerate(levels):
        side = _side_output(level)
        scores = _log_scores(x, plan.classes, 2 ** (_LEVELS - level), f"{side}_logits")
        outputs[side] = Guide(name=f"{side}_guided", dtype="float32")([scores, evidence])
    return outputs


def _pooled(x: KerasTensor, factor: int, name: str) -> KerasTensor:
    return x if factor == 1 else layers.MaxPooling2D(factor, name=f"{name}_pool")(x)


def _log_scores(x: KerasTensor, classes: int, factor: int, name: str) -> KerasTensor:
    """Logarithms of each class's sigmoid, enlarged by a factor."""
    x = layers.Conv2D(classes, 3, padding="same", name=name)(x)
    x = grown(x, factor, name=f"{name}_up")
    return layers.Activation("log_sigmoid", dtype="float32", name=f"{name}_sigmoid")(x)


def _side_output(level: int) -> str:
    return f"supervision{2 ** (_LEVELS - level)}"


UNET3PLUS: Final = Architecture(
    unet3plus,
    encoders={**ENCODERS, "resnet50": partial(resnet50, taps=RESNET50_TAPS[1:])},
    filters={
        "resnet50": {"reference": (32, 160), "fast": (16, 48)},
        "compact": {"reference": (16, 40), "fast": (8, 24)},
        "vgg16": {"reference": (32, 160), "fast": (16, 48)},
        "mobilenetv2": {"reference": (32, 160), "fast": (16, 48)},
    },
    upsampling=("bilinear",),
    loss_weights={PROBABILITY: 1.0} | {_side_output(level): 0.25 for level in range(_LEVELS)},
)
