"""Somebody else's network: an ONNX file read by OpenVINO, its layout, its output, and which windows it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.bundles.imported import InputLayout
from watermap.config.terms import STRIDE
from watermap.errors import ModelError, UsageError
from watermap.prediction.engines.openvino import first_line, openvino_library

_MULTIPLES: Final = (STRIDE, 2 * STRIDE, 4 * STRIDE, 8 * STRIDE)
"""Of which a network may want the sides of its windows to be: that of halving them four to seven times."""
_TRIED_SIDES: Final = (512, 256)
"""Of windows, where no multiple will do."""
_LEAST_SIDE: Final = 96
_LEAST_ONLY_SIDE: Final = 2 * STRIDE
_SPATIAL: Final = {"nchw": (2, 3), "nhwc": (1, 2)}
_CHANNEL: Final = {"nchw": 1, "nhwc": 3}
_AXES: Final = 4


class Sides(NamedTuple):
    """Windows that a network takes.

    Attributes:
        only: the only side; None: any multiple.
        multiple: of which sides are multiples.
        trial: (rows, cols) of a window that it was seen to take.
    """

    only: int | None
    multiple: int
    trial: tuple[int, int]


@dataclass(frozen=True)
class OnnxNetwork:
    """A network as it was read, with one input and the output that is wanted.

    Attributes:
        model: OpenVINO's.
        layout: of its input.
        output: name of its output.
        bands: that its input has.
    """

    model: Any
    layout: InputLayout
    output: str
    bands: int

    @property
    def side(self) -> int | None:
        """The only side of its windows; None where they may have any."""
        sides = [self.model.input(0).partial_shape[axis] for axis in _SPATIAL[self.layout]]
        fixed = {side.get_length() for side in sides if side.is_static}
        if len(fixed) > 1:
            raise ModelError(
                f"it takes windows of {' x '.join(str(side.get_length()) for side in sides)} pixels only",
                hint="export it for square windows, or for windows of any size",
            )
        side = fixed.pop() if fixed else None
        if side is not None and side < _LEAST_ONLY_SIDE:
            raise ModelError(
                f"it takes windows of {side} x {side} pixels only, too small for a map",
                hint="state the right --layout, or export it for larger windows",
            )
        return side

    def shape(self, count: int, rows: int, cols: int) -> list[int]:
        """Of an input of so many windows."""
        return [count, self.bands, rows, cols] if self.layout == "nchw" else [count, rows, cols, self.bands]


def read_onnx(path: Path, bands: int, layout: InputLayout | None, output: str | None) -> OnnxNetwork:
    """Read a network.

    Args:
        path: the file, on this machine.
        bands: that it is to be given.
        layout: of its input, where it is stated.
        output: name of the output that is wanted; None: its only one.

    Raises:
        ModelError: it is no ONNX file, holds what OpenVINO does not know, or has no input for images.
        UsageError: it takes another number of bands, or which of its outputs or layouts is meant is not clear.
    """
    model = _read(path)
    if len(model.inputs) != 1:
        raise ModelError(f"it has {len(model.inputs)} inputs", hint="give a network that takes nothing but an image")
    shape = model.input(0).partial_shape
    if shape.rank.is_dynamic or len(shape) != _AXES:
        raise ModelError(f"its input of shape {shape} is no image", hint="give a network of (n, bands, rows, cols)")
    layout = _layout(shape, bands, layout)
    chosen = _output(model, output)
    name = next(iter(sorted(chosen.get_names())), "output")
    return OnnxNetwork(openvino_library().Model([chosen], model.get_parameters(), "imported"), layout, name, bands)


def _read(path: Path) -> Any:
    frontends = openvino_library().frontend
    failures = (RuntimeError, frontends.GeneralFailure, frontends.OpConversionFailure, frontends.OpValidationFailure)
    frontend = frontends.FrontEndManager().load_by_framework("onnx")
    try:
        loaded = frontend.load(str(path))
    except failures as error:
        raise ModelError("it is no ONNX network that OpenVINO can read", hint="export it as one .onnx file") from error
    try:
        return frontend.convert(loaded)
    except failures as error:
        raise ModelError(
            f"OpenVINO cannot run it ({first_line(error)})", hint="export it with other operators, or a newer opset"
        ) from error


def _layout(shape: Any, bands: int, stated: InputLayout | None) -> InputLayout:
    """Where the bands are among a network's input axes."""
    layouts: list[InputLayout] = ["nchw", "nhwc"] if stated is None else [stated]
    axes = {layout: shape[_CHANNEL[layout]] for layout in layouts}
    possible = [layout for layout in layouts if axes[layout].is_static and axes[layout].get_length() == bands]
    if all(axis.is_dynamic for axis in axes.values()):
        possible = layouts
    if not possible:
        where = " as its layout has it" if stated else ""
        raise UsageError(
            f"it takes an input of shape {shape}, in which no axis has the {bands} bands{where}",
            hint="name with --bands as many as it takes, in its order",
        )
    if len(possible) > 1:
        raise UsageError(f"its input of shape {shape} may have its bands first or last", hint="state --layout")
    return possible[0]


