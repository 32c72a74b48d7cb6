from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import make_bundle
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig, TileConfig
from watermap.evaluation import patch_scores as split_scores
from watermap.evaluation.evaluate import evaluate
from watermap.evaluation.labelled import Feeding, patch_pieces
from watermap.evaluation.patch_scores import evidence, score_splits
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "b")


@pytest.fixture(scope="module")
def patches(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many small pieces of ground, so that there are intervals."""
    folder = tmp_path_factory.mktemp("split_scores") / "patches"
    tile(small_scenes, folder, TileConfig(patch_size=32, block_patches=1, bands=STANDARD_BANDS))
    return folder


def feeding_of(bundle: Bundle) -> Feeding:
    return Feeding.of_model(bundle.load_model((32, 32)), bundle.contract.filling)


def test_scores_are_those_of_evaluate(bundle: Bundle, patches: Path) -> None:
    store = PatchStore.open(patches)
    pools = score_splits(feeding_of(bundle), store, 0.5)
    assert set(pools) == {"validation", "test"}
    found = evidence(pools, store)
    for split, pool in pools.items():
        (said,) = evaluate(bundle, patches, PredictConfig(), split=split).pooled_scores.values()
        whole = said.as_dict()
        assert pool.tally.as_dict() == whole["scores"]
        assert found[split].intervals == whole["intervals"]
        low, high = found[split].intervals["water_iou"] or (1.0, 0.0)
        assert low <= (pool.tally.as_dict()["water_iou"] or -1) <= high
        assert (found[split].grounds, found[split].unit) == (whole["grounds"], whole["resampled"]["unit"])
        assert (found[split].units, found[split].resamples) == (whole["resampled"]["units"], whole["resamples"])
        assert set(found[split].baselines) == {"ndwi", "mndwi", "ndwi_otsu", "mndwi_otsu"}
        for name, baseline in found[split].baselines.items():
            assert baseline.scores == whole["baselines"][name]["scores"]
            assert (baseline.intervals or None) == whole["baselines"][name]["intervals"]
            gain = whole["gains"].get(name, {"water_iou": None, "interval": None})
            assert (baseline.gain, baseline.gain_interval) == (gain["water_iou"], gain["interval"])


def test_blocks_are_those_of_evaluate(bundle: Bundle, patches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.evaluation.pooled._BLOCK_PX", 32)
    (said,) = evaluate(bundle, patches, PredictConfig(), split="test").pooled_scores.values()
    found = score_splits(feeding_of(bundle), PatchStore.open(patches), 0.5)["test"]
    blocks = {ground: set(found) for ground, found in said.grounds.items()}
    assert {ground: set(each) for ground, each in found.grounds.items()} == blocks
    assert len({block for ground in blocks.values() for block in ground}) > 1


def test_evidence_names_patches_and_labels(bundle: Bundle, patches: Path) -> None:
    store = PatchStore.open(patches)
    found = evidence(score_splits(feeding_of(bundle), store, 0.5), store)
    assert {each.patches for each in found.values()} == {store.digest}
    assert {split: each.labels for split, each in found.items()} == {
        split: {"unstated": store.count(split)} for split in ("validation", "test")
    }


def test_every_patch_is_predicted_once(bundle: Bundle, patches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen = PatchStore.open(patches), []

    def counted(*arguments: Any) -> Iterator[Any]:
        for record, piece in patch_pieces(*arguments):
            seen.append(record.id)
            yield record, piece

    monkeypatch.setattr(split_scores, "patch_pieces", counted)
    score_splits(feeding_of(bundle), store, 0.5)
    assert sorted(seen) == sorted(r.id for split in ("validation", "test") for r in store.records(split))
