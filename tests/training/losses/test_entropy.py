"""Cross-entropy, weighted or not, and focal: how pixels and classes weigh."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.training.losses.plain import value
from watermap.training.losses import BalancedCrossEntropy, CrossEntropy, get_loss


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


def test_patches_weigh_by_their_valid_pixels() -> None:
    label = np.full((2, 4, 4), 255, "uint8")
    label[0], label[1, 0, 0] = 0, 1
    water = np.full(label.shape, 0.25, "float32")
    assert value(CrossEntropy(), label, water) == pytest.approx((16 * -np.log(0.75) - np.log(0.25)) / 17)
