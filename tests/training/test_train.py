"""Training: what a bundle states, stages, patience, averages."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.folders import listing
from tests.support.s3 import Bucket
from tests.training.trained import CONFIG, THOROUGH, history_of, weights
from watermap.bundles.bundle import Bundle
from watermap.bundles.card import CARD_FILE, card
from watermap.bundles.data_summary import training_data
from watermap.bundles.stac_item import ITEM_FILE
from watermap.config import FROM_SCRATCH, StageConfig, TrainConfig
from watermap.errors import DataError, ModelError, UsageError
from watermap.io.paths import location
from watermap.models.arithmetic import flops_per_pixel
from watermap.patches.store import PatchStore
from watermap.prediction.engines.conversion import convert_once
from watermap.prediction.engines.converted import open_converted
from watermap.training.batches import PatchBatches
from watermap.training.train import _compile, train

pytestmark = pytest.mark.usefixtures("_not_converted")


@pytest.fixture(scope="module")
def trained(small_patches: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train(small_patches, tmp_path_factory.mktemp("trained") / "b", CONFIG).bundle


def test_a_bundle_states_all_that_prediction_and_the_reader_need(trained: Bundle, small_patches: Path) -> None:
    contract = trained.contract
    store = PatchStore.open(small_patches)
    files = ["bundle.json", "card.md", "curves.png", "history.csv", "item.json", contract.model_file, "seen.gpkg"]
    assert listing(trained.folder) == files
    assert (contract.arch, contract.encoder) == ("unet", "compact")
    assert (contract.bands, contract.patch_size) == (store.bands, 32)
    assert (contract.scale, contract.offset, contract.threshold) == (1e-4, 0, 0.5)
    assert contract.trained_on["patches"] == store.digest
    learned = {record.scene for split in ("train", "validation") for record in store.records(split)}
    assert set(contract.trained_on["scenes"]) == learned < {f"place_{n}" for n in range(6)}
    assert set(contract.scores) == {"validation", "test"}
    assert {"water_iou", "mean_iou", "dice", "accuracy", "cross_entropy", "pixels"} <= set(contract.scores["test"])
    assert {"watermap", "keras", "backend", "python"} <= set(contract.versions)
    with (trained.folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert {"val_loss", "water_iou", "val_water_iou", "learning_rate", "seconds"} <= set(rows[0])


def test_a_trained_bundle_tells_what_it_is_and_how_sure_its_scores_are(trained: Bundle, small_patches: Path) -> None:
    contract, store = trained.contract, PatchStore.open(small_patches)
    assert contract.data == training_data(store)
    model = trained.load_model()
    assert contract.parameters == model.count_params()
    assert contract.flops_per_pixel == flops_per_pixel(model, 32)
    assert contract.threshold_for == "keep"
    assert set(contract.evidence) == {"validation", "test"}
    for found in contract.evidence.values():
        assert found.patches == store.digest
        assert {"water_iou", "mean_iou", "dice", "accuracy"} == set(found.intervals)
        assert {"ndwi", "mndwi"} <= set(found.baselines)
    text = (trained.folder / CARD_FILE).read_text()
    assert text == card(contract, trained.id)
    assert "| this model | " in text
    item = json.loads((trained.folder / ITEM_FILE).read_text())
    assert set(item["assets"]) == {"model", "card", "curves", "history", "seen"}
    assert item["properties"]["watermap:bundle_id"] == trained.id
    assert item["bbox"] == pytest.approx(contract.data.bounds, abs=1e-5)


@pytest.mark.extended
def test_a_training_killed_just_before_its_contract_goes_on(
    trained: Bundle, small_patches: Path, tmp_path: Path
) -> None:
    out = tmp_path / "b"
    shutil.copytree(trained.folder, out, ignore=shutil.ignore_patterns("bundle.json", "openvino"))
    assert train(small_patches, out, CONFIG.model_copy(update={"epochs": 1})).bundle.folder == out


def test_a_trained_bundle_is_converted_and_says_how_far_it_sees(
    trained: Bundle, small_patches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.contract.receptive_field_px is not None
    assert 0 < trained.contract.receptive_field_px <= 16
    monkeypatch.setattr("watermap.training.train.convert_once", convert_once)
    assert train(small_patches, trained.folder, CONFIG).unchanged
    converted = open_converted(trained)
    assert converted is not None
    assert converted.record.accepted("float32")


def test_what_goes_wrong_with_conversion_does_not_lose_the_training(
    trained: Bundle, small_patches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(*_: object) -> None:
        raise ModelError("the converted model gives 3 % of the pixels another class")

    monkeypatch.setattr("watermap.training.train.convert_once", differs)
    training = train(small_patches, trained.folder, CONFIG)
    assert training.notes == ("the converted model gives 3 % of the pixels another class",)


def test_training_again_with_the_same_settings_does_nothing(trained: Bundle, small_patches: Path) -> None:
    again = train(small_patches, trained.folder, CONFIG)
    assert again.unchanged
    assert again.bundle == trained


def test_patches_of_a_bucket_train_alike(trained: Bundle, small_patches: Path, bucket: Bucket) -> None:
    place = location(bucket.put_folder(small_patches, "patches"))
    assert train(place, trained.folder, CONFIG) == train(small_patches, trained.folder, CONFIG)
    filling = trained.contract.filling
    there, here = (
        PatchBatches(PatchStore.open(folder), "train", batch_size=8, filling=filling, shuffle=True)
        for folder in (place, small_patches)
    )
    for one, other in zip(there[0], here[0], strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(UsageError, match="outputs go to local folders"):
        train(small_patches, location(f"{bucket.url}/model"), CONFIG)


@pytest.mark.extended
def test_another_bundle_is_not_replaced_unless_asked(trained: Bundle, small_patches: Path) -> None:
    other = CONFIG.model_copy(update={"seed": 1, "epochs": 1})
    with pytest.raises(UsageError, match="other settings or patches"):
        train(small_patches, trained.folder, other)
    before = weights(trained)
    replaced = train(small_patches, trained.folder, other, overwrite=True).bundle
    assert replaced.id != trained.id
    assert any(not np.array_equal(a, b) for a, b in zip(before, weights(replaced), strict=True))


@pytest.mark.extended
def test_patience_ends_a_stage_and_the_best_epoch_is_kept(
    small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = counted_steps(monkeypatch)
    stages = (StageConfig(name="too fast", loss="cross_entropy", learning_rate=0.05),)
    config = CONFIG.model_copy(update={"stages": stages, "epochs": 12, "patience": 1, "batch_size": 32})
    bundle = train(small_patches, tmp_path / "b", config).bundle
    history = history_of(bundle)
    assert len(history) == bundle.contract.training["epochs"] < 12
    best = min(history, key=lambda row: float(row["val_loss"]))
    assert best is not history[-1]
    scored = bundle.contract.scores["validation"]
    names = ("water_iou", "mean_iou", "accuracy")
    for name in names:
        assert scored[name] == pytest.approx(float(best[f"val_{name}"]), rel=1e-3)
    assert any(scored[n] != pytest.approx(float(history[-1][f"val_{n}"]), rel=0.05) for n in names)
    assert len(steps) == 1  # twice would take as long again


def counted_steps(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One more for each time that TensorFlow traces a training step."""
    traced: list[None] = []
    step = keras.Model.train_step

    def counting(self: keras.Model, data: object) -> object:
        traced.append(None)
        return step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", counting)
    return traced


