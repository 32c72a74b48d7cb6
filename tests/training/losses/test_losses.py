"""Every loss against numpy, and at the ends of its range."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.losses.plain import probabilities, sample, value
from watermap.training.losses import (
    LOSSES,
    BalancedCrossEntropy,
    Bootstrap,
    CrossEntropy,
    CrossEntropyDice,
    Dice,
    Focal,
    Forward,
    Tversky,
    get_loss,
    ignore_shores,
)


def cross_entropy_of(label: Any, water: Any) -> float:
    """Reference: pixel by pixel, in float64."""
    nats = [
        -np.log(max(w if code == 1 else 1 - w, 1e-30))
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


def focal_of(label: Any, water: Any, gamma: float, weights: Any) -> float:
    """Reference: pixel by pixel, in float64; cross-entropy with classes weighted where gamma is 0."""
    nats = []
    for code, chance in zip(label.ravel().tolist(), water.ravel().tolist(), strict=True):
        right = max(chance if code == 1 else 1 - chance, 1e-30)
        if code != 255:
            nats.append(weights[code] * (1 - right) ** gamma * -np.log(right))
    return float(np.mean(nats)) if nats else 0.0


def tversky_of(label: Any, water: Any, missed: float, false_alarm: float, exponent: float) -> list[float]:
    """Reference: patch by patch, in float64."""
    losses = []
    for codes, chances in zip(label, water, strict=True):
        is_water, is_land = chances[codes == 1].astype(float), chances[codes == 0].astype(float)
        wrong = 2 * (missed * ((1 - is_water) ** 2).sum() + false_alarm * (is_land**2).sum())
        losses.append((wrong / (2 * is_water.sum() + wrong + 1)) ** exponent)
    return losses


def bootstrap_of(label: Any, water: Any, beta: float) -> float:
    """Reference: pixel by pixel, in float64."""
    nats = []
    for code, chance in zip(label.ravel().tolist(), water.ravel().tolist(), strict=True):
        truth = beta * code + (1 - beta) * chance
        if code != 255:
            nats.append(-truth * np.log(max(chance, 1e-30)) - (1 - truth) * np.log(max(1 - chance, 1e-30)))
    return float(np.mean(nats)) if nats else 0.0


def forward_of(label: Any, water: Any, missed: float, invented: float) -> float:
    """Reference: the cross-entropy of what the label would say."""
    return cross_entropy_of(label, water.astype(float) * (1 - missed) + (1 - water.astype(float)) * invented)


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.99, 1.0]), st.booleans())
def test_losses_against_numpy(seed: int, ignored: float, sure: bool) -> None:
    label, water = sample(seed, ignored=ignored, sure=sure)
    entropy, overlap = cross_entropy_of(label, water), float(np.mean(dice_of(label, water)))
    assert value(CrossEntropy(), label, water) == pytest.approx(entropy, rel=1e-4, abs=1e-6)
    assert value(Dice(), label, water) == pytest.approx(overlap, rel=1e-4, abs=1e-6)
    both = CrossEntropyDice(cross_entropy_weight=0.5, dice_weight=2)
    assert value(both, label, water) == pytest.approx(0.5 * entropy + 2 * overlap, rel=1e-4, abs=1e-6)


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.99, 1.0]), st.booleans())
def test_weighted_losses_against_numpy(seed: int, ignored: float, sure: bool) -> None:
    label, water = sample(seed, ignored=ignored, sure=sure)
    known = max((label != 255).sum(), 1)
    shares = [(known - (label == code).sum()) / known for code in (0, 1)]
    close = partial(pytest.approx, rel=1e-4, abs=1e-6)
    assert value(CrossEntropy(1, 3), label, water) == close(focal_of(label, water, 0, (1, 3)))
    balanced = focal_of(label, water, 0, shares)
    assert value(BalancedCrossEntropy(), label, water) == close(balanced)
    focal = focal_of(label, water, 1.5, (0.25, 0.75))
    assert value(Focal(1.5, 0.25, 0.75), label, water) == close(focal)
    overlap = float(np.mean(tversky_of(label, water, 0.8, 0.2, 0.75)))
    assert value(Tversky(0.8, 0.2, 0.75), label, water) == close(overlap)
    summed = get_loss("0.5*focal(gamma=1.5, land=0.25, water=0.75) + tversky(missed=0.8,false_alarm=0.2,exponent=0.75)")
    assert value(summed, label, water) == close(0.5 * focal + overlap)


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.99, 1.0]), st.booleans())
def test_losses_of_wrong_labels_against_numpy(seed: int, ignored: float, sure: bool) -> None:
    label, water = sample(seed, ignored=ignored, sure=sure)
    close = partial(pytest.approx, rel=1e-4, abs=1e-6)
    assert value(Bootstrap(0.8), label, water) == close(bootstrap_of(label, water, 0.8))
    assert value(Bootstrap(1.0), label, water) == close(cross_entropy_of(label, water))
    assert value(Forward(0.3, 0.05), label, water) == close(forward_of(label, water, 0.3, 0.05))
    summed = get_loss("bootstrap(beta=0.8)+dice", ignore_px=1)
    band = keras.ops.convert_to_numpy(ignore_shores(label, px=1)).astype("uint8")
    expected = bootstrap_of(band, water, 0.8) + float(np.mean(dice_of(band, water)))
    assert value(summed, label, water) == close(expected)


def test_a_sure_model_pays_less_for_contradicting_a_bootstrapped_label() -> None:
    label = np.zeros((1, 2, 2), "uint8")
    wet = np.full(label.shape, 0.99, "float32")
    assert value(Bootstrap(0.8), label, wet) == pytest.approx(0.8 * value(CrossEntropy(), label, wet), rel=0.01)


def test_known_rates_of_error_lead_to_the_truth() -> None:
    label = np.zeros((1, 10, 10), "uint8")
    label[0, :7] = 1  # all of it is water, of which the label misses 30 %
    chances = np.linspace(0.01, 0.99, 99)
    costs = {
        name: [value(get_loss(name), label, np.full(label.shape, c, "float32")) for c in chances]
        for name in ("cross_entropy", "forward(missed=0.3, invented=0.01)")
    }
    assert chances[np.argmin(costs["cross_entropy"])] == pytest.approx(0.7)
    assert chances[np.argmin(costs["forward(missed=0.3, invented=0.01)"])] == pytest.approx(0.99)


def test_balanced_classes_weigh_the_same() -> None:
    label = np.zeros((1, 4, 4), "uint8")
    label[0, 0, 0] = 1
    water = np.full(label.shape, 0.5, "float32")
    missed, dry = water.copy(), np.where(label == 1, water, 0).astype("float32")
    missed[label == 1] = 0.1
    loss = value(BalancedCrossEntropy(), label, water)
    assert loss - value(BalancedCrossEntropy(), label, dry) == pytest.approx(loss / 2)
    assert value(BalancedCrossEntropy(), label, missed) > 1.5 * loss
    assert value(BalancedCrossEntropy(), 0 * label, water) == 0  # of one class alone


def test_missed_water_may_cost_more_than_a_false_alarm() -> None:
    label = np.zeros((1, 4, 4), "uint8")
    label[0, :2] = 1
    missed, alarm = label.astype("float32"), label.astype("float32")
    missed[0, 0], alarm[0, 3] = 0, 1
    assert value(Tversky(0.8, 0.2), label, missed) > 1.5 * value(Tversky(0.8, 0.2), label, alarm)
    even = value(Tversky(0.5, 0.5), label, alarm)
    land = value(Tversky(0.5, 0.5), 1 - label, 1 - alarm)
    assert value(Dice(), label, alarm) == pytest.approx((even + land) / 2)


@pytest.mark.parametrize("name", [*LOSSES, "tversky(exponent=0.75)"])
def test_a_patch_without_a_valid_pixel_costs_nothing_beside_others(name: str) -> None:
    label, water = sample(3)
    alone = value(get_loss(name), label[-1:], water[-1:])
    assert alone == 0
    if "entropy" in name or name in ("focal", "bootstrap", "forward"):
        return  # pixels of the others weigh as before; Dice adds up in patches
    with_it, without = value(get_loss(name), label, water), value(get_loss(name), label[:-1], water[:-1])
    assert with_it == pytest.approx(without * 3 / 4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", [*LOSSES, "tversky(exponent=0.75)", "focal(gamma=0.5)"])
def test_extreme_logits_in_few_bits(name: str, dtype: str) -> None:
    tf = pytest.importorskip("tensorflow")
    label = np.tile(np.array([[0, 1, 255, 1]], "uint8"), (2, 2, 1))
    for low, high in ((-6e4, 6e4), (6e4, -6e4), (-17.0, 0.0), (0.0, 0.0)):
        logits = tf.cast(tf.constant([[[[low, high]] * 4] * 2] * 2), dtype)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            chances = keras.ops.softmax(tf.cast(logits, "float32"))  # as every model's last layer computes
            loss = get_loss(name, shore_px=1, shore_softness=0.1)(label, chances)
        gradient = tf.cast(tape.gradient(loss, logits), "float32").numpy()
        assert loss.dtype == "float32"
        assert np.isfinite(float(loss))
        assert np.isfinite(gradient).all()
        assert (gradient[:, :, 2] == 0).all()
        if low == high:
            assert gradient.any()


@pytest.mark.parametrize("name", ["cross_entropy", "balanced_cross_entropy", "focal"])
@pytest.mark.parametrize("gap", [15.0, 17.0, 30.0, 60.0])
def test_what_is_wrong_and_sure_still_learns(name: str, gap: float) -> None:
    """The gradient of a pixel's logits is what its probability lacks, over the pixels, however sure it is."""
    tf = pytest.importorskip("tensorflow")
    label = np.array([[[0, 1], [0, 1]]], "uint8")
    logits = tf.constant([[[[0.0, gap], [gap, 0.0]]] * 2], "float32")  # all wrong
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = get_loss(name)(label, keras.ops.softmax(logits))
    gradient = tape.gradient(loss, logits).numpy()
    weight = 0.5 if name == "balanced_cross_entropy" else 1.0
    np.testing.assert_allclose(np.abs(gradient), weight / 4, rtol=1e-4)


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
