"""Keras to OpenVINO, once a bundle: converted, compared with Keras on real patches, and kept only if it agrees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.bundles.bundle import Bundle
from watermap.config import Precision
from watermap.config.extras import install_command
from watermap.errors import DataError, ModelError, UsageError
from watermap.io.files import file_digest, locked, unwritable, write_text, writing_folder
from watermap.io.paths import local
from watermap.legend import NO_DATA, WATER
from watermap.patches.store import PatchStore
from watermap.prediction.engines.converted import (
    FOLDER,
    RECORD_FILE,
    REFUSAL_FILE,
    Check,
    ConversionRecord,
    Converted,
    Refusal,
    compare,
    is_converted,
    open_converted,
    refusal_of,
)
from watermap.prediction.engines.engine import Engine
from watermap.prediction.engines.keras import KerasEngine
from watermap.prediction.engines.openvino import (
    OpenVinoEngine,
    has_bfloat16,
    is_installed,
    openvino_library,
    openvino_version,
)
from watermap.progress import Progress, silent
from watermap.scenes.filling import fill_in

_CHECKED_PATCHES: Final = 64
_CALIBRATION_PATCHES: Final = 128
_LEAST_SIDE: Final = 64
"""Of the window that is converted: features of a single pixel would be taken for none at all."""


def can_convert() -> bool:
    """Whether this environment can: with OpenVINO, and Keras on TensorFlow."""
    if not is_installed():
        return False
    import keras

    return bool(keras.backend.backend() == "tensorflow")


def convert(bundle: Bundle, store: PatchStore, *, int8: bool = False, progress: Progress = silent) -> Converted:
    """Convert a bundle's model for OpenVINO, and measure how far each precision agrees with Keras.

    Args:
        bundle: on this machine.
        store: patches of the bundle's bands; its test patches are compared, or the validation patches, and
            training patches calibrate eight-bit numbers.
        int8: also make an eight-bit model.
        progress: told after every step.

    Raises:
        ModelError: the converted model says something else than Keras.
        DataError: the folder cannot be written.
        UsageError: OpenVINO, NNCF or TensorFlow is missing, the patches do not fit the bundle, or it does not lie on
            this machine.
    """
    if not can_convert():
        raise UsageError(
            "a bundle is converted with OpenVINO and Keras on TensorFlow",
            hint=install_command("tensorflow", "fast"),
        )
    openvino = openvino_library()
    bundle.contract.check_patches(store.folder, store.bands, store.radiometry)
    folder = local(bundle.folder) / FOLDER
    steps = iter(range(1, 5))

    def tell(what: str) -> None:
        progress(f"convert: {what}", next(steps), 4)

    try:
        with locked(bundle.folder / f".{FOLDER}.lock"), writing_folder(folder) as part:
            tell("network")
            with _refusing_what_fails(bundle):
                model = planar(_from_keras(bundle))
            openvino.save_model(model, part / "model.xml", compress_to_fp16=False)
            precisions: list[Precision] = ["float32", "bfloat16"] if has_bfloat16() else ["float32"]
            tell("eight-bit numbers" if int8 else "weights")
            if int8:
                openvino.save_model(_quantized(model, store, bundle), part / "int8.xml", compress_to_fp16=False)
                precisions.append("int8")
            tell("comparison with Keras")
            with _refusing_what_fails(bundle):
                checks = _checks(bundle, store, part, precisions)
            record = ConversionRecord(
                converted_from=bundle.contract.model_digest,
                openvino=openvino_version(),
                files={path.name: file_digest(path) for path in sorted(part.iterdir())},
                checks=checks,
            )
            _refuse_what_differs(bundle, record)
            (part / RECORD_FILE).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        tell("done")
    except BlockingIOError as error:
        raise ModelError(f"{bundle.folder}: is being converted by another process", hint="wait for it") from error
    except OSError as error:
        raise unwritable(folder, error) from error
    return Converted(folder, record)


@contextmanager
def _refusing_what_fails(bundle: Bundle) -> Iterator[None]:
    """Turn what OpenVINO cannot convert, or runs at one size of window only, into one line."""
    try:
        yield
    except (RuntimeError, openvino_library().frontend.OpConversionFailure) as error:
        raise _refused(bundle, f"OpenVINO cannot convert it ({str(error).strip().splitlines()[-1]})") from error


def convert_once(bundle: Bundle, store: PatchStore, progress: Progress = silent) -> Converted | None:
    """Convert a bundle unless it is converted, or cannot be here.

    Raises:
        ModelError: it cannot be converted, as far as this version of OpenVINO was seen to.
    """
    if not can_convert():
        return None
    if is_converted(bundle):
        return open_converted(bundle)
    if (refusal := refusal_of(bundle, openvino_version())) is not None:
        raise _error(bundle, refusal)
    return convert(bundle, store, progress=progress)


def _from_keras(bundle: Bundle) -> Any:
    """OpenVINO's form of the network, for one window (1, rows, cols, bands)."""
    import tensorflow as tf

    side, bands = max(bundle.contract.trained_patch_size, _LEAST_SIDE), len(bundle.contract.bands)
    model = bundle.load_model((side, side))
    call = tf.function(
        lambda image: model(image, training=False),
        input_signature=[tf.TensorSpec((1, side, side, bands), tf.float32)],
        autograph=False,  # it has nothing to convert, and would write a file that a killed run leaves behind
    )
    return openvino_library().convert_model(call.get_concrete_function())


