"""Encoders: networks from an image of any size to features at ever coarser strides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import keras
from keras import layers

from watermap.models.architecture import EncoderMaker
from watermap.models.blocks import BN_MOMENTUM, conv_bn_relu, residual_block

ENCODER_LAYER: Final = "encoder"
"""Name of the encoder inside a model, where it is one layer with layers of its own."""

RESNET50_TAPS: Final = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out")
"""Strides 2, 4, 8, 16 (`config.STRIDE`). conv5 is not used. Source: FACTS R1."""

VGG16_TAPS: Final = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
"""Strides 1, 2, 4, 8, 16. Source: FACTS R3."""

MOBILENETV2_TAPS: Final = ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu")
"""Strides 2, 4, 8, 16: the widest features of each, just before the next stride; at stride 16 with six times the
channels of the block's own output."""

COMPACT_WIDTHS: Final = (16, 32, 64, 96, 160)
"""Channels at strides 1, 2, 4, 8, 16."""

PLAIN_WIDTHS: Final = (16, 32, 64, 96)
"""Channels at strides 1, 2, 4, 8."""

VGG16_WIDTHS: Final = (64, 128, 256, 512, 512)
"""Channels at strides 1, 2, 4, 8, 16."""

_VGG16_DEPTHS: Final = (2, 2, 3, 3, 3)
"""Convolutions at each stride."""


def resnet50(bands: int, *, taps: Sequence[str] = RESNET50_TAPS) -> keras.Model:
    """ResNet50 up to the end of conv4: 143 layers with its input, 8,589,184 parameters for three bands.

    Source: He et al. 2016, as `keras.applications` builds it.
    """
    return _tapped(keras.applications.ResNet50, bands, taps)


def dilated_resnet50(bands: int) -> keras.Model:
    """ResNet50 with conv5, whose stride is a dilation of 2 instead: its features too are of stride 16.

    Layers are named as Keras names them, so that conv5's pretrained weights fit.

    Source: Chen et al. 2017, section 3.1; FACTS R4.
    """
    shallow = resnet50(bands)
    x = shallow.outputs[-1]
    for block in ("conv5_block1", "conv5_block2", "conv5_block3"):
        x = _dilated_block(x, 512, name=block, projects=block == "conv5_block1")
    return keras.Model(shallow.input, [*shallow.outputs[:-1], x], name=ENCODER_LAYER)


def _dilated_block(x: keras.KerasTensor, filters: int, *, name: str, projects: bool) -> keras.KerasTensor:
    """A bottleneck block as in Keras's ResNet50, with a dilation of 2 and no stride."""

    def convolved(x: keras.KerasTensor, part: int, channels: int, side: int = 1) -> keras.KerasTensor:
        x = layers.Conv2D(channels, side, padding="same", dilation_rate=min(side, 2), name=f"{name}_{part}_conv")(x)
        return layers.BatchNormalization(epsilon=1.001e-5, name=f"{name}_{part}_bn")(x)

    shortcut = convolved(x, 0, 4 * filters) if projects else x
    x = layers.Activation("relu", name=f"{name}_1_relu")(convolved(x, 1, filters))
    x = layers.Activation("relu", name=f"{name}_2_relu")(convolved(x, 2, filters, side=3))
    x = layers.Add(name=f"{name}_add")([shortcut, convolved(x, 3, 4 * filters)])
    return layers.Activation("relu", name=f"{name}_out")(x)


def vgg16(bands: int) -> keras.Model:
    """VGG16 up to its last convolution: 18 layers with its input, 14,714,688 parameters for three bands.

    Source: Simonyan and Zisserman 2015, as `keras.applications` builds it.
    """
    return _tapped(keras.applications.VGG16, bands, VGG16_TAPS)


def mobilenetv2(bands: int) -> keras.Model:
    """MobileNetV2 of width 1.0 up to the first ReLU of block 13: 119 layers with its input.

    Source: Sandler et al. 2018, as `keras.applications` builds it.
    """
    return _tapped(keras.applications.MobileNetV2, bands, MOBILENETV2_TAPS)


def _tapped(application: Callable[..., keras.Model], bands: int, taps: Sequence[str]) -> keras.Model:
    """One of Keras's networks, up to the last of some layers, whose outputs it gives."""
    image = _image(bands)
    whole = application(include_top=False, weights=None, input_tensor=image)
    return keras.Model(image, [whole.get_layer(tap).output for tap in taps], name=ENCODER_LAYER)


def _image(bands: int) -> keras.KerasTensor:
    return keras.Input((None, None, bands), name="encoder_image")


def compact(bands: int) -> keras.Model:
    """A small residual encoder for computers without a GPU.

    Unlike ResNet50 it starts with features at full resolution, so that shorelines and rivers of one or two pixels
    reach the decoder unblurred.
    """
    image = _image(bands)
    features = [image]
    for level, width in enumerate(COMPACT_WIDTHS):
        name = f"stride{2**level}"
        features.append(residual_block(features[-1], width, strides=2 if level else 1, name=name))
    return keras.Model(image, features[1:], name=ENCODER_LAYER)


def plain(bands: int) -> keras.Model:
    """Two convolutions with batch norm at each stride, and max-pooling in between: the contracting path of a UNet.

    It ends at stride 8, so that little is computed of far surroundings: what is water shows in a pixel's spectrum.

    Source: Ronneberger et al. 2015, figure 1, narrower and less deep.
    """
    image = _image(bands)
    x = image
    features: list[keras.KerasTensor] = []
    for level, width in enumerate(PLAIN_WIDTHS):
        name = f"stride{2**level}"
        if features:
            x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        for number in (1, 2):
            x = conv_bn_relu(x, width, name=f"{name}_{number}")
        features.append(x)
    return keras.Model(image, features, name=ENCODER_LAYER)


def pooling_vgg(bands: int, *, widths: Sequence[int]) -> keras.Model:
    """VGG16's convolutions with batch norm, and max-pooling between strides, as SegNet needs it.

    Layers are named as Keras names them, so that VGG16's pretrained weights fit where its widths are taken.

    Source: Badrinarayanan et al. 2017, section 3; without the fifth pooling, so that sides stay multiples of 16.
    """
    image = _image(bands)
    x = image
    features: list[keras.KerasTensor] = []
    for block, (width, depth) in enumerate(zip(widths, _VGG16_DEPTHS, strict=True), start=1):
        if features:
            x = layers.MaxPooling2D(2, name=f"block{block - 1}_pool")(x)
        for number in range(1, depth + 1):
            name = f"block{block}_conv{number}"
            x = layers.Conv2D(width, 3, padding="same", name=name)(x)
            x = layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_bn")(x)
            x = layers.Activation("relu", name=f"{name}_relu")(x)
        features.append(x)
    return keras.Model(image, features, name=ENCODER_LAYER)


ENCODERS: Final[Mapping[str, EncoderMaker]] = {
    "resnet50": resnet50,
    "compact": compact,
    "vgg16": vgg16,
    "mobilenetv2": mobilenetv2,
}
"""Each with features down to stride 16."""
