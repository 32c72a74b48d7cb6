"""Trainings that were interrupted go on, and nothing else is written over."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.folders import listing
from tests.training.trained import CONFIG, THOROUGH, history_of, weights
from watermap.bundles.bundle import Bundle, open_bundle
from watermap.config import StageConfig
from watermap.errors import DataError, ModelError, UsageError
from watermap.training.resume import FOLDER, Checkpoint, TrainingState
from watermap.training.train import train

pytestmark = pytest.mark.usefixtures("_not_converted")


def test_a_folder_of_other_things_is_left_alone(small_patches: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty and no bundle"):
        train(small_patches, tmp_path / "b", CONFIG)
    assert listing(tmp_path / "b") == ["thesis.txt"]


STAGED = CONFIG.model_copy(
    update={
        "stages": (
            StageConfig(name="frozen", loss="cross_entropy", train_encoder_from="none"),
            StageConfig(name="open", share=2, learning_rate=1e-2),
        ),
        "batch_size": 32,
    }
)


@pytest.fixture(scope="module")
def undisturbed(small_patches: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train(small_patches, tmp_path_factory.mktemp("undisturbed") / "b", STAGED).bundle


@pytest.mark.extended
def test_interrupted_training_goes_on_to_the_same_weights(
    undisturbed: Bundle, small_patches: Path, tmp_path: Path
) -> None:
    for share in (0.5, 0.8):

        def interrupt(message: str, done: int, total: int, share: float = share) -> None:
            if done >= share * total:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(small_patches, tmp_path / "b", STAGED, progress=interrupt)
        assert listing(tmp_path / "b") == [FOLDER]
    resumed = train(small_patches, tmp_path / "b", STAGED)
    assert resumed.resumed_from >= 2
    assert FOLDER not in listing(tmp_path / "b")
    with (tmp_path / "b" / "history.csv").open() as file:
        assert [row["stage"] for row in csv.DictReader(file)] == ["frozen", "open", "open"]
    for one, other in zip(history_of(undisturbed), history_of(resumed.bundle), strict=True):
        for name in ("loss", "val_loss", "learning_rate"):
            assert float(other[name]) == pytest.approx(float(one[name]), rel=1e-3)
    for before, after in zip(weights(undisturbed), weights(resumed.bundle), strict=True):
        np.testing.assert_allclose(before, after, atol=2e-3)


def test_an_unfinished_training_of_other_settings_is_not_mixed_in(small_patches: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "b")
    checkpoint.folder.mkdir(parents=True)
    (checkpoint.folder / "state.json").write_text(TrainingState(run="another").model_dump_json())
    with pytest.raises(UsageError, match="unfinished training with other settings"):
        train(small_patches, tmp_path / "b", CONFIG)
    (checkpoint.folder / "state.json").write_text("{")
    with pytest.raises(ModelError, match="damaged, training cannot go on"):
        train(small_patches, tmp_path / "b", CONFIG)


@pytest.mark.extended
def test_training_killed_at_any_moment_resumes(small_patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "b"
    command = [sys.executable, "-m", "watermap", "train", str(small_patches), "--out", str(out)]
    options = ["--encoder", "compact", "--epochs", "8", "--batch-size", "16"]
    state = out / FOLDER / "state.json"
    done = 0
    for after_s in (0.0, 0.4):
        process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while epochs_in(state) <= done and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (out / "bundle.json").exists()
        assert epochs_in(state) > done
        done = epochs_in(state)
    finished = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert f"went on from epoch {done}" in finished.stderr
    assert len(open_bundle(out).contract.scores) == 2
    with (out / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [str(n + 1) for n in range(8)]


def epochs_in(state: Path) -> int:
    """Epochs that a checkpoint holds; it is never half written."""
    return int(json.loads(state.read_text())["epoch"]) if state.exists() else 0


@pytest.mark.extended
def test_a_thorough_training_that_was_interrupted_goes_on_alike(small_patches: Path, tmp_path: Path) -> None:
    whole = train(small_patches, tmp_path / "whole", THOROUGH).bundle
    for share in (0.3, 0.5, 0.9):

        def interrupt(message: str, done: int, total: int, share: float = share) -> None:
            if done >= share * total:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(small_patches, tmp_path / "b", THOROUGH, progress=interrupt)
    resumed = train(small_patches, tmp_path / "b", THOROUGH)
    assert resumed.resumed_from == 4
    rows = history_of(whole)
    assert len({row["learning_rate"] for row in rows[:3]}) > 1  # it fell
    for one, other in zip(rows, history_of(resumed.bundle), strict=True):
        assert one["learning_rate"] == other["learning_rate"]
        for name in ("loss", "val_loss"):
            assert float(other[name]) == pytest.approx(float(one[name]), rel=1e-3)
    for before, after in zip(weights(whole), weights(resumed.bundle), strict=True):
        np.testing.assert_allclose(before, after, atol=2e-3)


@pytest.mark.extended
def test_a_damaged_checkpoint_is_one_line(small_patches: Path, tmp_path: Path) -> None:
    def interrupt(message: str, done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(small_patches, tmp_path / "b", CONFIG, progress=interrupt)
    for path in (tmp_path / "b" / FOLDER).glob("epoch-*.keras"):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match="remove this folder and train again"):
        train(small_patches, tmp_path / "b", CONFIG)


def test_two_trainings_into_one_bundle_are_refused(small_patches: Path, tmp_path: Path) -> None:
    with Checkpoint(tmp_path / "b").locked(), pytest.raises(UsageError, match="another process trains here"):
        train(small_patches, tmp_path / "b", CONFIG)
    assert listing(tmp_path) == []


def test_an_output_that_cannot_be_written_is_told_before_training(small_patches: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[int] = []
    with pytest.raises(DataError, match="cannot be written"):
        train(small_patches, tmp_path / "file", CONFIG, progress=lambda _, done, __: told.append(done))
    assert not told
