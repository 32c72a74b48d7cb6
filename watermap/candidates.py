"""Candidates: the bundle that one training makes, where it goes, and what it may be scored on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import shapely
from rasterio.windows import Window

from watermap.bundle import open_bundle
from watermap.config import TrainConfig
from watermap.engines.converted import is_converted, refusal_of
from watermap.engines.openvino_engine import is_installed, openvino_version
from watermap.errors import DataError, ModelError
from watermap.files import file_digest
from watermap.ground import footprints
from watermap.patch_store import PatchStore
from watermap.raster import open_raster
from watermap.scenes import find_scenes


def run_id(store: PatchStore, config: TrainConfig) -> str:
    """Twelve hex digits of one training: the same for the same patches, settings and weights to start from."""
    start = config.resolved_weights
    content = file_digest(Path(start)) if start is not None and Path(start).is_file() else ""
    return hashlib.sha256(f"{store.digest} {config.digest()} {content}".encode()).hexdigest()[:12]


def candidate_folder(patches: Path, models: Path, config: TrainConfig) -> Path:
    """Where the bundle of one training goes: the same patches and settings have the same folder.

    Raises:
        DataError: the patches are damaged.
    """
    return models / f"{config.arch}_{config.encoder}_{run_id(PatchStore.open(patches), config)}"


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


def check_held_out(store: PatchStore, held_out: Path) -> None:
    """Make sure that no held-out scene shows ground that patches were cut from.

    Raises:
        DataError: one does, or a scene cannot be read.
    """
    scenes = find_scenes(held_out, need_label=True)
    seen = [record.footprint for split in ("train", "validation") for record in store.records(split)]
    tree = shapely.STRtree(seen)
    for scene in scenes:
        with open_raster(scene.image) as raster:
            (outline,) = footprints(raster.grid, [Window(0, 0, raster.grid.width, raster.grid.height)])
        near = [seen[place] for place in tree.query(outline, predicate="intersects")]
        if any(outline.intersection(each).area > 0 for each in near):
            raise DataError(
                f"{scene.image.parent}: shows ground that was trained on, so no score of it is honest",
                hint="hold out scenes of other places",
            )
