"""Candidates: the bundle that one training makes, where it goes, and what it may be scored on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from watermap.bundles.bundle import open_bundle
from watermap.config import TrainConfig
from watermap.errors import ModelError
from watermap.io.files import file_digest
from watermap.patches.store import PatchStore
from watermap.prediction.engines.converted import is_converted, refusal_of
from watermap.prediction.engines.openvino import is_installed, openvino_version


def run_id(store: PatchStore, config: TrainConfig) -> str:
    """Twelve hex digits of one training: the same for the same patches, settings and weights to start from."""
    start = config.resolved_weights
    content = file_digest(Path(start)) if start is not None and Path(start).is_file() else ""
    content = content if config.base is None else open_bundle(config.base).id
    return hashlib.sha256(f"{store.digest} {config.digest()} {content}".encode()).hexdigest()[:12]


def candidate_folder(store: PatchStore, models: Path, config: TrainConfig) -> Path:
    """Where the bundle of one training goes: the same patches and settings have the same folder."""
    return models / f"{config.arch}_{config.encoder}_{run_id(store, config)}"


def is_trained(folder: Path) -> bool:
    """Whether a candidate's folder holds its bundle, whole, and converted where OpenVINO is installed and can do it."""
    try:
        bundle = open_bundle(folder)
    except ModelError:
        return False
    is_its_own = folder.name.endswith(f"_{bundle.contract.training.get('run')}")
    if not is_its_own or not is_installed():
        return is_its_own
    return is_converted(bundle) or refusal_of(bundle, openvino_version()) is not None
