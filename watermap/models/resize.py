"""One model at another window size."""

from __future__ import annotations

import keras

from watermap.config import STRIDE
from watermap.errors import UsageError


def resize(model: keras.Model, window_size: int) -> keras.Model:
    """A copy of a model, not compiled, with the same weights for windows of another fixed size.

    Fixed, because bilinear up-sampling of an unknown size fails in graph mode once it sees a second shape.

    Args:
        model: from `build`, or loaded.
        window_size: side of a window in pixels.

    Raises:
        UsageError: the size is not a multiple of the stride.
    """
    check_side(window_size, "window")
    image = keras.Input((window_size, window_size, model.input_shape[-1]), name="image", dtype="float32")
    resized = keras.models.clone_model(model, input_tensors=image)
    resized.set_weights(model.get_weights())
    return resized


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
