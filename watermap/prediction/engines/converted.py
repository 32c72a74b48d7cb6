"""A bundle's converted model: which files it has, and how far each precision was seen to agree with Keras.

BUNDLE/openvino/
  converted.json               the record, written last
  model.xml model.bin          float32 weights, batch norm folded; computes in float32 or bfloat16
  int8.xml int8.bin            eight-bit weights and features, where it was asked for
  refused.json                 instead of all these: why there is no converted model
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from watermap.arrays import FloatArray
from watermap.bundles.bundle import Bundle
from watermap.config import Precision
from watermap.errors import ModelError
from watermap.io.cache import cached
from watermap.io.files import file_digest
from watermap.io.paths import remote
from watermap.legend import NO_DATA, WATER

FOLDER: Final = "openvino"
RECORD_FILE: Final = "converted.json"
REFUSAL_FILE: Final = "refused.json"
FORMAT_VERSION: Final = 1

LEAST_AGREEMENT: Final[dict[Precision, float]] = {"float32": 0.9999, "bfloat16": 0.999, "int8": 0.99}
"""Share of valid pixels of the check that must get the class that Keras in float32 gives them."""
GREATEST_IOU_LOSS: Final = 0.005


class Check(BaseModel):
    """A precision beside Keras in float32, on the same real patches.

    Attributes:
        patches, pixels: how many patches, and valid pixels in them.
        agreement: share of the pixels that get the same class.
        mean_difference, max_difference: of the probability.
        water_iou, keras_water_iou: against the patches' labels; None where they show no water.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    patches: int
    pixels: int
    agreement: float
    mean_difference: float
    max_difference: float
    water_iou: float | None
    keras_water_iou: float | None

    def accepts(self, precision: Precision) -> bool:
        """Whether it is good enough to be used."""
        loss = (self.keras_water_iou or 0.0) - (self.water_iou or 0.0)
        return self.agreement >= LEAST_AGREEMENT[precision] and loss <= GREATEST_IOU_LOSS


def compare(
    expected: FloatArray, found: FloatArray, valid: npt.NDArray[np.bool_], label: npt.NDArray[Any], threshold: float
) -> Check:
    """How far two probabilities of the same patches (n, rows, cols) agree.

    Args:
        expected: of Keras in float32.
        found: of the other.
        valid: where there is data.
        label: 0, 1, or 255 where the truth is unknown.
        threshold: from which a pixel is water.
    """
    difference = np.abs(expected - found)[valid]
    return Check(
        patches=len(expected),
        pixels=int(valid.sum()),
        agreement=float(((expected >= threshold) == (found >= threshold))[valid].mean()),
        mean_difference=float(difference.mean()),
        max_difference=float(difference.max()),
        water_iou=_water_iou(found >= threshold, label),
        keras_water_iou=_water_iou(expected >= threshold, label),
    )


def _water_iou(water: npt.NDArray[np.bool_], label: npt.NDArray[Any]) -> float | None:
    truth, mapped = label == WATER, water & (label != NO_DATA)
    either = np.count_nonzero(truth | mapped)
    return np.count_nonzero(truth & mapped) / either if either else None


class ConversionRecord(BaseModel):
    """What was converted, and how it was checked.

    Attributes:
        format_version: of this record.
        converted_from: SHA-256 of the Keras file.
        openvino: version that converted.
        files: SHA-256 by name.
        checks: by precision; one that is not there was never tried.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    converted_from: str
    openvino: str
    files: dict[str, str]
    checks: dict[Precision, Check]

    def accepted(self, precision: Precision) -> bool:
        """Whether a precision was checked and found good."""
        return precision in self.checks and self.checks[precision].accepts(precision)


class Refusal(BaseModel):
    """Why a model has no converted form, so that it is not tried again and again.

    Attributes:
        converted_from: SHA-256 of the Keras file.
        openvino: version that was to convert it.
        reason: what was wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    converted_from: str
    openvino: str
    reason: str


@dataclass(frozen=True)
class Converted:
    """A converted model whose record was read.

    Attributes:
        folder: where it is.
        record: what is known of it.
    """

    folder: Path
    record: ConversionRecord

    def paths(self, precision: Precision) -> tuple[Path, Path]:
        """Network and weights of a precision, on this machine and whole.

        Raises:
            ModelError: a file is missing or damaged.
            StorageError: it lies elsewhere and cannot be reached.
        """
        stem = "int8" if precision == "int8" else "model"
        xml, weights = (self._whole(f"{stem}{suffix}") for suffix in (".xml", ".bin"))
        return xml, weights

    def check(self) -> None:
        """Make sure that all files of the record are whole.

        Raises:
            ModelError: one is missing or damaged.
            StorageError: they lie elsewhere and cannot be reached.
        """
        for name in self.record.files:
            self._whole(name)

    def _whole(self, name: str) -> Path:
        path = self.folder / name
        if name not in self.record.files:
            raise _damaged(path, "its record does not know it")
        if remote(path) is not None:
            return cached(path, self.record.files[name], _damaged)
        if not path.is_file() or file_digest(path) != self.record.files[name]:
            raise _damaged(path, "it is not the file that was saved")
        return path


def open_converted(bundle: Bundle) -> Converted | None:
    """The converted model of a bundle; None where it has none, or only one of earlier weights.

    Raises:
        ModelError: its record is damaged.
        StorageError: it lies elsewhere and cannot be reached.
    """
    path = bundle.folder / FOLDER / RECORD_FILE
    if not path.is_file():
        return None
    try:
        record = ConversionRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, "it is not readable") from error
    if record.format_version != FORMAT_VERSION or record.converted_from != bundle.contract.model_digest:
        return None
    return Converted(path.parent, record)


def is_converted(bundle: Bundle) -> bool:
    """Whether a bundle has a converted model of its weights, whole."""
    try:
        converted = open_converted(bundle)
        if converted is not None:
            converted.check()
    except ModelError:
        return False
    return converted is not None


def refusal_of(bundle: Bundle, openvino: str) -> Refusal | None:
    """Why a bundle's weights were not converted; None where that was never tried, or not with this OpenVINO."""
    try:
        text = (bundle.folder / FOLDER / REFUSAL_FILE).read_text(encoding="utf-8")
        refusal = Refusal.model_validate_json(text)
    except (OSError, ValueError):
        return None
    is_this = (refusal.converted_from, refusal.openvino) == (bundle.contract.model_digest, openvino)
    return refusal if is_this else None


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: damaged, {reason}", hint="convert the bundle again with watermap bundles convert")
