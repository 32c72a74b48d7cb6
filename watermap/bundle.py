"""A bundle: a trained model's folder, with the contract of how to feed it.

BUNDLE/
  bundle.json            the contract, written last: a folder without it is no bundle
  model-<digest>.keras   the network, scaling inside
  history.csv curves.png how it was trained

It is written on this machine and read from anywhere: of a bundle elsewhere the contract is read, and the network is
fetched when it is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from watermap import __version__
from watermap.calibration import Calibration, calibrated
from watermap.cog import LAND, NO_DATA, WATER
from watermap.copies import fetched
from watermap.errors import ModelError, UsageError
from watermap.files import file_digest, unwritable, write_text
from watermap.radiometry import FloatArray, Statistics
from watermap.raster import Radiometry
from watermap.storage import local, remote

if TYPE_CHECKING:
    import keras

FORMAT_VERSION: Final = 1
CONTRACT_FILE: Final = "bundle.json"
DEFAULT_MODELS: Final = Path("data/models")


class Contract(BaseModel):
    """How to feed a model, and where it comes from.

    Attributes:
        format_version: of this record.
        created: UTC, ISO 8601.
        arch, encoder: what `watermap.models.build` is asked for.
        bands: canonical names, in the order of the model's channels.
        scale, offset: the numbers it expects: reflectance = (DN + offset) * scale.
        statistics: of the training pixels, in DN.
        classes: codes of a water raster; 0 and 1 are also the model's channels.
        threshold: probability, calibrated if the bundle is, from which a pixel is water.
        calibration: what the model's probabilities mean; None: what they say.
        patch_size: side of a training patch in pixels.
        reach: pixels from a window's edge up to which the model misses what lies beyond; None: not measured.
        sees_whole_window: whether what it says of a pixel depends on all of its window, so that windows are best as
            large as those that it was trained on.
        trained_on: digest, scenes and split of the patches.
        training: settings and course of the training.
        scores: by split.
        versions: of the software.
        model_file, model_digest: the network's file and its SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format_version: int = FORMAT_VERSION
    created: str
    arch: str
    encoder: str
    bands: tuple[str, ...]
    scale: float
    offset: float
    statistics: Statistics
    classes: dict[str, int] = {"land": LAND, "water": WATER, "no_data": NO_DATA}
    threshold: float
    calibration: Calibration | None = None
    patch_size: int
    reach: int | None = None
    sees_whole_window: bool = False
    trained_on: dict[str, Any]
    training: dict[str, Any]
    scores: dict[str, dict[str, float | int | None]]
    versions: dict[str, str]
    model_file: str
    model_digest: str

    @property
    def radiometry(self) -> Radiometry:
        """What the model expects of a scene's numbers."""
        return Radiometry(self.scale, self.offset)

    def check_patches(self, folder: Path, bands: tuple[str, ...], radiometry: Radiometry) -> None:
        """Make sure that patches are what the model takes.

        Raises:
            UsageError: they have other bands, or their numbers mean something else.
        """
        if (bands, radiometry) != (self.bands, self.radiometry):
            raise UsageError(
                f"{folder}: bands {', '.join(bands)}, scale {radiometry.scale:g}, offset {radiometry.offset:g} are not "
                f"the bundle's {', '.join(self.bands)}, {self.scale:g}, {self.offset:g}",
                hint=f"tile the scenes with --bands {','.join(self.bands)} and the bundle's scale and offset",
            )

    def calibrated(self, probability: FloatArray) -> FloatArray:
        """What the model says, as it is meant, of the same shape."""
        return calibrated(self.calibration, probability)


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were verified; the network of one that lies elsewhere is, when it is loaded.

    Attributes:
        folder: where it is.
        contract: how to feed its model.
        id: twelve hex digits of the contract's digest; changes with the weights.
    """

    folder: Path
    contract: Contract
    id: str

    def load_model(
        self, window: tuple[int, int] | None = None, *, compute: Literal["float32", "bfloat16"] = "float32"
    ) -> keras.Model:
        """The network, for windows of (rows, cols) pixels (default: the training patches' size).

        Raises:
            ModelError: the network's file cannot be loaded.
            StorageError: it lies elsewhere and cannot be reached.
            DataError: its copy on this machine cannot be written.
        """
        from watermap.models import load, resize

        path = self.folder / self.contract.model_file
        model = load(path if remote(path) is None else fetched(path, self.contract.model_digest, _damaged))
        own = (self.contract.patch_size,) * 2
        if (window or own) == own and compute == "float32":
            return model
        return resize(model, *(window or own), compute=compute)


def save_bundle(folder: Path, model: keras.Model, **contract: Any) -> Bundle:
    """Write a model and its contract; the bundle changes at the moment its contract is renamed into place.

    Args:
        folder: the bundle's folder; made if absent.
        model: the network.
        contract: the fields of `Contract` that are not filled in here.

    Raises:
        UsageError: the folder does not lie on this machine.
        DataError: it cannot be written.
    """
    import keras

    part = local(folder) / f".model.{os.getpid()}.part.keras"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.save(part)
        digest = file_digest(part)
        model_path = part.replace(folder / f"model-{digest[:12]}.keras")
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        with suppress(OSError):
            part.unlink()
    record = Contract(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={
            "watermap": __version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "python": platform.python_version(),
        },
        model_file=model_path.name,
        model_digest=digest,
        **contract,
    )
    write_text(folder / CONTRACT_FILE, record.model_dump_json(indent=2) + "\n")
    for other in folder.glob("model-*.keras"):
        if other != model_path:
            other.unlink()
    return open_bundle(folder)


def restate(bundle: Bundle, contract: Contract) -> Bundle:
    """Write another contract for the same network; the bundle's id changes with it.

    Raises:
        UsageError: the bundle does not lie on this machine.
        DataError: it cannot be written.
    """
    write_text(local(bundle.folder) / CONTRACT_FILE, contract.model_dump_json(indent=2) + "\n")
    return open_bundle(bundle.folder)


def open_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Raises:
        ModelError: no bundle there, one of another version, or a damaged one.
        StorageError: it lies elsewhere and cannot be reached.
    """
    path = folder / CONTRACT_FILE
    if not path.is_file():
        raise ModelError(f"{folder}: not a bundle (no {CONTRACT_FILE})", hint="give a folder that watermap train wrote")
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text)
        version = values["format_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, "it is not readable") from error
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{path}: a bundle of version {version}, but watermap {__version__} reads version {FORMAT_VERSION}",
            hint="train it again, or use the watermap that wrote it",
        )
    try:
        contract = Contract.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise _damaged(path, f"{where}: {error.errors()[0]['msg']}") from error
    model_path = folder / contract.model_file
    if not model_path.is_file():
        raise _damaged(model_path, "it is missing")
    if remote(folder) is None and file_digest(model_path) != contract.model_digest:
        raise _damaged(model_path, "it is not the file that was saved")
    return Bundle(folder, contract, hashlib.sha256(text.encode()).hexdigest()[:12])


def newest_bundle(models: Path = DEFAULT_MODELS) -> Bundle:
    """The bundle trained last among the folders of `models`.

    Raises:
        ModelError: there is none.
        StorageError: the folder lies elsewhere and cannot be reached.
        UsageError: it lies on a web server, which does not list what it holds.
    """
    found = sorted(models.glob(f"*/{CONTRACT_FILE}"), key=lambda path: (path.stat().st_mtime_ns, path))
    if not found:
        raise ModelError(
            f"no bundle was given and {models} holds none",
            hint="train one with watermap train, or name one with --bundle",
        )
    return open_bundle(found[-1].parent)


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: damaged, {reason}", hint="copy the bundle again, or train it again")
