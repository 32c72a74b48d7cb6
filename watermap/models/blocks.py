"""The pieces that architectures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keras import KerasTensor, layers

from watermap.config import DecoderConfig

BN_MOMENTUM: Final = 0.9
"""Moving statistics follow within some 20 steps: an epoch of a few hundred patches has no more than that."""


PLAIN: Final = DecoderConfig()
"""Batch norm, and no bias beside it."""


def conv_bn_relu(
    x: KerasTensor,
    filters: int,
    *,
    name: str,
    kernel_size: int = 3,
    strides: int = 1,
    dilation: int = 1,
    style: DecoderConfig = PLAIN,
) -> KerasTensor:
    """Convolution, batch norm, ReLU; by default without bias.

    Args:
        x: (batch, rows, cols, channels).
        filters: channels of the result.
        name: prefix of the layers' names.
        kernel_size: side of the kernel in pixels.
        strides: pixels from one output to the next.
        dilation: pixels from one number of the kernel to the next.
        style: whether there are bias and batch norm.

    Returns:
        (batch, rows / strides, cols / strides, filters).
    """
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same",
        dilation_rate=dilation,
        use_bias=style.has_bias,
        name=f"{name}_conv",
    )(x)
    return bn_relu(x, name=name, style=style)


def bn_relu(x: KerasTensor, *, name: str, style: DecoderConfig = PLAIN) -> KerasTensor:
    """Batch norm, unless the style is without, and ReLU; of the same shape."""
    if style.batch_norm:
        x = layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def dropout(x: KerasTensor, style: DecoderConfig, *, name: str) -> KerasTensor:
    """Some channels dropped in training, as many as the style says."""
    if not style.dropout:
        return x
    # Not SpatialDropout2D: Keras 3.15 loads it as float32 whatever it computed in, and it then draws otherwise.
    return layers.Dropout(style.dropout, noise_shape=(None, 1, 1, None), name=f"{name}_dropout")(x)


def grown(x: KerasTensor, factor: int, *, name: str) -> KerasTensor:
    """Interpolated bilinearly to `factor` times the size; `x` itself where that is one.

    In float32 whatever else computes in: TensorFlow 2.21's XLA cannot compile the gradient of anything else.
    """
    return x if factor == 1 else layers.UpSampling2D(factor, interpolation="bilinear", dtype="float32", name=name)(x)


def residual_block(x: KerasTensor, filters: int, *, name: str, strides: int = 1) -> KerasTensor:
    """Two convolutions beside a 1x1 shortcut.

    Args:
        x: (batch, rows, cols, channels).
        filters: channels of the result.
        name: prefix of the layers' names.
        strides: pixels from one output to the next.

    Returns:
        (batch, rows / strides, cols / strides, filters).

    Source: He et al. 2016, figure 2 left, projection shortcut.
    """
    shortcut = layers.Conv2D(filters, 1, strides, use_bias=False, name=f"{name}_shortcut_conv")(x)
    shortcut = layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_shortcut_bn")(shortcut)
    x = conv_bn_relu(x, filters, strides=strides, name=f"{name}_1")
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(x)
    x = layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_2_bn")(x)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_relu")(x)


def attention_gate(skip: KerasTensor, signal: KerasTensor, filters: int, *, name: str) -> KerasTensor:
    """A skip, dimmed where the signal from below finds nothing of interest.

    Args:
        skip: (batch, rows, cols, channels) from the encoder.
        signal: (batch, rows, cols, channels) from the decoder, of the skip's size.
        filters: channels in which the two are compared.
        name: prefix of the layers' names.

    Returns:
        The skip times a factor in [0, 1] for each pixel.

    Source: Oktay et al. 2018, figure 2, with both inputs at one size.
    """
    theta = layers.Conv2D(filters, 1, name=f"{name}_theta")(skip)
    phi = layers.Conv2D(filters, 1, name=f"{name}_phi")(signal)
    both = layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_add")([theta, phi]))
    psi = layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_psi")(both)
    return layers.Multiply(name=f"{name}_multiply")([skip, psi])


def skips_upwards(features: Sequence[KerasTensor], levels: int) -> list[KerasTensor | None]:
    """The skip of each decoder level, from the deepest level up; None where the encoder has none.

    Args:
        features: the encoder's outputs, each half as large as the one before; the last is the bottom.
        levels: of the decoder; the last is at full resolution.
    """
    skips = list(features[-2::-1])
    return skips + [None] * (levels - len(skips))


def join(x: KerasTensor, skip: KerasTensor | None, *, name: str) -> KerasTensor:
    """Channels of both, or those of `x` alone where there is no skip."""
    return x if skip is None else layers.Concatenate(name=f"{name}_concat")([x, skip])
