"""Losses are saved under the names and with the settings that they always had."""

from __future__ import annotations

from typing import Any

import keras
import pytest

import watermap.training.losses  # noqa: F401 (registers them)

SAVED: dict[str, dict[str, Any]] = {
    "CrossEntropy": {"name": "cross_entropy", "land": 0.5, "water": 2.0},
    "BalancedCrossEntropy": {"name": "balanced_cross_entropy"},
    "Focal": {"name": "focal", "gamma": 1.5, "land": 0.5, "water": 2.0},
    "Bootstrap": {"name": "bootstrap", "beta": 0.8},
    "Forward": {"name": "forward", "missed": 0.2, "invented": 0.05},
    "Dice": {"name": "dice", "smooth": 2.0},
    "Tversky": {"name": "tversky", "missed": 0.6, "false_alarm": 0.4, "exponent": 0.75, "smooth": 2.0},
    "CrossEntropyDice": {
        "name": "cross_entropy_dice",
        "cross_entropy_weight": 0.5,
        "dice_weight": 2.0,
        "smooth": 3.0,
    },
    "LossSum": {
        "name": "loss_sum",
        "terms": "0.5*focal(gamma=2) + dice",
        "shore_px": 2,
        "shore_softness": 0.3,
        "ignore_px": 1,
    },
}
"""Configurations in models that 0.1 saved."""


@pytest.mark.parametrize("name", SAVED)
def test_what_was_saved_before_is_still_loaded(name: str) -> None:
    config = {**SAVED[name], "reduction": "sum_over_batch_size"}
    registered = f"watermap>{name}"
    for module in ("watermap.losses", "watermap.training.losses"):  # the first is that of 0.1
        saved = {"module": module, "class_name": name, "config": config, "registered_name": registered}
        loss = keras.saving.deserialize_keras_object(saved)
        again = keras.saving.serialize_keras_object(loss)
        assert (again["class_name"], again["registered_name"]) == (name, registered)
        assert again["config"] == config
