"""OpenVINO: a converted model on the processor, without the framework that it was trained with."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import math
import sys
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np

from watermap.arrays import FloatArray
from watermap.config import Precision
from watermap.errors import ModelError

_MEMORY_BYTES: Final = 400 << 20
"""What the activations of one window may take."""
_MOST_PIXELS: Final[dict[Precision, int]] = {"float32": 1344 * 1344, "bfloat16": 1200 * 1200, "int8": 1200 * 1200}
"""Larger windows save overlap; where a processor is fast, they lose more, since their features leave its caches."""
_LEAST_PIXELS: Final = 256 * 256
_TRACED_SIDE: Final = 256
_SHAPES_KEPT: Final = 2
_AXES: Final = 4

_HINTS: Final[dict[Precision, str]] = {"float32": "f32", "bfloat16": "bf16", "int8": "bf16"}
_BYTES: Final[dict[Precision, int]] = {"float32": 4, "bfloat16": 2, "int8": 2}


def is_installed() -> bool:
    """Whether OpenVINO can be imported; it is not."""
    return importlib.util.find_spec("openvino") is not None


def openvino_version() -> str:
    """Of the OpenVINO that is installed."""
    return str(openvino_library().__version__).split("-")[0]


def openvino_library() -> Any:
    """OpenVINO, without the package by which it and its tools report their use: a map is nobody else's business."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # so that importing it fails
    return importlib.import_module("openvino")


@functools.cache
def _core() -> Any:
    return openvino_library().Core()


@functools.cache
def has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16 by itself, and its library is not told to do without."""
    if "BF16" not in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    openvino = openvino_library()
    ops = openvino.opset13
    image = ops.parameter([1, 1, 8, 8], np.float32)
    convolved = ops.convolution(image, ops.constant(np.ones((1, 1, 3, 3), np.float32)), [1, 1], [1, 1], [1, 1], [1, 1])
    try:
        _core().compile_model(
            openvino.Model([convolved], [image]), "CPU", {"INFERENCE_PRECISION_HINT": _HINTS["bfloat16"]}
        )
    except RuntimeError:  # where ONEDNN_MAX_CPU_ISA holds oneDNN to less
        return False
    return True


class OpenVinoEngine:
    """A converted model on this processor's cores.

    Args:
        files: network and weights of a model with one input (n, bands, rows, cols) and one output (n, rows, cols).
        precision: what it computes in.

    Raises:
        ModelError: the model cannot be read.
    """

    def __init__(self, files: tuple[Path, Path], precision: Precision) -> None:
        self.name = f"openvino, {precision}"
        self.batch_size = 1
        try:
            self._model = _core().read_model(*files)
        except RuntimeError as error:
            raise ModelError(f"{files[0]}: cannot be read by OpenVINO", hint="convert the bundle again") from error
        self.bytes_per_pixel = bytes_per_pixel(self._model, _BYTES[precision])
        self.window_pixels = max(_LEAST_PIXELS, min(_MOST_PIXELS[precision], int(_MEMORY_BYTES / self.bytes_per_pixel)))
        self._settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[precision] if precision != "int8" or has_bfloat16() else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._requests: dict[tuple[int, ...], Any] = {}
        self._computing = threading.Lock()

    @property
    def flops_per_pixel(self) -> float:
        """See `Engine`."""
        return flops_per_pixel(self._model)

    def warm(self, shape: tuple[int, int]) -> None:
        """See `Engine`."""
        with self._computing:
            self._request((self.batch_size, _bands(self._model), *shape))

    def compute(self, windows: FloatArray) -> FloatArray:
        """See `Engine`."""
        count = self._model.input(0).partial_shape[0]
        if count.is_static and len(windows) != count.get_length():  # some imported networks take one window only
            return np.concatenate([self.compute(windows[i : i + 1]) for i in range(len(windows))])
        try:
            with self._computing:
                request = self._request(windows.shape)
                request.infer({0: windows}, share_inputs=True)
                probability: FloatArray = request.get_output_tensor(0).data.copy()
        except RuntimeError as error:
            rows, cols = windows.shape[2:]
            raise ModelError(
                f"OpenVINO cannot compute a window of {rows} x {cols} pixels ({first_line(error)})",
                hint="make the window smaller with --window, or take --engine keras",
            ) from error
        return probability

    def _request(self, shape: tuple[int, ...]) -> Any:
        """What infers windows of one shape; those of the last two shapes are kept."""
        if shape not in self._requests:
            while len(self._requests) >= _SHAPES_KEPT:
                del self._requests[next(iter(self._requests))]
            model = self._model.clone()
            model.reshape(list(shape))
            compiled = _core().compile_model(model, "CPU", self._settings)
            self._requests[shape] = compiled.create_infer_request()
        return self._requests[shape]


def bytes_per_pixel(model: Any, number_bytes: int) -> float:
    """Memory that a converted model's largest step takes, of a pixel of its input.

    Args:
        model: OpenVINO's, with sides that are open.
        number_bytes: bytes of a number in between.
    """
    steps = ("Convolution", "ConvolutionBackpropData", "Concat", "Interpolate", "MatMul", "Multiply")
    widest = 0.0
    for node in _traced(model):
        if node.get_type_name() in steps:
            places = [*node.outputs(), *(each for each in node.inputs() if len(each.get_shape()) == _AXES)]
            widest = max(widest, sum(math.prod(place.get_shape()) for place in places) / _traced_side(model) ** 2)
    return number_bytes * widest + 4.0 * _bands(model)


def flops_per_pixel(model: Any) -> float:
    """Arithmetic of a converted model's convolutions, of a pixel of its input: two operations a multiply-add."""
    total = 0
    for node in _traced(model):
        if node.get_type_name() in ("Convolution", "ConvolutionBackpropData"):
            turned = node.get_type_name() == "ConvolutionBackpropData"
            place = node.input(0) if turned else node.output(0)
            total += math.prod(node.input(1).get_shape()) * math.prod(place.get_shape()[2:])
    return 2 * total / _traced_side(model) ** 2


def _traced(model: Any) -> list[Any]:
    """The steps of a model, for one window of known size."""
    fixed = model.clone()
    fixed.reshape([1, _bands(model), *[_traced_side(model)] * 2])
    return list(fixed.get_ordered_ops())


def _traced_side(model: Any) -> int:
    """Of that window: 256 pixels, or what an imported network takes only."""
    side = model.input(0).partial_shape[2]
    return int(side.get_length()) if side.is_static else _TRACED_SIDE


def _bands(model: Any) -> int:
    return int(model.input(0).partial_shape[1].get_length())


def first_line(error: Exception) -> str:
    """What an error of OpenVINO says, without where in its sources it was found."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
