"""The scores of a model on the validation and test patches of a store, and what they rest on, for its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watermap.bundles.contract import Baseline, Evidence, Numbers
from watermap.bundles.data_summary import label_counts
from watermap.evaluation.bootstrap import DRAWS
from watermap.evaluation.labelled import Feeding, patch_pieces
from watermap.evaluation.pool import Drawn, Pool
from watermap.evaluation.tally import Tally
from watermap.patches.store import PatchStore

SCORED: Final = ("validation", "test")


def score_splits(feeding: Feeding, store: PatchStore, threshold: float) -> dict[str, Pool]:
    """Score a model on every validation and test patch, each once.

    Args:
        feeding: the model.
        store: the patches.
        threshold: probability from which a pixel is water.

    Returns:
        By split, those without patches left out. Labels of all kinds are scored together.
    """
    return {split: _score(feeding, store, split, threshold) for split in SCORED if store.count(split)}


def evidence(pools: Mapping[str, Pool], store: PatchStore) -> dict[str, Evidence]:
    """What the scores of `score_splits` rest on, by split."""
    return {split: _evidence(pool, store, split) for split, pool in pools.items()}


def _score(feeding: Feeding, store: PatchStore, split: str, threshold: float) -> Pool:
    scenes: dict[str, Pool] = {}
    for record, piece in patch_pieces(feeding, store, split):
        scored = scenes.setdefault(record.scene, Pool(Tally(threshold)))
        scored.add(record.block, piece, row=record.row, col=record.col)
    whole = Pool(Tally(threshold))
    for scene in sorted(scenes):
        scenes[scene].tally.finish()
        whole.merge(scenes[scene])
    return whole


def _evidence(pool: Pool, store: PatchStore, split: str) -> Evidence:
    drawn = pool.drawn()
    return Evidence(
        patches=store.digest,
        labels=label_counts(store, store.records(split)),
        grounds=pool.known_grounds,
        unit=pool.unit,
        units=len(pool.witnesses()),
        draws=DRAWS,
        intervals=drawn.intervals(),
        baselines={name: _baseline(scores, drawn, name) for name, scores in pool.tally.baselines_as_dict().items()},
    )


def _baseline(scores: Numbers, drawn: Drawn, name: str) -> Baseline:
    gain = drawn.gain(name)
    if gain is None:  # its threshold needs a whole scene, so that no part of one can be drawn again
        return Baseline(scores=scores)
    return Baseline(scores=scores, intervals=drawn.intervals(name), gain=gain[0], gain_interval=gain[1])
