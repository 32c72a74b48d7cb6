"""What is put around an imported network: a bundle's numbers come in, the probability of water goes out."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.bands import Radiometry
from watermap.bundles.imported import Activation, Against
from watermap.config import OnnxConfig
from watermap.errors import ModelError, UsageError
from watermap.prediction.engines.onnx import OnnxNetwork
from watermap.prediction.engines.openvino import openvino_library

_TOLERANCE: Final = 1e-3
"""By which probabilities may leave 0 to 1, and their sum differ from 1."""

Moments = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each band, in reflectance."""


class OutputMeaning(NamedTuple):
    """How the numbers of an output are read.

    Attributes:
        classes: channels; None: the output is a class of each pixel.
        channel_axis: where they are; None: there is one, without an axis of its own.
        water: the channel, or the class, that is water.
        activation: what makes them probabilities.
        against: what water is weighed against; None where there is nothing to choose.
    """

    classes: int | None
    channel_axis: int | None
    water: int
    activation: Activation
    against: Against | None


def meaning_of(found: npt.NDArray[Any], axis: int | None, config: OnnxConfig) -> OutputMeaning:
    """How what a network gave of a window of varied ground is to be read.

    Args:
        found: its output.
        axis: of its channels; None: it has none.
        config: what the user states.

    Raises:
        UsageError: there is no such class, or the numbers are no probabilities.
        ModelError: they are not finite.
    """
    classes = 1 if axis is None else found.shape[axis]
    if np.issubdtype(found.dtype, np.integer) and classes == 1:
        if config.activation != "none":
            raise UsageError("it gives classes, no numbers to make probabilities of", hint="leave --activation out")
        return OutputMeaning(None, axis, config.water_class, "none", None)
    if config.water_class >= classes:
        named = "its only class is 0" if classes == 1 else f"its classes are 0 to {classes - 1}"
        raise UsageError(f"there is no class {config.water_class}: {named}", hint="state another --water-class")
    if config.activation == "softmax" and classes == 1:
        raise UsageError("softmax of a single class is always 1", hint="state --activation sigmoid, or leave it out")
    if not np.isfinite(found).all():
        raise ModelError("it gives numbers that are not finite", hint="its weights may be damaged")
    is_exclusive = config.activation == "softmax"
    if config.activation == "none":
        low, high = float(found.min()), float(found.max())
        if low < -_TOLERANCE or high > 1 + _TOLERANCE:
            raise UsageError(
                f"it gives numbers from {low:.3g} to {high:.3g}, which are no probabilities",
                hint="state --activation softmax, or sigmoid where its classes do not exclude each other",
            )
        is_exclusive = classes > 1 and bool(np.allclose(found.astype(np.float64).sum(axis=axis), 1, atol=1e-2))
    against = config.against if is_exclusive and classes > 2 else None
    return OutputMeaning(classes, axis, config.water_class, config.activation, against)


def is_probable(found: npt.NDArray[Any], axis: int | None) -> bool:
    """Whether numbers are probabilities of classes that exclude each other already."""
    if found.min() < -_TOLERANCE or found.max() > 1 + _TOLERANCE:
        return False
    return axis is None or found.shape[axis] == 1 or bool(np.allclose(found.sum(axis=axis), 1, atol=_TOLERANCE))


def surrounded(
    network: OnnxNetwork, meaning: OutputMeaning, radiometry: Radiometry, moments: Moments | None, *, side: int | None
) -> Any:
    """The network with all that it needs around it.

    Args:
        network: as it was read; it is used up.
        meaning: of its output.
        radiometry: of the bundle's digital numbers.
        moments: the network is given (reflectance - mean) / std; None: the reflectance.
        side: of the only windows that it takes; None: others will do.

    Returns:
        OpenVINO's model of (n, bands, rows, cols) in digital numbers to the probability of water (n, rows, cols).
    """
    openvino = openvino_library()
    ops, model = openvino.opset13, network.model
    (given,) = model.get_parameters()
    sides = -1 if side is None else side
    image = ops.parameter(openvino.PartialShape([-1, network.bands, sides, sides]), np.float32, name="image")
    factor, shift = (values[None, :, None, None] for values in _scaling(network.bands, radiometry, moments))
    normalised = ops.add(ops.multiply(image, ops.constant(factor)), ops.constant(shift))
    if network.layout == "nhwc":
        normalised = ops.transpose(normalised, ops.constant(np.array([0, 2, 3, 1], dtype=np.int64)))
    if given.get_element_type() != openvino.Type.f32:
        normalised = ops.convert(normalised, given.get_element_type().to_dtype())
    for target in list(given.output(0).get_target_inputs()):
        target.replace_source_output(normalised.output(0))
    water = _water(model.get_results()[0].input_value(0), meaning)
    return openvino.Model([water.output(0)], [image], "imported")


