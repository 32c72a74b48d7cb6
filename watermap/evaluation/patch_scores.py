"""The scores of a model on the validation and test patches of a store, and what they rest on, for its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watermap.bundles.contract import Baseline, Evidence, Numbers
from watermap.bundles.data_summary import label_counts
from watermap.evaluation.bootstrap import RESAMPLES
from watermap.evaluation.labelled import Feeding, patch_pieces
from watermap.evaluation.pooled import BootstrapSums, PooledScores
from watermap.evaluation.tally import Tally
from watermap.patches.store import PatchStore

SCORED: Final = ("validation", "test")


def score_splits(feeding: Feeding, store: PatchStore, threshold: float) -> dict[str, PooledScores]:
    """Score a model on every validation and test patch, each once.

    Args:
        feeding: the model.
        store: the patches.
        threshold: probability from which a pixel is water.

    Returns:
        By split, those without patches left out. Labels of all kinds are scored together.
    """
    return {split: _score(feeding, store, split, threshold) for split in SCORED if store.count(split)}


def evidence(pooled_scores: Mapping[str, PooledScores], store: PatchStore) -> dict[str, Evidence]:
    """What the scores of `score_splits` rest on, by split."""
    return {split: _evidence(pooled, store, split) for split, pooled in pooled_scores.items()}


def _score(feeding: Feeding, store: PatchStore, split: str, threshold: float) -> PooledScores:
    scenes: dict[str, PooledScores] = {}
    for record, block in patch_pieces(feeding, store, split):
        scored = scenes.setdefault(record.scene, PooledScores(Tally(threshold)))
        scored.add(record.block, block, row=record.row, col=record.col)
    whole = PooledScores(Tally(threshold))
    for scene in sorted(scenes):
        scenes[scene].tally.finish()
        whole.merge(scenes[scene])
    return whole


def _evidence(pooled: PooledScores, store: PatchStore, split: str) -> Evidence:
    resampled = pooled.resampled()
    return Evidence(
        patches=store.digest,
        labels=label_counts(store, store.records(split)),
        grounds=pooled.known_grounds,
        unit=pooled.unit,
        units=len(pooled.witnesses()),
        resamples=RESAMPLES,
        intervals=resampled.intervals(),
        baselines={
            name: _baseline(scores, resampled, name) for name, scores in pooled.tally.baselines_as_dict().items()
        },
    )


def _baseline(scores: Numbers, resampled: BootstrapSums, name: str) -> Baseline:
    gain = resampled.gain(name)
    if gain is None:  # its threshold needs a whole scene, so that no part of one can be drawn again
        return Baseline(scores=scores)
    return Baseline(scores=scores, intervals=resampled.intervals(name), gain=gain[0], gain_interval=gain[1])
