"""Networks computed in numpy in float64, from a Keras model's weights by layer name, independent of Keras's layers.

Images are (batch, rows, cols, channels). Written from the papers and FACTS, not from the models' code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Plain:
    """Layers with the weights of a Keras model's layers of the same names."""

    def __init__(self, model: Any) -> None:
        self._layers = {layer.name: layer for layer in model.layers}

    def _weights(self, name: str) -> list[Array]:
        return [weight.astype(np.float64) for weight in self._layers[name].get_weights()]

    def conv(self, x: Array, name: str) -> Array:
        return convolve(x, *self._weights(name))

    def batch_norm(self, x: Array, name: str) -> Array:
        gamma, beta, mean, variance = self._weights(name)
        found: Array = (x - mean) / np.sqrt(variance + self._layers[name].epsilon) * gamma + beta
        return found

    def block(self, x: Array, name: str) -> Array:
        """Convolution, batch norm, ReLU."""
        return np.maximum(self.batch_norm(self.conv(x, f"{name}_conv"), f"{name}_bn"), 0)

    def transposed(self, x: Array, name: str) -> Array:
        return convolve_transposed(x, *self._weights(name))


def convolve(x: Array, kernel: Array, bias: Array | float = 0.0, *, stride: int = 1) -> Array:
    """A convolution of odd side, zeros beyond the edges, each output below the kernel's centre."""
    side = len(kernel)
    padded = np.pad(x, ((0, 0), (side // 2,) * 2, (side // 2,) * 2, (0, 0)))
    rows, cols = x.shape[1:3]
    out = np.zeros((len(x), rows, cols, kernel.shape[3]))
    for i in range(side):
        for j in range(side):
            out += padded[:, i : i + rows, j : j + cols] @ kernel[i, j]
    return out[:, ::stride, ::stride] + bias


def convolve_transposed(x: Array, kernel: Array, bias: Array) -> Array:
    """Each pixel writes its kernel (side, side, out, in) two pixels from the next; the first 2 rows x 2 cols stay.

    TensorFlow's padding 'same' of a side of 3 cuts at the end only.
    """
    batch, rows, cols, _ = x.shape
    side = len(kernel)
    out = np.zeros((batch, 2 * rows + side, 2 * cols + side, kernel.shape[2]))
    for i in range(side):
        for j in range(side):
            out[:, i : i + 2 * rows : 2, j : j + 2 * cols : 2] += x @ kernel[i, j].T
    return out[:, : 2 * rows, : 2 * cols] + bias


def enlarge(x: Array, factor: int) -> Array:
    """Bilinear interpolation between the centres of pixels; constant beyond the outer ones."""
    for axis in (1, 2):
        size = x.shape[axis]
        place = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, size - 1)
        share = np.expand_dims(place - low, tuple(range(1, x.ndim - axis)))
        x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return x


def max_pool(x: Array, factor: int) -> Array:
    batch, rows, cols, channels = x.shape
    blocks = x.reshape(batch, rows // factor, factor, cols // factor, factor, channels)
    found: Array = blocks.max(axis=(2, 4))
    return found


def sigmoid(x: Array) -> Array:
    found: Array = 1 / (1 + np.exp(-x))
    return found


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    found: Array = powers / powers.sum(axis=-1, keepdims=True)
    return found


def joined(*parts: Array) -> Array:
    return np.concatenate(parts, axis=-1)


def unet(features: Sequence[Array], net: Plain) -> Array:
    x = features[-1]
    skips: list[Array | None] = [*features[-2::-1], None]
    for level, skip in zip(range(1, 5), skips, strict=False):
        x = net.block(enlarge(x, 2), f"decoder{level}_1")
        x = x if skip is None else joined(x, skip)
        x = net.block(net.block(x, f"decoder{level}_2"), f"decoder{level}_3")
    return softmax(net.conv(x, "logits"))


def transposed_unet(features: Sequence[Array], net: Plain) -> Array:
    x = features[-1]
    for level, skip in zip(range(1, 5), features[-2::-1], strict=True):
        x = joined(net.transposed(x, f"decoder{level}_up_conv"), skip)
        x = net.block(net.block(x, f"decoder{level}_2"), f"decoder{level}_3")
    return softmax(net.conv(x, "logits"))


def attention_unet(features: Sequence[Array], net: Plain) -> Array:
    x = features[-1]
    skips: list[Array | None] = [*features[-2::-1], None]
    for level, skip in zip(range(1, 5), skips, strict=False):
        name = f"decoder{level}"
        x = np.maximum(net.batch_norm(net.transposed(x, f"{name}_up_conv"), f"{name}_up_bn"), 0)
        if skip is None:
            x = net.block(x, f"{name}_1")
        else:
            both = net.conv(skip, f"{name}_gate_theta") + net.conv(x, f"{name}_gate_phi")
            x = joined(x, skip * sigmoid(net.conv(np.maximum(both, 0), f"{name}_gate_psi")))
        x = net.block(net.block(x, f"{name}_2"), f"{name}_3")
    return softmax(net.conv(x, "logits"))


def unet3plus(features: Sequence[Array], net: Plain) -> dict[str, Array]:
    """As FACTS R1 lists it for features at strides 4, 8 and 16; the side outputs are guided."""
    conv2, conv3, conv4 = features
    eighth = net.block(
        joined(
            net.block(enlarge(conv4, 2), "decoder1_from0"),
            net.block(conv3, "decoder1_skip1"),
            net.block(max_pool(conv2, 2), "decoder1_skip2"),
        ),
        "decoder1",
    )
    quarter = net.block(
        joined(
            net.block(enlarge(conv4, 4), "decoder2_from0"),
            net.block(enlarge(eighth, 2), "decoder2_from1"),
            net.block(conv2, "decoder2_skip2"),
        ),
        "decoder2",
    )
    half = net.block(
        joined(
            net.block(enlarge(conv4, 8), "decoder3_from0"),
            net.block(enlarge(eighth, 4), "decoder3_from1"),
            net.block(enlarge(quarter, 2), "decoder3_from2"),
        ),
        "decoder3",
    )
    whole = net.block(net.block(enlarge(half, 2), "decoder4_1"), "decoder4_2")
    presence = sigmoid(net.conv(conv4, "guidance_conv").max(axis=(1, 2)))
    presence = presence.max(axis=-1)[:, None, None, None]
    outputs = {"probability": _shares(sigmoid(net.conv(whole, "logits")))}
    for stride, level in ((16, conv4), (8, eighth), (4, quarter), (2, half)):
        scores = sigmoid(enlarge(net.conv(level, f"supervision{stride}_logits"), stride))
        outputs[f"supervision{stride}"] = _shares(joined(scores[..., :1], scores[..., 1:] * presence))
    return outputs


def _shares(scores: Array) -> Array:
    found: Array = scores / scores.sum(axis=-1, keepdims=True)
    return found


def bottlenecks(x: Array, net: Plain, name: str, count: int, stride: int) -> Array:
    """Blocks of a ResNet50: 1x1, 3x3, 1x1 beside a shortcut; the first one's stride is in its 1x1 convolutions."""

    def normed(x: Array, block: str, part: int, stride: int = 1) -> Array:
        kernel, bias = net._weights(f"{block}_{part}_conv")
        return net.batch_norm(convolve(x, kernel, bias, stride=stride), f"{block}_{part}_bn")

    for number in range(1, count + 1):
        block = f"{name}_block{number}"
        step = stride if number == 1 else 1
        shortcut = normed(x, block, 0, step) if number == 1 else x
        inner = np.maximum(normed(x, block, 1, step), 0)
        inner = np.maximum(normed(inner, block, 2), 0)
        x = np.maximum(shortcut + normed(inner, block, 3), 0)
    return x


def resnet50(image: Array, net: Plain) -> list[Array]:
    """conv1 to conv4 of He et al. 2016, as Keras builds it."""
    kernel, bias = net._weights("conv1_conv")
    conv1 = np.maximum(net.batch_norm(convolve(image, kernel, bias, stride=2), "conv1_bn"), 0)
    padded = np.pad(conv1, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, cols = conv1.shape[1:3]
    windows = [padded[:, i : i + rows : 2, j : j + cols : 2] for i in range(3) for j in range(3)]
    conv2 = bottlenecks(np.maximum.reduce(windows), net, "conv2", 3, 1)
    conv3 = bottlenecks(conv2, net, "conv3", 4, 2)
    return [conv1, conv2, conv3, bottlenecks(conv3, net, "conv4", 6, 2)]
