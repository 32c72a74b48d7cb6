"""A bundle: a trained model's folder, with the contract of how to feed it.

BUNDLE/
  bundle.json            the contract, written last: a folder without it is no bundle
  model-<digest>.keras   the network, scaling inside; .onnx: as it was imported
  history.csv curves.png how it was trained
  seen.gpkg              the ground that it has seen
  card.md item.json      what the contract says, for people and for STAC catalogs; written with it, before it

It is written on this machine and read from anywhere: of a bundle elsewhere the contract is read, and the network is
fetched when it is needed.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ValidationError

from watermap import __version__
from watermap.bundles.card import CARD_FILE, card
from watermap.bundles.contract import FORMAT_VERSION, Contract
from watermap.errors import ModelError
from watermap.io.cache import cached
from watermap.io.files import file_digest, unwritable, write_text
from watermap.io.paths import local, location, remote
from watermap.io.temporary import temporary_folder

if TYPE_CHECKING:
    import keras

CONTRACT_FILE: Final = "bundle.json"
DEFAULT_MODELS: Final = Path("data/models")


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
            ModelError: the network's file cannot be loaded, or it is an imported one, which Keras cannot run.
            StorageError: it lies elsewhere and cannot be reached.
            DataError: its copy on this machine cannot be written.
        """
        own = (self.contract.trained_patch_size,) * 2
        from watermap.models.resize import resize
        from watermap.models.weights import load

        path = self.folder / self.contract.model_file
        model = load(path if remote(path) is None else cached(path, self.contract.model_digest, _damaged))
        if (window or own) == own and compute == "float32":
            return model
        return resize(model, *(window or own), compute=compute)


def save_bundle(folder: Path, model: keras.Model, **contract: Any) -> Bundle:
    """Write a model, its contract, card and item; the bundle changes at the moment its contract is renamed into place.

    Args:
        folder: the bundle's folder; made if absent.
        model: the network.
        contract: the fields of `Contract` that are not filled in here.

    Raises:
        UsageError: the folder does not lie on this machine.
        DataError: it cannot be written.
    """
    import keras

    try:
        with temporary_folder(local(folder) / "model") as part:  # Keras may write files of its own beside the model's
            model.save(part / "model.keras")
            digest = file_digest(part / "model.keras")
            model_path = (part / "model.keras").replace(folder / f"model-{digest[:12]}.keras")
    except OSError as error:
        raise unwritable(folder, error) from error
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
    write_contract(folder, record)
    for other in folder.glob("model-*.keras"):
        if other != model_path:
            other.unlink()
    return open_bundle(folder)


def rewrite_contract(bundle: Bundle, contract: Contract) -> Bundle:
    """Write another contract for the same network, with card and item; the bundle's id changes with it.

    Raises:
        UsageError: the bundle does not lie on this machine.
        DataError: it cannot be written.
        ModelError: its record of the ground it has seen is damaged.
    """
    write_contract(local(bundle.folder), contract)
    return open_bundle(bundle.folder)


def write_contract(folder: Path, contract: Contract) -> None:
    """Write a contract, and before it what is made from it: where the contract is, card and item are.

    Raises:
        DataError: they cannot be written.
    """
    from watermap.bundles.stac_item import write_model_item  # imports pystac, which reading a bundle does not need

    text = contract.model_dump_json(indent=2) + "\n"
    bundle_id = _id_of(text)
    write_text(folder / CARD_FILE, card(contract, bundle_id))
    write_model_item(folder, contract, bundle_id, _outlines(folder, contract))
    write_text(folder / CONTRACT_FILE, text)


def _outlines(folder: Path, contract: Contract) -> Any:
    """The ground that a bundle has seen, (n,) polygons in EPSG:4326; None where it does not say."""
    if contract.trained_on.get("seen") is None:
        return None
    from watermap.bundles.training_ground import ground_files, read_ground  # needs what only training brings

    paths = [folder / name for name in ground_files(contract.trained_on)]
    return reduce(add, map(read_ground, paths)).outlines if all(map(Path.is_file, paths)) else None


def _id_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def open_bundle(folder: str | Path) -> Bundle:
    """Read and verify a bundle.

    Args:
        folder: on this machine, or a URL of a store or a web server.

    Raises:
        ModelError: no bundle there, one of another version, or a damaged one.
        StorageError: it lies elsewhere and cannot be reached.

    Example:
        >>> import watermap
        >>> bundle = watermap.open_bundle("model")
        >>> bundle.contract.bands
        ('B2', 'B3', 'B4', 'B8', 'B11', 'B12')
        >>> bundle.contract.threshold
        0.5
    """
    folder = location(folder)
    path = folder / CONTRACT_FILE
    if remote(folder) is None and not folder.exists():
        raise ModelError(f"{folder}: no such folder", hint="give a folder that watermap train wrote")
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
    return Bundle(folder, contract, _id_of(text))


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
            hint="train one with watermap train, name one with --bundle, or go without: watermap index",
        )
    return open_bundle(found[-1].parent)


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path}: damaged, {reason}", hint="copy the bundle again, or train it again")
