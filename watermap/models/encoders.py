"""Encoders: networks from an image of any size to features at ever coarser strides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import keras

from watermap.config import Preset
from watermap.models.blocks import residual_block

ENCODER_LAYER: Final = "encoder"
"""Name of the encoder inside a model, where it is one layer with layers of its own."""

RESNET50_TAPS: Final = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out")
"""Strides 2, 4, 8, 16 (`config.STRIDE`). conv5 is not used. Source: FACTS R1."""

COMPACT_WIDTHS: Final = (16, 32, 64, 96, 160)
"""Channels at strides 1, 2, 4, 8, 16."""


@dataclass(frozen=True)
class Encoder:
    """An encoder on offer.

    Attributes:
        create: makes it for a number of bands, with random weights: (batch, rows, cols, bands) to a list of
            (batch, rows / stride, cols / stride, channels), finest first, each half as large as the one before.
        filters: the decoder's channels at strides 8, 4, 2, 1, by preset.
        pretrained: whether ImageNet weights exist for it.
    """

    create: Callable[[int], keras.Model]
    filters: Mapping[Preset, tuple[int, int, int, int]]
    pretrained: bool


def resnet50(bands: int) -> keras.Model:
    """ResNet50 up to the end of conv4: 143 layers with its input, 8,589,184 parameters for three bands.

    Source: He et al. 2016, as `keras.applications` builds it.
    """
    image = keras.Input((None, None, bands), name="encoder_image")
    whole = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=image)
    return keras.Model(image, [whole.get_layer(tap).output for tap in RESNET50_TAPS], name=ENCODER_LAYER)


def compact(bands: int) -> keras.Model:
    """A small residual encoder for computers without a GPU.

    Unlike ResNet50 it starts with features at full resolution, so that shorelines and rivers of one or two pixels
    reach the decoder unblurred.
    """
    image = keras.Input((None, None, bands), name="encoder_image")
    features = [image]
    for level, width in enumerate(COMPACT_WIDTHS):
        name = f"stride{2**level}"
        features.append(residual_block(features[-1], width, strides=2 if level else 1, name=name))
    return keras.Model(image, features[1:], name=ENCODER_LAYER)


ENCODERS: Final = {
    "resnet50": Encoder(
        resnet50, filters={"reference": (512, 256, 128, 64), "fast": (128, 64, 32, 16)}, pretrained=True
    ),
    "compact": Encoder(compact, filters={"reference": (96, 64, 32, 16), "fast": (48, 32, 16, 16)}, pretrained=False),
}
