"""From patches to a candidate, and from a candidate to the bundle in use, if it is no worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, task

from flows.names import run_name
from flows.pages import show_files, show_picture, show_table
from flows.policy import TASK, gpu_slot, logged, make_limits
from watermap.bundle import open_bundle
from watermap.config import PredictConfig, TrainConfig
from watermap.patch_store import PatchStore
from watermap.promotion import (
    candidate_folder,
    check_held_out,
    consider,
    current_bundle,
    is_trained,
    list_bundles,
    promote,
)

_CURVES_FILE = "curves.png"
_SCORES = ("water_iou", "mean_iou", "accuracy")


@task(name="train", **TASK)
def train_candidate(patches: str, models: Path, config: TrainConfig) -> tuple[Path, bool]:
    """Train, or go on, unless this very training is done; the bundle and whether it was made now."""
    store = Path(patches)
    folder = candidate_folder(store, models, config)
    if is_trained(folder):
        return folder, False
    from watermap.backend import require_keras

    require_keras()
    from watermap.training import train

    with gpu_slot():
        train(store, folder, config, progress=logged())
    return folder, True


@task(name="promote if no worse", **TASK)
def promote_candidate(
    candidate: Path, patches: str, models: Path, held_out: str | None, config: PredictConfig, tolerance: float
) -> dict[str, Any]:
    """Score the candidate and the bundle in use on held-out ground; the better one is in use afterwards."""
    bundle = open_bundle(candidate)
    in_use = current_bundle(models)
    if held_out is not None:
        scenes = Path(held_out)
        check_held_out(PatchStore.open(Path(patches)), scenes)
        with gpu_slot():
            decision = consider(bundle, models, scenes, config, tolerance=tolerance, progress=logged())
        return {
            "promoted": decision.promoted,
            "reason": decision.reason,
            "candidate": f"{decision.candidate.folder} ({decision.candidate.id})",
            "candidate score": decision.candidate_score,
            "in use before": decision.current and f"{decision.current.folder} ({decision.current.id})",
            "its score": decision.current_score,
        }
    if in_use is None:
        promote(bundle, models)
    same = in_use is not None and in_use.id == bundle.id
    waiting = "it is in use already" if same else "no held-out scenes to compare it on; see watermap bundles promote"
    return {
        "promoted": in_use is None,
        "reason": "the first bundle" if in_use is None else waiting,
        "candidate": f"{bundle.folder.name} ({bundle.id})",
        "candidate score": None,
        "in use before": in_use and f"{in_use.folder.name} ({in_use.id})",
        "its score": None,
    }


@flow(name="watermap-train", flow_run_name=run_name)
def train_flow(
    patches: str,
    models: Path,
    held_out: str | None = None,
    train: TrainConfig | None = None,
    predict: PredictConfig | None = None,
    tolerance: float = 0.0,
) -> bool:
    """Train a candidate; it takes over from the bundle in use only if it is no worse on held-out ground.

    Args:
        patches: that `watermap tile` wrote.
        models: folder of bundles.
        held_out: labelled scenes of ground that was never trained on; without them only a first bundle is put to use.
        train: architecture, epochs, stages.
        predict: windows of the comparison.
        tolerance: how much lower the candidate's water IoU may be.

    Returns:
        Whether the candidate was trained now.
    """
    make_limits()
    folder, is_new = train_candidate(patches, models, train or TrainConfig())
    decision = promote_candidate(folder, patches, models, held_out, predict or PredictConfig(), tolerance)
    _show(folder, models, decision)
    return is_new


def _show(folder: Path, models: Path, decision: dict[str, Any]) -> None:
    show_picture("training-curves", f"Training of {folder.name}", folder / _CURVES_FILE)
    show_table("promotion", "Promoted" if decision["promoted"] else "Not promoted", [decision])
    rows = [
        {"bundle": bundle.folder.name, "id": bundle.id, "trained": bundle.contract.created, "": role}
        | {name: bundle.contract.scores.get("test", {}).get(name) for name in _SCORES}
        for bundle, role in list_bundles(models)
    ]
    show_table("bundles", "Scores of all bundles, each on its own test patches", rows)
    show_files("bundle-files", "Bundle", [folder / "bundle.json", folder / _CURVES_FILE])
