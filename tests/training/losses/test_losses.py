"""Every loss against numpy, and at the ends of its range."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.losses.plain import cross_entropy_of, dice_of, focal_of, probabilities, sample, tversky_of, value
from watermap.training.losses import (
    LOSSES,
    BalancedCrossEntropy,
    CrossEntropy,
    CrossEntropyDice,
    Dice,
    Focal,
    Tversky,
    get_loss,
)


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
