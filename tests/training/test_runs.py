"""Where the bundle of one training goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watermap.config import TrainConfig
from watermap.patches.store import PatchStore
from watermap.training.runs import candidate_folder, is_trained, run_id

CONFIG = TrainConfig(encoder="compact", epochs=3)


@pytest.fixture(scope="module")
def store(small_patches: Path) -> PatchStore:
    return PatchStore.open(small_patches)


def test_the_same_patches_and_settings_have_the_same_folder(store: PatchStore, tmp_path: Path) -> None:
    folder = candidate_folder(store, tmp_path, CONFIG)
    assert folder.parent == tmp_path
    assert folder.name == f"unet_compact_{run_id(store, CONFIG)}"
    assert candidate_folder(store, tmp_path, TrainConfig(**CONFIG.model_dump())) == folder


def test_other_settings_patches_or_weights_are_another_run(store: PatchStore, tmp_path: Path) -> None:
    other: Any = type("Other", (), {"digest": "0" * 64})()
    weights = tmp_path / "start.keras"
    weights.write_bytes(b"one")
    start = CONFIG.model_copy(update={"weights": str(weights)})
    runs = [
        run_id(store, CONFIG),
        run_id(store, CONFIG.model_copy(update={"seed": 1})),
        run_id(other, CONFIG),
        run_id(store, start),
    ]
    weights.write_bytes(b"two")
    runs.append(run_id(store, start))
    assert len(set(runs)) == 5
    assert all(len(each) == 12 for each in runs)


def test_a_folder_without_a_whole_bundle_is_not_trained(tmp_path: Path) -> None:
    assert not is_trained(tmp_path / "absent")
    (tmp_path / "unet_compact_0").mkdir()
    (tmp_path / "unet_compact_0" / "bundle.json").write_text("{")
    assert not is_trained(tmp_path / "unet_compact_0")
