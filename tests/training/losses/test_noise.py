"""Losses for labels that are wrong here and there."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.losses.plain import bootstrap_of, cross_entropy_of, dice_of, forward_of, sample, value
from watermap.training.losses import Bootstrap, CrossEntropy, Forward, get_loss, ignore_shores


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
