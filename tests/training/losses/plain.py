"""Losses in plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np


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