def test_labels_are_ignored_beside_shores_as_settings_say() -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.Conv2D(2, 1, activation="softmax", name="probability")(image))
    (stage,) = FROM_SCRATCH
    for px in (0, 2):
        config = CONFIG.model_copy(update={"ignore_shores_px": px})
        _compile(model, stage, config, batches=1)
        assert {loss.settings["ignore_px"] for loss in model.loss.values()} == {px}


@pytest.mark.extended
def test_the_averaged_weights_are_validated_and_kept(small_patches: Path, tmp_path: Path) -> None:
    stages = (StageConfig(name="a", loss="cross_entropy", schedule="constant", learning_rate=3e-3),)
    config = CONFIG.model_copy(update={"stages": stages, "epochs": 2, "batch_size": 16, "ema": 0.8})
    bundle = train(small_patches, tmp_path / "b", config).bundle
    best = min(float(row["val_loss"]) for row in history_of(bundle))
    assert bundle.contract.scores["validation"]["cross_entropy"] == pytest.approx(best, rel=1e-3)


@pytest.mark.extended
def test_mixed_precision_and_penalties_act_in_training_and_not_afterwards(small_patches: Path, tmp_path: Path) -> None:
    config = THOROUGH.model_copy(update={"epochs": 1, "batch_size": 8, "stages": THOROUGH.stages[1:]})
    bundle = train(small_patches, tmp_path / "b", config).bundle
    model = bundle.load_model()
    layers = [*model.layers, *model.get_layer("encoder").layers]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    assert not any(weight.regularizer for weight in model.weights)
    size = (bundle.folder / bundle.contract.model_file).stat().st_size
    assert size < 1.2 * 4 * model.count_params()  # without its optimiser
    (loss,) = (float(row["loss"]) for row in history_of(bundle))
    squares = sum((weight.numpy() ** 2).sum() for weight in model.weights if len(weight.shape) == 4)
    assert 3 < 0.005 * squares < loss  # focal and Dice alone are below 3