def planar(model: Any) -> Any:
    """The network for windows of any size: (n, bands, rows, cols) to the probability of water (n, rows, cols).

    Up-sampling that was traced for one size is told its factor instead.
    """
    openvino = openvino_library()
    ops = openvino.opset13
    for node in model.get_ordered_ops():
        replacement = _of_any_size(node)
        if replacement is not None:
            for target in list(node.output(0).get_target_inputs()):
                target.replace_source_output(replacement.output(0))
    layout = openvino.preprocess.PrePostProcessor(model)
    layout.input().tensor().set_layout(openvino.Layout("NCHW"))
    layout.input().model().set_layout(openvino.Layout("NHWC"))
    model = layout.build()
    (result,) = model.get_results()
    water = ops.gather(result.input_value(0), ops.constant(np.int64(WATER)), ops.constant(np.int64(3)))
    result.input(0).replace_source_output(water.output(0))
    model.validate_nodes_and_infer_types()
    bands = model.input(0).partial_shape[1].get_length()
    model.reshape({model.input(0): openvino.PartialShape([-1, bands, -1, -1])})
    return model


def _of_any_size(node: Any) -> Any:
    """The same step for features of any size; None where it is that already."""
    ops = openvino_library().opset13
    kind, settings = node.get_type_name(), node.get_attributes()
    if kind == "Interpolate" and settings["shape_calculation_mode"] == "sizes":
        axes = node.input_value(2).get_node().get_data()
        sizes = node.input_value(1).get_node().get_data()
        before = node.input_value(0).get_shape()
        factors = np.array([size / before[axis] for size, axis in zip(sizes, axes, strict=True)], dtype=np.float32)
        return ops.interpolate(
            node.input_value(0),
            ops.constant(factors),
            mode=settings["mode"],
            shape_calculation_mode="scales",
            coordinate_transformation_mode=settings["coordinate_transformation_mode"],
            axes=ops.constant(np.array(axes, dtype=np.int64)),
        )
    if kind == "ConvolutionBackpropData":
        return ops.convolution_backprop_data(
            node.input_value(0),
            node.input_value(1),
            settings["strides"],
            pads_begin=settings["pads_begin"],
            pads_end=settings["pads_end"],
            dilations=settings["dilations"],
            output_padding=settings["output_padding"],
        )
    return None


def _quantized(model: Any, store: PatchStore, bundle: Bundle) -> Any:
    """The network with eight-bit weights and features, calibrated on training patches."""
    import nncf

    images = [image[None] for image in _images(store, "train", _CALIBRATION_PATCHES, bundle)]
    if not images:
        raise DataError(f"{store.folder}: holds no training patches", hint="calibrate on the patches of the training")
    return nncf.quantize(model, nncf.Dataset(images), preset=nncf.QuantizationPreset.MIXED, subset_size=len(images))


def _images(store: PatchStore, split: str, most: int, bundle: Bundle) -> Iterator[FloatArray]:
    """Patches (bands, rows, cols) as the model expects them, spread over the split."""
    for place in store.spread(split, most):
        patch = store.read(split, [place])
        (image,) = fill_in(patch.image, patch.valid, patch.present, bundle.contract.filling)
        yield np.ascontiguousarray(np.moveaxis(image, -1, 0))


def _checks(bundle: Bundle, store: PatchStore, part: Path, precisions: list[Precision]) -> dict[Precision, Check]:
    split = next((each for each in ("test", "validation", "train") if store.count(each)), "train")
    patches = store.read(split, store.spread(split, _CHECKED_PATCHES))
    images = _four_in_one(np.stack(list(_images(store, split, _CHECKED_PATCHES, bundle))))
    valid, label = (_four_in_one(each[:, None])[:, 0] for each in (patches.valid, patches.label))
    truth = np.where(valid, label, NO_DATA)
    expected = _probabilities(KerasEngine(bundle, "float32"), images)
    checks: dict[Precision, Check] = {}
    for precision in precisions:
        stem = part / ("int8" if precision == "int8" else "model")
        engine = OpenVinoEngine((stem.with_suffix(".xml"), stem.with_suffix(".bin")), precision)
        found = _probabilities(engine, images)
        checks[precision] = compare(
            bundle.contract.calibrated(expected),
            bundle.contract.calibrated(found),
            valid,
            truth,
            bundle.contract.threshold,
        )
    return checks


def _four_in_one(patches: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Patches (n, bands, side, side) as windows (m, bands, 2 side, 2 side): a size that was not converted is tried."""
    count, bands, side, _ = patches.shape
    chosen = np.resize(np.arange(count), max(1, count // 4) * 4)
    quarters = patches[chosen].reshape(-1, 2, 2, bands, side, side)
    return quarters.transpose(0, 3, 1, 4, 2, 5).reshape(-1, bands, 2 * side, 2 * side)


def _probabilities(engine: Engine, windows: FloatArray) -> FloatArray:
    return np.concatenate([engine.compute(np.ascontiguousarray(window[None])) for window in windows])


def _refuse_what_differs(bundle: Bundle, record: ConversionRecord) -> None:
    check = record.checks["float32"]
    if not check.accepts("float32"):
        raise _refused(bundle, f"converted, it gives {1 - check.agreement:.2%} of the pixels another class")


def _refused(bundle: Bundle, reason: str) -> ModelError:
    """An error for a bundle that cannot be converted; the bundle remembers it."""
    refusal = Refusal(converted_from=bundle.contract.model_digest, openvino=openvino_version(), reason=reason)
    (bundle.folder / FOLDER).mkdir(exist_ok=True)
    write_text(bundle.folder / FOLDER / REFUSAL_FILE, refusal.model_dump_json(indent=1) + "\n")
    return _error(bundle, refusal)


def _error(bundle: Bundle, refusal: Refusal) -> ModelError:
    return ModelError(f"{bundle.folder}: {refusal.reason}", hint="predict with --engine keras")
