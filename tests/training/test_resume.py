"""What training's state keeps, and what it leaves."""

from pathlib import Path

import pytest

from tests.support.folders import listing
from tests.support.temporary import named, of_a_live_process
from watermap.training.callbacks import of_main_output
from watermap.training.resume import FOLDER, Checkpoint, TrainingState


def test_scores_of_several_outputs_are_named_as_those_of_one() -> None:
    one = {"loss": 0.5, "accuracy": 0.9, "val_loss": 0.6}
    assert of_main_output(one) == one
    several = {
        "loss": 2.0,
        "probability_loss": 0.5,
        "supervision2_loss": 0.7,
        "probability_accuracy": 0.9,
        "val_loss": 2.5,
        "val_probability_loss": 0.6,
        "val_probability_water_iou": 0.4,
    }
    assert of_main_output(several) == {
        "total_loss": 2.0,
        "loss": 0.5,
        "supervision2_loss": 0.7,
        "accuracy": 0.9,
        "val_total_loss": 2.5,
        "val_loss": 0.6,
        "val_water_iou": 0.4,
    }


@pytest.mark.parametrize(("left_by", "stays"), [("this", False), (None, False), ("another", True)])
def test_a_finished_run_forgets_its_own_state_and_what_lost_its_state(
    left_by: str | None, stays: bool, tmp_path: Path
) -> None:
    checkpoint = Checkpoint(tmp_path / "b")
    checkpoint.forget("this")
    assert listing(tmp_path) == []
    checkpoint.folder.mkdir(parents=True)
    (checkpoint.folder / "epoch-0-0001.keras").write_text("x")
    if left_by is not None:
        (checkpoint.folder / "state.json").write_text(TrainingState(run=left_by).model_dump_json())
    with checkpoint.locked():  # another process trains here
        Checkpoint(tmp_path / "b").forget("this")
        assert "epoch-0-0001.keras" in listing(checkpoint.folder)
        (checkpoint.folder / "state.json").touch()  # else it ends with the lock
    if left_by is None:
        (checkpoint.folder / "state.json").unlink()
    checkpoint.forget("this")
    assert listing(tmp_path / "b") == ([FOLDER] if stays else [])


def test_what_a_killed_training_left_goes_when_the_next_begins(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "b")
    checkpoint.folder.mkdir(parents=True)
    named(checkpoint.folder / "epoch-0-0001.keras", suffix=".keras").write_text("x")
    alive = of_a_live_process(checkpoint.folder / "x")
    alive.write_text("x")
    with checkpoint.locked():
        assert listing(checkpoint.folder) == sorted([alive.name, "lock"])
