"""What happens around epochs: early stopping and the best weights, seeds of dropout, averaged weights, progress."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import keras
import numpy as np

from watermap.config import PlateauConfig
from watermap.errors import ModelError
from watermap.models.architecture import PROBABILITY
from watermap.training.optimiser import averaged, lower_rate
from watermap.training.resume import Checkpoint, TrainingState

_LARGEST = 2**31


class DropoutSeeds(keras.callbacks.Callback):
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


def of_main_output(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores of a model with several outputs, named as those of a model with one.

    `loss` is then the main output's, which tells the best epoch as it does of any other model, and `total_loss` what
    was minimised. Scores of a model with one output are given back as they are.
    """
    if f"{PROBABILITY}_loss" not in scores:
        return dict(scores)
    named = {}
    for name, score in scores.items():
        split, plain = ("val_", name.removeprefix("val_")) if name.startswith("val_") else ("", name)
        plain = "total_loss" if plain == "loss" else plain.removeprefix(f"{PROBABILITY}_")
        named[split + plain] = score
    return named


class Validator(keras.callbacks.Callback):
    """Has the averaged weights validated, where the optimiser keeps an average: they are what is kept in the end."""

    def __init__(self) -> None:
        super().__init__()
        self._meanwhile = ExitStack()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras)
        """Put the average in."""
        self._meanwhile.enter_context(averaged(self.model))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras)
        """Go on with the weights themselves."""
        self._meanwhile.close()


class Recorder(keras.callbacks.Callback):
    """Early stopping: records each epoch, keeps the best weights, and lowers the rate of a stage or ends it where it no
    longer improves.

    Args:
        checkpoint: where the state is kept.
        state: how far training is; updated here.
        stage: name of the stage.
        patience: epochs without a better validation loss that end it.
        plateau: when its learning rate falls; None for never.
        keeps_last: whether the weights of its last epoch are kept, not those of its best.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        state: TrainingState,
        *,
        stage: str,
        patience: int,
        plateau: PlateauConfig | None = None,
        keeps_last: bool = False,
    ) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._state = state
        self._stage = stage
        self._patience = patience
        self._plateau = plateau
        self._keeps_last = keeps_last
        self._started = time.monotonic()
        self._rate = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras)
        """Start the epoch's clock, and note its learning rate."""
        self._started = time.monotonic()
        self._rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the epoch. Raises ModelError where the loss is no longer a number."""
        scores = of_main_output({name: float(value) for name, value in (logs or {}).items()})
        loss = scores.get("val_loss", scores["loss"])
        if loss != loss:
            raise ModelError(
                f"training diverged in epoch {self._state.epoch + 1}: the loss is not a number",
                hint="lower the learning rate of the stage in --config",
            )
        state = self._state
        state.epoch += 1
        state.stage_epoch = epoch + 1
        timing = {"learning_rate": self._rate, "seconds": round(time.monotonic() - self._started, 2)}
        state.history.append({"epoch": state.epoch, "stage": self._stage, **timing, **scores})
        is_best = state.best is None or loss < state.best
        state.best = loss if is_best else state.best
        state.waited = 0 if is_best else state.waited + 1
        if self._plateau is not None:
            lower_rate(self.model.optimizer, self._plateau, state.waited)
        if state.waited >= self._patience:
            self.model.stop_training = True
        self._checkpoint.save(state, self.model, is_best=is_best or self._keeps_last)


class ProgressReporter(keras.callbacks.Callback):
    """Tells after every batch how far training is.

    Args:
        progress: the callable to tell.
        state: how far training is.
        stage: name of the stage.
        total_epochs: of all stages.
    """

    def __init__(self, progress: Any, state: TrainingState, *, stage: str, total_epochs: int) -> None:
        super().__init__()
        self._progress = progress
        self._state = state
        self._stage = stage
        self._total_epochs = total_epochs

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras)
        """Report one batch."""
        steps = self.params["steps"]
        last = self._state.history[-1] if self._state.history else {}
        score = f", val water IoU {last['val_water_iou']:.3f}" if "val_water_iou" in last else ""
        message = f"train: {self._stage}, epoch {self._state.epoch + 1} of {self._total_epochs}{score}, step"
        self._progress(message, self._state.epoch * steps + batch + 1, self._total_epochs * steps)