def test_a_stage_that_the_encoder_cannot_train_is_told_at_once(small_patches: Path, tmp_path: Path) -> None:
    stages = (StageConfig(name="a"), StageConfig(name="b", train_encoder_from=100))
    told: list[int] = []
    with pytest.raises(UsageError, match="the encoder has no layer 100"):
        config = CONFIG.model_copy(update={"stages": stages})
        train(small_patches, tmp_path / "b", config, progress=lambda _, done, __: told.append(done))
    assert not told


def test_patches_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        train(tmp_path / "absent", tmp_path / "b", CONFIG)
    assert not (tmp_path / "b").exists()


def test_epochs_are_shared_out_among_stages() -> None:
    assert TrainConfig(encoder="resnet50", epochs=60).stage_epochs() == [30, 20, 10]
    assert TrainConfig(encoder="compact", epochs=7).stage_epochs() == [7]
    assert TrainConfig(encoder="resnet50", weights="none", epochs=7).stage_epochs() == [7]
    assert TrainConfig(encoder="resnet50", epochs=3).stage_epochs() == [1, 1, 1]
    assert TrainConfig(encoder="resnet50", epochs=10).stage_epochs() == [5, 3, 2]
    assert TrainConfig(encoder="resnet50", recipe="reference").stage_epochs() == [30, 20, 10, 10]
    with pytest.raises(ValidationError, match="epochs 2 are fewer than the 3 stages"):
        TrainConfig(encoder="resnet50", epochs=2)


@pytest.mark.parametrize(
    ("stage", "patience", "words"),
    [
        ({"schedule": "plateau", "plateau": {"patience": 5}}, 5, "before its rate falls"),
        ({"schedule": "plateau", "learning_rate": 1e-7}, 10, "cannot fall"),
        ({"schedule": "constant", "cycles": 2}, 10, "cycles say nothing"),
    ],
)
def test_schedules_that_could_never_act_are_refused(stage: dict[str, Any], patience: int, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainConfig.model_validate({"encoder": "compact", "patience": patience, "stages": [{"name": "a"} | stage]})


def test_more_accumulated_batches_than_a_stage_has_are_refused(small_patches: Path, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"accumulate": 4000})
    with pytest.raises(UsageError, match="accumulate 4000 is more than the"):
        train(small_patches, tmp_path / "b", config)
    assert not (tmp_path / "b" / "bundle.json").exists()
