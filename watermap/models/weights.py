"""Weights that someone else trained: of an encoder on ImageNet, or of a whole watermap model."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from watermap.errors import ModelError
from watermap.models.scaling import Preprocessing

_SITE: Final = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class Pretrained:
    """An encoder's weights of ImageNet that Keras offers.

    Attributes:
        title: name of Keras's network.
        network: makes it.
        url: of its weights without top.
        md5: of that file; None where Keras states none.
        megabytes: of that file.
        stem: the layer whose kernel sees the image.
        colors: bands in the order of its channels.
        preprocessing: of the images that it was trained on.
    """

    title: str
    network: Callable[..., keras.Model]
    url: str
    md5: str | None
    megabytes: int
    stem: str
    colors: tuple[str, str, str]
    preprocessing: Preprocessing

    @property
    def file_name(self) -> str:
        """Of the weights in Keras's cache."""
        return self.url.rpartition("/")[2]


BGR: Final = ("B2", "B3", "B4")
RGB: Final = ("B4", "B3", "B2")

PRETRAINED: Final[dict[str, Pretrained]] = {
    "resnet50": Pretrained(
        "ResNet50",
        keras.applications.ResNet50,
        f"{_SITE}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
        megabytes=94,
        stem="conv1_conv",
        colors=BGR,
        preprocessing="caffe",
    ),
    "vgg16": Pretrained(
        "VGG16",
        keras.applications.VGG16,
        f"{_SITE}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
        megabytes=59,
        stem="block1_conv1",
        colors=BGR,
        preprocessing="caffe",
    ),
    "mobilenetv2": Pretrained(
        "MobileNetV2",
        keras.applications.MobileNetV2,
        f"{_SITE}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        None,
        megabytes=9,
        stem="Conv1",
        colors=RGB,
        preprocessing="tf",
    ),
}
"""By encoder. Source: `keras.applications` of Keras 3."""

WEIGHTS_SUFFIX: Final = ".h5"
MODEL_SUFFIX: Final = ".keras"

_TIMEOUT_S: Final = 10.0
"""How long a server may stay silent."""
_WITHOUT_NETWORK: Final = (
    "go on with --weights none, --weights PATH (a Keras {title} file without top) or --encoder compact"
)

Kernel = npt.NDArray[np.float32]


def load(path: Path) -> keras.Model:
    """A whole model from its `.keras` file, not compiled; nothing in the file is executed.

    Raises:
        ModelError: the file is missing, damaged or something else.
    """
    _require_file(path, "a model")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its readers of zip, JSON and HDF5 do
        raise ModelError(f"{path}: not a model that Keras can load", hint="copy it again, or train it again") from error


def imagenet_file(source: Pretrained) -> Path:
    """Keras's file of an encoder's ImageNet weights, downloaded unless it lies in Keras's cache.

    Raises:
        ModelError: it cannot be downloaded.
    """
    try:
        with _impatient_and_silent():
            return Path(keras.utils.get_file(source.file_name, source.url, cache_subdir="models", file_hash=source.md5))
    except Exception as error:  # Keras raises bare exceptions for whatever the network does
        reason = str(error).rpartition(" -- ")[2] or type(error).__name__
        hint = _WITHOUT_NETWORK.format(title=source.title)
        raise ModelError(f"the ImageNet weights cannot be fetched ({reason})", hint=hint) from error


def read_pretrained(path: Path, source: Pretrained) -> keras.Model:
    """Keras's own network without top, with the weights of a file.

    Args:
        path: a `.h5` or `.weights.h5` file.
        source: the network.

    Raises:
        ModelError: the file is missing, damaged or of another network.
    """
    _require_file(path, "weights")
    network = source.network(include_top=False, weights=None, input_shape=(None, None, 3))
    try:
        network.load_weights(path)
    except Exception as error:  # Keras raises whatever its readers of HDF5 do
        raise ModelError(
            f"{path}: not the weights of a Keras {source.title} without top",
            hint=f"use a file that Keras saved of {source.title}(include_top=False), or --weights none",
        ) from error
    return network


def copy_pretrained(network: keras.Model, source: Pretrained, encoder: keras.Model, bands: Sequence[str]) -> None:
    """Copy a network's weights by layer, its first kernel extended to the encoder's bands.

    Args:
        network: from `read_pretrained`.
        source: which network it is.
        encoder: of an architecture, with layers named as the network's; changed. Layers that the network lacks (batch
            norm between VGG16's) are left as they are.
        bands: canonical names, in channel order; any other text for a band that is not known.
    """
    theirs = {layer.name: layer for layer in network.layers if layer.weights}
    for layer in encoder.layers:
        if layer.name not in theirs:
            continue
        values = theirs[layer.name].get_weights()
        if layer.name == source.stem:
            values[0] = extend_kernel(values[0], bands, colors=source.colors)
        layer.set_weights(values)


def extend_kernel(kernel: Kernel, bands: Sequence[str], *, colors: Sequence[str] = BGR) -> Kernel:
    """ImageNet's first kernel for other bands.

    Blue, green and red keep their own slices. All other bands share the mean slice, so that together they add to
    what batch norm expects as much as one colour would; without any colour, as much as all three.

    Args:
        kernel: (rows, cols, 3, filters).
        bands: canonical names, in channel order.
        colors: the bands that the kernel is for, in its order.

    Returns:
        (rows, cols, bands, filters).
    """
    others = sum(band not in colors for band in bands)
    colors_replaced = 3 if others == len(bands) else 1
    other = kernel.mean(axis=2) * colors_replaced / max(others, 1)
    slices = [kernel[:, :, colors.index(band)] if band in colors else other for band in bands]
    return np.stack(slices, axis=2)


def _require_file(path: Path, what: str) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: no such file of {what}", hint="check the path")


@contextmanager
def _impatient_and_silent() -> Iterator[None]:
    """Downloads give up on a silent server, and print no progress."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_S)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)