def _output(model: Any, name: str | None) -> Any:
    """The output that is wanted, as what gives its numbers."""
    outputs = {each: output for output in model.outputs for each in output.get_names()}
    known = ", ".join(sorted(outputs))
    if name is not None and name not in outputs:
        raise UsageError(f"it has no output {name!r}", hint=f"choose from {known}")
    if name is None and len(model.outputs) > 1:
        raise UsageError(f"it has {len(model.outputs)} outputs", hint=f"state --output, one of {known}")
    return model.output(0) if name is None else outputs[name]


def run(network: OnnxNetwork, image: FloatArray) -> npt.NDArray[Any]:
    """What a network gives, in float32, of an image as it wants it, of whatever type that is.

    Raises:
        ModelError: it cannot run an image of that size.
    """
    openvino = openvino_library()
    model = network.model.clone()
    try:
        model.reshape(list(image.shape))
        compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        wanted = compiled.input(0).element_type.to_dtype()
        found: npt.NDArray[Any] = compiled([image.astype(wanted)])[0].copy()
    except RuntimeError as error:
        raise ModelError(
            f"OpenVINO cannot run it ({first_line(error)})",
            hint="check that it is a segmentation network of these bands",
        ) from error
    return found


def find_sides(network: OnnxNetwork) -> Sides:
    """Which windows a network takes, tried out.

    Raises:
        ModelError: none that was tried, or its output is no map of the window.
    """
    only = network.side
    trials = [Sides(only, STRIDE, (only, only))] if only is not None else [*map(_of_multiple, _MULTIPLES)]
    trials += [] if only is not None else [Sides(side, STRIDE, (side, side)) for side in _TRIED_SIDES]
    failures: list[ModelError] = []
    for sides in trials:
        try:
            found = run(network, np.full(network.shape(1, *sides.trial), 0.1, dtype=np.float32))
            channel_axis(found.shape, network.layout, sides.trial)
        except ModelError as error:
            failures.append(error)
        else:
            return sides
    raise failures[0]


def _of_multiple(multiple: int) -> Sides:
    """Windows whose sides are odd multiples, one longer than the other."""
    steps = max(3, -(-_LEAST_SIDE // multiple) | 1)
    return Sides(None, multiple, (steps * multiple, (steps + 2) * multiple))


def channel_axis(shape: Sequence[int], layout: InputLayout, window: tuple[int, int]) -> int | None:
    """Where the classes are in what a network gives of one window.

    Raises:
        ModelError: it is no map of the window.
    """
    if len(shape) == _AXES:
        orders: tuple[InputLayout, ...] = ("nchw", "nhwc") if layout == "nchw" else ("nhwc", "nchw")
        for each in orders:
            if tuple(shape[axis] for axis in _SPATIAL[each]) == window:
                return _CHANNEL[each]
    elif len(shape) == _AXES - 1 and tuple(shape[1:]) == window:
        return None
    raise ModelError(
        f"of a window of {window[0]} x {window[1]} pixels it gives {' x '.join(map(str, shape))} numbers",
        hint="give a segmentation network, whose output has the rows and columns of its input",
    )
