"""Counting weights."""

from __future__ import annotations

from typing import Any

import keras

from watermap.models.scaling import Scaling


def scaled(scaling: Scaling, image: Any, gains: tuple[float, ...] | None = None) -> Any:
    return keras.ops.convert_to_numpy(scaling.to_layer(gains)(image))
