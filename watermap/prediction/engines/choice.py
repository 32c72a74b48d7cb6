"""Which engine runs a bundle here, and in which precision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from watermap.bundles.bundle import Bundle
from watermap.config import Precision, PredictConfig
from watermap.config.extras import install_command
from watermap.errors import ModelError, UsageError
from watermap.prediction.engines.converted import Converted, open_converted
from watermap.prediction.engines.engine import Engine
from watermap.prediction.engines.ensemble import Ensemble, Member
from watermap.prediction.engines.openvino import OpenVinoEngine, has_bfloat16, is_installed

_NVIDIA: Final = Path("/proc/driver/nvidia/version")

EngineName = Literal["keras", "openvino"]


class EngineChoice(NamedTuple):
    """An engine and its precision.

    Attributes:
        engine: its name.
        precision: what it computes in.
        converted: the converted model, for openvino.
    """

    engine: EngineName
    precision: Precision
    converted: Converted | None


def choose(bundle: Bundle, config: PredictConfig) -> EngineChoice:
    """The engine and precision of a bundle with these settings, on this machine; Keras is not loaded.

    Raises:
        UsageError: OpenVINO is asked for, and not installed.
        ModelError: what the settings ask for cannot be had of this bundle.
        StorageError: the bundle lies elsewhere and cannot be reached.
    """
    converted = _converted(bundle, config)
    if converted is None:
        return EngineChoice("keras", "bfloat16" if config.precision == "bfloat16" else "float32", None)
    return EngineChoice("openvino", _precision(bundle, converted, config), converted)


def engine_name(bundle: Bundle, config: PredictConfig) -> EngineName:
    """The engine of a bundle with these settings, on this machine; neither Keras nor OpenVINO is loaded.

    Raises:
        UsageError, ModelError, StorageError: as of `choose`.
    """
    return "keras" if _converted(bundle, config) is None else "openvino"


def _converted(bundle: Bundle, config: PredictConfig) -> Converted | None:
    """The converted model that runs a bundle; None where Keras does."""
    if bundle.contract.imported_from is not None:
        return _imported(bundle, config)
    asks_openvino = config.engine == "openvino" or config.precision == "int8"
    if config.engine == "keras" or (not asks_openvino and (not is_installed() or _NVIDIA.exists())):
        return None
    if not is_installed():
        raise UsageError("OpenVINO is not installed", hint=f"{install_command('fast')}, or take --engine keras")
    converted = open_converted(bundle)
    if converted is None and asks_openvino:
        raise ModelError(
            f"{bundle.folder}: is not converted for OpenVINO",
            hint=f"watermap bundles convert {bundle.folder} --patches PATCHES, or take --engine keras",
        )
    return converted


def _imported(bundle: Bundle, config: PredictConfig) -> Converted:
    """The converted model of an imported network, which nothing else runs."""
    if config.engine == "keras":
        raise ModelError(f"{bundle.folder}: is an imported network, which Keras cannot run", hint="leave --engine out")
    if not is_installed():
        raise UsageError(f"{bundle.folder}: OpenVINO runs it, which is not installed", hint=install_command("fast"))
    converted = open_converted(bundle)
    if converted is None:
        raise ModelError(f"{bundle.folder}: lacks what OpenVINO runs of it", hint="import the network again")
    return converted


def open_engine(bundles: Sequence[Bundle], config: PredictConfig) -> Engine:
    """The engine of one bundle, or of several together, its models loaded when the first window comes.

    Raises:
        UsageError: OpenVINO is asked for, and not installed.
        ModelError: what the settings ask for cannot be had of this bundle, or the converted model is damaged.
        StorageError: the bundle lies elsewhere and cannot be reached.
    """
    members = [
        Member(_open(bundle, choose(bundle, config), config.batch_size), bundle.contract.calibration)
        for bundle in bundles
    ]
    if len(members) == 1 and members[0].calibration is None and not config.tta:
        return members[0].engine
    return Ensemble(members, tta=config.tta, has_disagreement=has_disagreement(bundles, config))


def has_disagreement(bundles: Sequence[Bundle], config: PredictConfig) -> bool:
    """Whether there are several answers whose disagreement is asked for."""
    return config.uncertainty and (len(bundles) > 1 or config.tta)


def _open(bundle: Bundle, choice: EngineChoice, batch_size: int | None) -> Engine:
    if choice.converted is not None:
        return OpenVinoEngine(choice.converted.paths(choice.precision), choice.precision)
    from watermap.prediction.engines.keras import KerasEngine

    return KerasEngine(bundle, choice.precision, batch_size)


def _precision(bundle: Bundle, converted: Converted, config: PredictConfig) -> Precision:
    record = converted.record
    if config.precision == "auto":
        return "bfloat16" if has_bfloat16() and record.accepted("bfloat16") else "float32"
    if not record.accepted(config.precision):
        check = record.checks.get(config.precision)
        why = "was never checked on this bundle" if check is None else f"agrees with float32 in {check.agreement:.2%}"
        if check is not None and None not in (check.keras_water_iou, check.water_iou):
            why += f" of pixels, water IoU {check.water_iou:.4f} for {check.keras_water_iou:.4f}"
        if bundle.contract.imported_from is not None:
            raise ModelError(f"{bundle.folder}: {config.precision} {why}", hint="leave --precision out")
        raise ModelError(
            f"{converted.folder}: {config.precision} {why}",
            hint="convert the bundle with watermap bundles convert, with --int8 for int8, or leave --precision out",
        )
    return config.precision
