"""Losses against plain numpy, on ignored pixels, empty patches and extreme probabilities."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.errors import UsageError
from watermap.losses import LOSSES, CrossEntropy, CrossEntropyDice, Dice, get_loss
from watermap.metrics import Accuracy, MeanCrossEntropy, MeanDice, MeanIoU, WaterIoU


def cross_entropy_of(label: Any, water: Any) -> float:
    """Reference: pixel by pixel, in float64."""
    nats = [
        -np.log(max(w if code == 1 else 1 - w, 1e-7))
        for code, w in zip(label.ravel().tolist(), water.ravel().tolist(), strict=True)
        if code != 255
    ]
    return float(np.mean(nats)) if nats else 0.0


def dice_of(label: Any, water: Any) -> list[float]:
    """Reference: patch by patch and class by class, in float64."""
    losses = []
    for codes, chances in zip(label, water, strict=True):
        valid = codes != 255
        scores = []
        for code, chance in ((0, 1 - chances), (1, chances)):
            truth, found = (codes[valid] == code).astype(float), chance[valid].astype(float)
            scores.append((2 * (truth * found).sum() + 1) / ((truth**2).sum() + (found**2).sum() + 1))
        losses.append(1 - float(np.mean(scores)))
    return losses


def sample(seed: int, *, ignored: float = 0.3, sure: bool = False) -> tuple[Any, Any]:
    """Labels (4, 8, 8) and P(water), with ignored pixels; the last patch is wholly ignored."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, (4, 8, 8)).astype("uint8")
    label[rng.random(label.shape) < ignored] = 255
    label[-1] = 255
    water = rng.random(label.shape)
    return label, (water.round() if sure else water).astype("float32")


def probabilities(water: Any) -> Any:
    return np.stack([1 - water, water], axis=-1).astype("float32")


def value(loss: Any, label: Any, water: Any) -> float:
    return float(loss(label, probabilities(water)))


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.99, 1.0]), st.booleans())
def test_losses_against_numpy(seed: int, ignored: float, sure: bool) -> None:
    label, water = sample(seed, ignored=ignored, sure=sure)
    entropy, overlap = cross_entropy_of(label, water), float(np.mean(dice_of(label, water)))
    assert value(CrossEntropy(), label, water) == pytest.approx(entropy, rel=1e-4, abs=1e-6)
    assert value(Dice(), label, water) == pytest.approx(overlap, rel=1e-4, abs=1e-6)
    both = CrossEntropyDice(cross_entropy_weight=0.5, dice_weight=2)
    assert value(both, label, water) == pytest.approx(0.5 * entropy + 2 * overlap, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_count_for_nothing(name: str) -> None:
    label, water = sample(0)
    changed = np.where(label == 255, 1 - water, water)
    assert value(get_loss(name), label, changed) == pytest.approx(value(get_loss(name), label, water))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_labels_of_any_type(name: str, dtype: str) -> None:
    label, water = sample(1)
    assert value(get_loss(name), label.astype(dtype), water) == value(get_loss(name), label, water)


def test_patches_weigh_by_their_valid_pixels() -> None:
    label = np.full((2, 4, 4), 255, "uint8")
    label[0], label[1, 0, 0] = 0, 1
    water = np.full(label.shape, 0.25, "float32")
    assert value(CrossEntropy(), label, water) == pytest.approx((16 * -np.log(0.75) - np.log(0.25)) / 17)


@pytest.mark.parametrize("chance", [0.0, 1e-3])
def test_dry_patch_mapped_dry_costs_nothing(chance: float) -> None:
    label = np.zeros((1, 128, 128), "uint8")
    water = np.full(label.shape, chance, "float32")
    assert value(Dice(), label, water) == pytest.approx(0, abs=0.01)
    assert value(Dice(), label, 1 - water) > 0.9
    assert value(CrossEntropy(), label, water) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("code", "chance"), [(0, 1.0), (1, 0.0), (1, 1.0), (255, 0.0), (255, 0.5)])
def test_gradients_are_finite(name: str, code: int, chance: float) -> None:
    tf = pytest.importorskip("tensorflow")
    label = np.full((2, 4, 4), code, "uint8")
    logits = tf.constant(np.log(probabilities(np.full(label.shape, chance)) + 1e-30))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = get_loss(name)(label, keras.ops.softmax(logits))
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(float(loss))
    assert np.isfinite(gradient).all()
    if code == 255:
        assert float(loss) == 0
        assert not gradient.any()


def test_unknown_loss() -> None:
    with pytest.raises(UsageError, match=r"'focal'.*cross_entropy, dice, cross_entropy_dice"):
        get_loss("focal")


def test_settings_survive_serialisation() -> None:
    for loss in (CrossEntropy(), Dice(smooth=3), CrossEntropyDice(0.2, 0.8, 5, reduction="sum", name="both")):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()


def test_compiled_model_loads_in_a_fresh_process(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
    label, _ = sample(2)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 1, activation="softmax")])
    metrics: list[Any] = [Accuracy(), MeanIoU(), WaterIoU(), MeanDice(), MeanCrossEntropy()]
    model.compile(loss=CrossEntropyDice(dice_weight=0.5), metrics=metrics)
    expected = model.evaluate(image, label, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", image=image, label=label)
    script = """
import json, sys, keras, numpy as np
from pathlib import Path
import watermap.losses, watermap.metrics
folder = Path(sys.argv[1])
data = np.load(folder / "data.npz")
model = keras.saving.load_model(folder / "model.keras", safe_mode=True)
print(json.dumps(model.evaluate(data["image"], data["label"], verbose=0, return_dict=True)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == pytest.approx(expected, rel=1e-5)
    assert set(expected) == {"loss", *(metric.name for metric in metrics)}
