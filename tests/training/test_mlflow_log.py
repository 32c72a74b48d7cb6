import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mlflow import MlflowClient, MlflowException

from tests.support.bundles import known_network
from tests.support.folders import listing
from watermap.bundles.bundle import Bundle, newest_bundle
from watermap.cli import main
from watermap.config import StageConfig, TrainConfig
from watermap.config.extras import install_command
from watermap.errors import StorageError
from watermap.training import train as training
from watermap.training.mlflow_log import EXPERIMENT, ExperimentLog, beside, experiment_log
from watermap.training.resume import TrainingState
from watermap.training.train import train

STAGES = (StageConfig(name="first", learning_rate=1e-3), StageConfig(name="second", share=2))
CONFIG = TrainConfig(encoder="compact", epochs=1, batch_size=64, augment="flips", stages=STAGES[:1])


@pytest.fixture(autouse=True, scope="module")
def _not_converted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watermap.training.train.convert_once", lambda *_: None)
        yield


def runs(address: str) -> list[Any]:
    client = MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def steps(address: str, run: Any, name: str) -> list[int]:
    return [each.step for each in MlflowClient(tracking_uri=address).get_metric_history(run.info.run_id, name)]


def interrupting_at(share: float) -> Callable[[str, int, int], None]:
    def progress(message: str, done: int, total: int) -> None:
        if done >= share * total:
            raise KeyboardInterrupt

    return progress


def rows(epochs: int) -> list[dict[str, Any]]:
    return [{"epoch": n + 1, "stage": "first", "seconds": 0.1, "loss": 1 / (n + 1)} for n in range(epochs)]


def finished(folder: Path) -> Bundle:
    """What a log looks at of a bundle."""
    folder.mkdir()
    (folder / "bundle.json").write_text("{}")
    contract = SimpleNamespace(scores={"test": {"water_iou": 0.9, "dice": None}})
    return cast(Bundle, SimpleNamespace(folder=folder, contract=contract))


def test_a_training_is_logged(small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "models" / "b"
    address = beside(out)
    monkeypatch.setattr(training, "new_network", lambda *_: known_network(size=32))
    done = train(small_patches, out, CONFIG, mlflow=address)
    assert done.notes == ()
    (run,) = runs(address)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "b")
    assert steps(address, run, "val_loss") == steps(address, run, "learning_rate") == [1]
    assert (run.data.params["encoder"], run.data.params["stages.0.learning_rate"]) == ("compact", "0.001")
    contract = done.bundle.contract
    assert run.data.metrics["test_water_iou"] == contract.scores["test"]["water_iou"]
    assert run.data.tags["watermap.run"] == contract.training["run"]
    artifacts = MlflowClient(tracking_uri=address).list_artifacts(run.info.run_id)
    assert {each.path for each in artifacts} == {"bundle.json", "card.md", "curves.png", "history.csv"}
    assert listing(tmp_path / "models") == ["b", "mlartifacts", "mlflow.db"]
    assert newest_bundle(tmp_path / "models") == done.bundle


@pytest.mark.extended
def test_an_interrupted_training_goes_on_in_the_same_run(small_patches: Path, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"epochs": 3, "stages": STAGES})
    address = beside(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        train(small_patches, tmp_path / "b", config, mlflow=address, progress=interrupting_at(0.7))
    (killed,) = runs(address)
    assert (killed.info.status, steps(address, killed, "val_loss")) == ("KILLED", [1, 2])
    train(small_patches, tmp_path / "b", config, mlflow=address)
    (run,) = runs(address)
    assert (run.info.run_id, run.info.status) == (killed.info.run_id, "FINISHED")
    assert steps(address, run, "val_loss") == [1, 2, 3]


def test_an_unfinished_run_is_gone_on_with_and_a_finished_one_is_not(tmp_path: Path) -> None:
    address, out = beside(tmp_path / "b"), tmp_path / "b"
    with pytest.raises(KeyboardInterrupt), experiment_log(address, out, "r", CONFIG) as log:
        assert log is not None
        log.follow(rows(1))
        raise KeyboardInterrupt
    (killed,) = runs(address)
    assert killed.info.status == "KILLED"
    with pytest.raises(ValueError, match="diverged"), experiment_log(address, out, "r", CONFIG) as log:
        assert log is not None
        assert runs(address)[0].info.status == "RUNNING"
        log.follow(rows(2))
        log.follow(rows(2))
        raise ValueError("diverged")
    (failed,) = runs(address)
    assert (failed.info.run_id, failed.info.status) == (killed.info.run_id, "FAILED")
    assert steps(address, failed, "loss") == [1, 2]
    for other in (("r", tmp_path / "c"), ("other", out)):
        ExperimentLog(address, other[1], other[0], CONFIG)
    assert len(runs(address)) == 3
    for _ in range(2):
        with experiment_log(address, out, "r", CONFIG):
            pass
    assert len(runs(address)) == 4


def test_a_log_that_fails_meanwhile_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = beside(tmp_path / "b")
    log = ExperimentLog(address, tmp_path / "b", "r", CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_batch", gone)
        patch.setattr(MlflowClient, "set_terminated", gone)
        log.follow(rows(1))
        with pytest.raises(StorageError, match=r"experiment log cannot be written \(the server has gone\)"):
            log.finish(rows(2), finished(tmp_path / "b"), [])
        log.end("FAILED")
    log.finish(rows(2), finished(tmp_path / "c"), [])
    (run,) = runs(address)
    assert steps(address, run, "loss") == [1, 2]
    assert run.data.metrics["test_water_iou"] == 0.9


def gone(*_: object, **__: object) -> None:
    raise MlflowException("the server has gone\nand this is how")


def test_a_bundle_that_cannot_be_logged_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ExperimentLog(beside(tmp_path / "b"), tmp_path / "b", "r", CONFIG)
    monkeypatch.setattr(MlflowClient, "log_batch", gone)
    (note,) = training._logged(log, TrainingState(run="r"), finished(tmp_path / "b"))
    assert "the server has gone" in note


def test_an_address_where_nothing_is_is_told_before_training(small_patches: Path, tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(StorageError, match=r"http://127\.0\.0\.1:9: the experiment log cannot be written") as error:
        train(
            small_patches,
            tmp_path / "b",
            CONFIG,
            mlflow="http://127.0.0.1:9",
            progress=lambda _, done, __: told.append(done),
        )
    assert "\n" not in str(error.value)
    assert not told
    assert listing(tmp_path) == []


def test_the_flag_without_an_address_means_the_file_beside_the_bundle(
    small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str | None] = []

    def stop(*_: Any, mlflow: str | None, **__: Any) -> None:
        given.append(mlflow)
        raise KeyboardInterrupt

    monkeypatch.setattr("watermap.training.train.train", stop)
    words = ["train", str(small_patches), "--out", str(tmp_path / "models" / "b")]
    for more in ([], ["--mlflow"], ["--mlflow", "http://host:5000"]):
        assert main.run([*words, *more]) == 130
    assert given == [None, f"sqlite:///{tmp_path}/models/mlflow.db", "http://host:5000"]


def test_the_package_that_is_missing_is_one_line(
    small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert (
        main.run(["train", str(small_patches), "--out", str(tmp_path / "b"), "--encoder", "compact", "--mlflow"]) == 2
    )
    expected = f"watermap: train needs mlflow-skinny, which is not installed: {install_command('mlflow')}\n"
    assert capsys.readouterr().err.endswith(expected)
    assert listing(tmp_path) == []
