"""Dropout that a training which was killed draws again."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from watermap.training.callbacks import DropoutSeeds
from watermap.training.resume import TrainingState


def network() -> keras.Model:
    inner_input = keras.Input((50,))
    inner = keras.Model(inner_input, keras.layers.Dropout(0.5)(inner_input), name="inner")
    image = keras.Input((50,))
    return keras.Model(image, [inner(image), keras.layers.Dropout(0.5)(image)])


def drawn(model: keras.Model, *, seed: int = 0, epoch: int = 0) -> list[Any]:
    """What two steps of an epoch drop."""
    callback = DropoutSeeds(seed, TrainingState(run="r", epoch=epoch))
    callback.set_model(model)
    callback.on_epoch_begin(0)
    ones = np.ones((1, 50), np.float32)
    return [keras.ops.convert_to_numpy(out) for _ in range(2) for out in model(ones, training=True)]


def test_an_epoch_is_drawn_alike_by_a_network_that_was_made_anew() -> None:
    first, again = drawn(network()), drawn(network())
    np.testing.assert_array_equal(first, again)


def test_seed_epoch_layer_and_step_draw_differently() -> None:
    model = network()
    draws = [*drawn(model), *drawn(model, epoch=1), *drawn(model, seed=1)]
    assert len({draw.tobytes() for draw in draws}) == len(draws)
