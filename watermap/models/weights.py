"""Weights that someone else trained: of ImageNet's ResNet50, or of a whole watermap model."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from watermap.errors import ModelError

RESNET50_URL: Final = (
    "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
RESNET50_MD5: Final = "4d473c1dd8becc155b73f8504c6f6626"
"""Source: `keras.applications.resnet` of Keras 3."""

WEIGHTS_SUFFIX: Final = ".h5"
MODEL_SUFFIX: Final = ".keras"

_STEM: Final = "conv1_conv"
_STEM_BANDS: Final = ("B2", "B3", "B4")
"""Order of ImageNet's channels in Keras's ResNet50: blue, green, red ('caffe')."""
_TIMEOUT_S: Final = 10.0
"""How long a server may stay silent."""
_WITHOUT_NETWORK: Final = (
    "go on with --weights none, --weights PATH (a Keras ResNet50 file without top) or --encoder compact"
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


def imagenet_file() -> Path:
    """Keras's file of ImageNet weights for ResNet50, downloaded unless it lies in Keras's cache (94 MB).

    Raises:
        ModelError: it cannot be downloaded.
    """
    try:
        with _impatient_and_silent():
            name = RESNET50_URL.rpartition("/")[2]
            return Path(keras.utils.get_file(name, RESNET50_URL, cache_subdir="models", file_hash=RESNET50_MD5))
    except Exception as error:  # Keras raises bare exceptions for whatever the network does
        reason = str(error).rpartition(" -- ")[2] or type(error).__name__
        raise ModelError(f"the ImageNet weights cannot be fetched ({reason})", hint=_WITHOUT_NETWORK) from error


def read_resnet50(path: Path) -> keras.Model:
    """Keras's ResNet50 without top, with the weights of a file.

    Args:
        path: a `.h5` or `.weights.h5` file.

    Raises:
        ModelError: the file is missing, damaged or of another network.
    """
    _require_file(path, "weights")
    source = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(None, None, 3))
    try:
        source.load_weights(path)
    except Exception as error:  # Keras raises whatever its readers of HDF5 do
        raise ModelError(
            f"{path}: not the weights of a Keras ResNet50 without top",
            hint="use a file that Keras saved of ResNet50(include_top=False), or --weights none",
        ) from error
    return source


def copy_resnet50(source: keras.Model, encoder: keras.Model, bands: Sequence[str]) -> None:
    """Copy a ResNet50's weights by layer, its first kernel extended to the encoder's bands.

    Args:
        source: from `read_resnet50`.
        encoder: from `encoders.resnet50`; changed.
        bands: canonical names, in channel order; any other text for a band that is not known.
    """
    for layer in encoder.layers:
        values = source.get_layer(layer.name).get_weights() if layer.weights else []
        if layer.name == _STEM:
            values[0] = extend_kernel(values[0], bands)
        layer.set_weights(values)


def extend_kernel(kernel: Kernel, bands: Sequence[str]) -> Kernel:
    """ImageNet's first kernel for other bands.

    Blue, green and red keep their own slices. All other bands share the mean slice, so that together they add to
    what batch norm expects as much as one colour would; without any colour, as much as all three.

    Args:
        kernel: (rows, cols, 3, filters), for blue, green, red.
        bands: canonical names, in channel order.

    Returns:
        (rows, cols, bands, filters).
    """
    others = sum(band not in _STEM_BANDS for band in bands)
    colors_replaced = 3 if others == len(bands) else 1
    other = kernel.mean(axis=2) * colors_replaced / max(others, 1)
    slices = [kernel[:, :, _STEM_BANDS.index(band)] if band in _STEM_BANDS else other for band in bands]
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
