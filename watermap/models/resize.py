"""One model at another window size, or computing in another precision."""

from __future__ import annotations

from functools import partial
from typing import Final, Literal

import keras

from watermap.config import STRIDE
from watermap.errors import UsageError

_EXACT: Final = ("scaling", "probability")
"""Layers that compute in float32 whatever the others do: digital numbers and probabilities have more digits."""


def resize(
    model: keras.Model, rows: int, cols: int | None = None, *, compute: Literal["float32", "bfloat16"] = "float32"
) -> keras.Model:
    """A copy of a model, not compiled, with the same weights for windows of another fixed size.

    Fixed, because bilinear up-sampling of an unknown size fails in graph mode once it sees a second shape.

    Args:
        model: from `build`, or loaded.
        rows: height of a window in pixels.
        cols: width; as the height if not given.
        compute: what it computes in, whatever it was trained in; the weights stay float32.

    Raises:
        UsageError: a side is not a multiple of the stride.
    """
    cols = rows if cols is None else cols
    for side in (rows, cols):
        check_side(side, "window")
    image = keras.Input((rows, cols, model.input_shape[-1]), name="image", dtype="float32")
    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[compute]
    resized = keras.models.clone_model(
        model, input_tensors=image, clone_function=partial(_computing_in, policy), recursive=True
    )
    resized.set_weights(model.get_weights())
    return resized


def _computing_in(policy: str, layer: keras.layers.Layer) -> keras.layers.Layer:
    config = layer.get_config()
    if layer.name not in _EXACT and not isinstance(layer, keras.Model):
        config["dtype"] = policy
    return type(layer).from_config(config)


def check_side(side: int, what: str) -> None:
    """Refuse a side in pixels, of a patch or a window, that does not fit the encoder.

    Raises:
        UsageError: it is not a positive multiple of the stride.
    """
    if side < STRIDE or side % STRIDE:
        raise UsageError(
            f"a {what} of {side} pixels does not fit the model",
            hint=f"use a multiple of {STRIDE}, such as {max(STRIDE, round(side / STRIDE) * STRIDE)}",
        )
