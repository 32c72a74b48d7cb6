"""What a network draws by chance in training, dropout: decided by seed and epoch, so that it can be drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from watermap.checkpoint import TrainingState

_LARGEST = 2**31


class SeededDraws(keras.callbacks.Callback):
    """Sets what every layer draws from, at the start of each epoch: Keras does not save it with the network.

    Args:
        seed: of the training.
        state: how far training is.
    """

    def __init__(self, seed: int, state: TrainingState) -> None:
        super().__init__()
        self._seed = seed
        self._state = state

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras)
        """Start the epoch's draws."""
        for number, generator in enumerate(_generators(self.model)):
            key = np.random.SeedSequence([self._seed, self._state.epoch, number]).generate_state(2)
            generator.state.assign(key % _LARGEST)


def _generators(model: keras.Model) -> Iterator[keras.random.SeedGenerator]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _generators(layer)
        elif (generator := getattr(layer, "seed_generator", None)) is not None:
            yield generator
