"""Small ONNX networks as others might have exported them, and what their own runtime says of windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.io.raster import open_raster
from watermap.prediction.predictor import Predictor
from watermap.prediction.windows import predict_strips
from watermap.scenes.filling import to_model

OPSET = 17
IR_VERSION = 8

Nodes = list[onnx.NodeProto]
Runtime = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


class Drawing:
    """A graph in the making; images are (n, channels, rows, cols) inside."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: Nodes = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A step; returns the name of what it gives."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        """A constant; returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def convolve(self, image: str, channels: tuple[int, int], *, side: int = 3, stride: int = 1) -> str:
        """A convolution with random weights."""
        before, after = channels
        weights = self.rng.normal(0, 1 / np.sqrt(before * side), (after, before, side, side)).astype(np.float32)
        bias = self.rng.normal(0, 0.3, after).astype(np.float32)
        pads = [side // 2] * 4
        return self.add("Conv", image, self.constant(weights), self.constant(bias), pads=pads, strides=[stride, stride])

    def save(
        self,
        path: Path,
        inputs: dict[str, Sequence[int | str]],
        outputs: dict[str, int],
        *,
        domains: Sequence[str] = (),
    ) -> Path:
        """Write the network.

        Args:
            path: of the file.
            inputs: shapes by name.
            outputs: element types by name.
            domains: of operators, beside ONNX's own.
        """
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in domains)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)
        return path


def make_network(
    path: Path,
    *,
    bands: int = 6,
    classes: int = 2,
    layout: str = "nchw",
    side: int | None = None,
    batch: int | None = None,
    ends_with: str = "",
    gain: float = 8.0,
    halvings: int = 0,
    seed: int = 0,
) -> Path:
    """A network of three convolutions with random weights, sensitive to where reflectance changes.

    Args:
        path: of the file.
        bands: of its input.
        classes: channels of its output.
        layout: `nchw` or `nhwc`, of input and output.
        side: of the only windows that it takes; None: any.
        batch: the only number of windows that it takes at once; None: any.
        ends_with: an operator behind the last convolution: Softmax, Sigmoid or ArgMax; none gives logits.
        gain: of the logits.
        halvings: how often it halves its features before it doubles them again, each time joined with what was there.
        seed: of its weights.
    """
    drawing = Drawing(seed)
    rows, cols, count = side or "rows", side or "cols", batch or "n"
    image = "image"
    if layout == "nhwc":
        image = drawing.add("Transpose", image, perm=[0, 3, 1, 2])
    features = drawing.add("Relu", drawing.convolve(image, (bands, 8)))
    skips = []
    for _ in range(halvings):
        skips.append(features)
        features = drawing.add("Relu", drawing.convolve(features, (8, 8), stride=2))
    for skip in reversed(skips):
        scales = drawing.constant(np.array([1, 1, 2, 2], dtype=np.float32))
        larger = drawing.add("Resize", features, "", scales, mode="nearest")
        features = drawing.add("Add", larger, skip)
    features = drawing.add("Tanh", drawing.convolve(features, (8, 8)))
    found = drawing.convolve(features, (8, classes), side=1)
    found = drawing.add("Mul", found, drawing.constant(np.array(gain, dtype=np.float32)))
    if ends_with in ("Softmax", "ArgMax"):
        found = drawing.add(ends_with, found, axis=1, **({"keepdims": 0} if ends_with == "ArgMax" else {}))
    elif ends_with:
        found = drawing.add(ends_with, found)
    kind = TensorProto.INT64 if ends_with == "ArgMax" else TensorProto.FLOAT
    if layout == "nhwc" and ends_with != "ArgMax":
        found = drawing.add("Transpose", found, perm=[0, 2, 3, 1])
    shape = [count, bands, rows, cols] if layout == "nchw" else [count, rows, cols, bands]
    return drawing.save(path, {"image": shape}, {found: kind})


def runtime(
    path: Path,
    *,
    layout: str = "nchw",
    scale: float = 1e-4,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    output: str | None = None,
) -> Runtime:
    """What ONNX Runtime says of windows (n, bands, rows, cols) in digital numbers, one at a time: channels last."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(windows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        given = windows.astype(np.float32) * np.float32(scale)
        if mean is not None and std is not None:
            middle, spread = (np.array(each, dtype=np.float32)[:, None, None] for each in (mean, std))
            given = (given - middle) / spread
        if layout == "nhwc":
            given = np.moveaxis(given, 1, -1)
        wanted = None if output is None else [output]
        found = np.concatenate([session.run(wanted, {name: np.ascontiguousarray(each[None])})[0] for each in given])
        return np.moveaxis(found, 1, -1) if layout == "nchw" and found.ndim == 4 else found

    return run


def by_runtime(run: Runtime, decide: Runtime, bundle: Bundle, scene: Path) -> npt.NDArray[Any]:
    """Whether each pixel is water (1, 0, or 255 without data), by the runtime alone.

    Args:
        run: of `runtime`.
        decide: what makes of its numbers (n, rows, cols, channels) whether pixels are water.
        bundle: whose windows are taken, and what they are filled with where there is no data.
        scene: in the bundle's units.
    """
    predictor = Predictor(bundle, PredictConfig())
    contract = bundle.contract
    with open_raster(scene) as raster:
        positions = raster.find(contract.bands)

        def prepare(pixels: Any, out: Any) -> None:
            units, channels = contract.radiometry, range(len(contract.bands))
            to_model(pixels.values, pixels.valid, units, units, contract.filling, channels=channels, out=out)

        strips = predict_strips(
            raster.reader(positions),
            prepare,
            lambda windows: decide(run(windows)).astype(np.float32),
            predictor.layout(raster.grid.shape),
            batch_size=1,
        )
        return np.concatenate([np.where(strip.valid, strip.probability >= 0.5, 255) for strip in strips])
