"""Dice and Tversky: dry patches, and what is missed beside what is too much."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.losses.plain import value
from watermap.training.losses import CrossEntropy, Dice, Tversky


def test_missed_water_may_cost_more_than_a_false_alarm() -> None:
    label = np.zeros((1, 4, 4), "uint8")
    label[0, :2] = 1
    missed, alarm = label.astype("float32"), label.astype("float32")
    missed[0, 0], alarm[0, 3] = 0, 1
    assert value(Tversky(0.8, 0.2), label, missed) > 1.5 * value(Tversky(0.8, 0.2), label, alarm)
    even = value(Tversky(0.5, 0.5), label, alarm)
    land = value(Tversky(0.5, 0.5), 1 - label, 1 - alarm)
    assert value(Dice(), label, alarm) == pytest.approx((even + land) / 2)


@pytest.mark.parametrize("chance", [0.0, 1e-3])
def test_dry_patch_mapped_dry_costs_nothing(chance: float) -> None:
    label = np.zeros((1, 128, 128), "uint8")
    water = np.full(label.shape, chance, "float32")
    assert value(Dice(), label, water) == pytest.approx(0, abs=0.01)
    assert value(Dice(), label, 1 - water) > 0.9
    assert value(CrossEntropy(), label, water) == pytest.approx(0, abs=0.01)