def _scaling(bands: int, radiometry: Radiometry, moments: Moments | None) -> tuple[FloatArray, FloatArray]:
    """Factor and shift by band, which turn digital numbers into what the network is given."""
    mean, std = (np.array(each) for each in moments or ((0.0,) * bands, (1.0,) * bands))
    factor = radiometry.scale / std
    shift = (radiometry.offset * radiometry.scale - mean) / std
    return factor.astype(np.float32), shift.astype(np.float32)


def _water(output: Any, meaning: OutputMeaning) -> Any:
    """The step that gives the probability of water (n, rows, cols)."""
    openvino = openvino_library()
    ops = openvino.opset13
    axis = None if meaning.channel_axis is None else ops.constant(np.int64(meaning.channel_axis))
    if meaning.classes is None:
        classes = output if axis is None else ops.squeeze(output, axis)
        water = ops.constant(meaning.water, classes.get_element_type())
        return ops.convert(ops.equal(classes, water), "f32")
    output = ops.convert(output, "f32")
    if axis is None or meaning.classes == 1:
        one = output if axis is None else ops.squeeze(output, axis)
        return ops.sigmoid(one) if meaning.activation == "sigmoid" else _within(one)

    def channels(which: int | list[int], numbers: Any) -> Any:
        return ops.gather(numbers, ops.constant(np.array(which, dtype=np.int64)), axis)

    if meaning.against != "likeliest":
        if meaning.activation == "softmax":
            return channels(meaning.water, ops.softmax(output, meaning.channel_axis))
        own = channels(meaning.water, output)
        return ops.sigmoid(own) if meaning.activation == "sigmoid" else _within(own)
    others = [each for each in range(meaning.classes) if each != meaning.water]
    own, other = channels(meaning.water, output), ops.reduce_max(channels(others, output), axis)
    if meaning.activation == "softmax":
        return ops.sigmoid(ops.subtract(own, other))
    return _within(ops.divide(own, ops.add(own, other)))


def _within(probability: Any) -> Any:
    return openvino_library().opset13.clamp(probability, 0.0, 1.0)


def normalised(image: FloatArray, network: OnnxNetwork, radiometry: Radiometry, moments: Moments | None) -> FloatArray:
    """What a network is given of an image (n, bands, rows, cols) in digital numbers, in its own layout."""
    mean, std = (np.array(each)[:, None, None] for each in moments or ((0.0,) * network.bands, (1.0,) * network.bands))
    reflectance = (image.astype(np.float64) + radiometry.offset) * radiometry.scale
    given: FloatArray = ((reflectance - mean) / std).astype(np.float32)
    return given if network.layout == "nchw" else np.moveaxis(given, 1, -1)


def water_of(found: npt.NDArray[Any], meaning: OutputMeaning) -> FloatArray:
    """The probability of water (n, rows, cols) in what a network gave, by definition.

    Where water is weighed against the likeliest other class, the probability is p / (p + q) of the two: at least one
    half where water is the likeliest of all.
    """
    layers = found[..., None] if meaning.channel_axis is None else np.moveaxis(found, meaning.channel_axis, -1)
    if meaning.classes is None:
        is_water: FloatArray = (layers[..., 0] == meaning.water).astype(np.float32)
        return is_water
    layers = layers.astype(np.float64)
    if meaning.activation == "softmax":
        layers = np.exp(layers - layers.max(axis=-1, keepdims=True))
        layers /= layers.sum(axis=-1, keepdims=True)
    elif meaning.activation == "sigmoid":
        layers = 1 / (1 + np.exp(-layers))
    water = layers[..., meaning.water]
    if meaning.against == "likeliest":
        water = water / (water + np.delete(layers, meaning.water, axis=-1).max(axis=-1))
    probability: FloatArray = np.clip(water, 0, 1).astype(np.float32)
    return probability
