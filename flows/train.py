"""From patches to a candidate, and from a candidate to the bundle in use, if it is no worse."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from flows.logs import logged
from flows.names import run_name
from flows.pages import show_files, show_picture, show_table
from flows.policy import RETRIED, gpu_slot, make_limits
from watermap.bundles.bundle import open_bundle
from watermap.bundles.registry import list_bundles
from watermap.config import PredictConfig, TrainConfig
from watermap.evaluation.leaks import check_held_out
from watermap.evaluation.promotion import Decision, consider
from watermap.io.paths import location
from watermap.patches.store import PatchStore
from watermap.training.runs import candidate_folder, is_trained

_CURVES_FILE = "curves.png"
_SCORES = {"water_iou": "water IoU", "mean_iou": "mean IoU", "accuracy": "accuracy"}


@task(name="train", **RETRIED)
def train_candidate(patches: str, models: Path, held_out: str | None, config: TrainConfig) -> tuple[Path, bool]:
    """Train, or go on, unless this very training is done; the bundle and whether it was made now."""
    store = PatchStore.open(location(patches))
    if held_out is not None:
        check_held_out(store, location(held_out))  # before hours of training
    folder = candidate_folder(store, models, config)
    if is_trained(folder):
        return folder, False
    from watermap.models.backend import require_keras

    require_keras()
    from watermap.training.train import train

    with gpu_slot():
        training = train(store, folder, config, overwrite=True, progress=logged())
    return folder, not training.unchanged


@task(name="promote if no worse", **RETRIED)
def promote_candidate(
    candidate: Path, models: Path, held_out: str | None, config: PredictConfig, tolerance: float
) -> Decision:
    """Score the candidate and the bundle in use on held-out ground; the better one is in use afterwards."""
    bundle = open_bundle(candidate)
    scenes = None if held_out is None else location(held_out)
    return consider(bundle, models, scenes, config, tolerance=tolerance, progress=logged(), turn=gpu_slot)


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
    folder, is_new = train_candidate(patches, models, held_out, train or TrainConfig())
    decision = promote_candidate(folder, models, held_out, predict or PredictConfig(), tolerance)
    _show(folder, models, decision)
    return is_new


def _show(folder: Path, models: Path, decision: Decision) -> None:
    if (folder / _CURVES_FILE).is_file():
        show_picture("training-curves", f"Training of {folder.name}", folder / _CURVES_FILE)
    verdict = "Promoted" if decision.promoted else "Not promoted"
    compared = [("candidate", decision.candidate, decision.candidate_score)]
    if decision.current is not None and decision.current != decision.candidate:
        compared.append(("in use before", decision.current, decision.current_score))
    rows = [
        {"": role, "bundle": choice.folder, "id": choice.id, "water IoU on held-out ground": _rounded(score)}
        for role, choice, score in compared
    ]
    show_table("promotion", f"{verdict}: {decision.reason}", rows)
    rows = [
        {"bundle": bundle.folder.name, "trained": bundle.contract.created[:16], "": role}
        | {name: _rounded(bundle.contract.scores.get("test", {}).get(key)) for key, name in _SCORES.items()}
        for bundle, role in list_bundles(models)
    ]
    show_table("bundles", "All bundles, with their scores on their own test patches", rows)
    show_files("bundle-files", "Bundle", [folder / "card.md", folder / "bundle.json", folder / _CURVES_FILE])


def _rounded(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"
