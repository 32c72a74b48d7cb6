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
