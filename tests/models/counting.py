"""Counting weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from watermap.models.scaling import Scaling


def scaled(scaling: Scaling, image: Any, gains: tuple[float, ...] | None = None) -> Any:
    return keras.ops.convert_to_numpy(scaling.to_layer(gains)(image))


def count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)
