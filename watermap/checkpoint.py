"""Training's state on disk, so that a run that was killed goes on where it was.

BUNDLE/.training/
  state.json            written last, by rename; names the two files below
  epoch-<n>.keras       the network with its optimiser
  best-<n>.weights.h5   the best weights of the stage
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import keras
from pydantic import BaseModel, ConfigDict, ValidationError

from watermap.config import PlateauConfig
from watermap.errors import ModelError, UsageError
from watermap.files import appearing, locked, unwritable, write_text
from watermap.models.architecture import PROBABILITY
from watermap.optimiser import averaged, lower_rate

FOLDER: Final = ".training"
_LOCK_FILE: Final = "lock"


class TrainingState(BaseModel):
    """How far training has come.

    Attributes:
        run: digest of settings and patches: only the same run is gone on with.
        stage: index of the current stage.
        stage_epoch: epochs done in it.
        epoch: epochs done in all stages.
        best: least validation loss of the stage so far.
        waited: epochs since then.
        history: one row an epoch.
        network: file of the network and its optimiser.
        best_weights: file of the stage's best weights.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    run: str
    stage: int = 0
    stage_epoch: int = 0
    epoch: int = 0
    best: float | None = None
    waited: int = 0
    history: list[dict[str, float | int | str]] = []
    network: str = ""
    best_weights: str = ""


class Checkpoint:
    """The state of one training on disk.

    Args:
        bundle: the bundle's folder; the state lives in a hidden folder of it.

    Attributes:
        followers: told the history of every state that is saved.
    """

    def __init__(self, bundle: Path) -> None:
        self.followers: list[Callable[[Sequence[Mapping[str, Any]]], None]] = []
        self.folder = bundle / FOLDER
        self._state_path = self.folder / "state.json"

    def load(self) -> TrainingState | None:
        """The state saved last, or None. Raises ModelError where it is damaged."""
        if not self._state_path.is_file():
            return None
        try:
            return TrainingState.model_validate_json(self._state_path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise ModelError(
                f"{self._state_path}: damaged, training cannot go on from it", hint=f"remove {self.folder}"
            ) from error

    def load_network(self, state: TrainingState) -> keras.Model:
        """The network and its optimiser as they were. Raises ModelError where its file is damaged."""
        with self._readable():
            return keras.saving.load_model(self.folder / state.network, safe_mode=True)

    def load_best(self, state: TrainingState, model: keras.Model) -> None:
        """Give a network the stage's best weights. Raises ModelError where their file is damaged."""
        with self._readable():
            model.load_weights(self.folder / state.best_weights)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training into the same bundle meanwhile.

        Raises:
            UsageError: one does already.
            DataError: the folder cannot be written.
        """
        is_new = not self.folder.parent.exists()
        with ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.folder / _LOCK_FILE))
            except BlockingIOError as error:
                hint = "wait for it, or choose another --out"
                raise UsageError(f"{self.folder.parent}: another process trains here", hint=hint) from error
            except OSError as error:
                raise unwritable(self.folder.parent, error) from error
            try:
                yield
            finally:
                if not self._state_path.exists():
                    self.remove()
                    if is_new:
                        with suppress(OSError):  # it holds the bundle by now
                            self.folder.parent.rmdir()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn whatever a damaged file makes Keras raise into one line."""
        try:
            yield
        except Exception as error:
            raise ModelError(
                f"{self.folder}: damaged, training cannot go on from it", hint="remove this folder and train again"
            ) from error

    def save(self, state: TrainingState, model: keras.Model, *, is_best: bool = False) -> None:
        """Save the state; what was saved before stays until this is complete.

        Args:
            state: how far training is; its file names are set here.
            model: the network, compiled.
            is_best: whether its weights, averaged where they are, are the stage's best.
        """
        name = f"{state.stage}-{state.epoch:04d}"
        state.network = f"epoch-{name}.keras"
        try:
            with appearing(self.folder / state.network) as part:
                model.save(part)
            if is_best:
                state.best_weights = f"best-{name}.weights.h5"
                part = self.folder / f"new-{name}.weights.h5"  # Keras insists on the double suffix
                with averaged(model):
                    model.save_weights(part)
                part.replace(self.folder / state.best_weights)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        write_text(self._state_path, state.model_dump_json())
        kept = {_LOCK_FILE, self._state_path.name, state.network, state.best_weights}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()
        for follow in self.followers:
            follow(state.history)

    def remove(self) -> None:
        """Forget the training: it is done, or it is not wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)


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
    """Records each epoch, keeps the best weights, lowers the rate of a stage and ends it, where it no longer improves.

    Args:
        checkpoint: where the state is kept.
        state: how far training is; updated here.
        stage: name of the stage.
        patience: epochs without a better validation loss that end it.
        plateau: when its learning rate falls; None for never.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        state: TrainingState,
        *,
        stage: str,
        patience: int,
        plateau: PlateauConfig | None = None,
    ) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._state = state
        self._stage = stage
        self._patience = patience
        self._plateau = plateau
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
        self._checkpoint.save(state, self.model, is_best=is_best)


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
        seen = f", val water IoU {last['val_water_iou']:.3f}" if "val_water_iou" in last else ""
        message = f"train: {self._stage}, epoch {self._state.epoch + 1} of {self._total_epochs}{seen}, step"
        self._progress(message, self._state.epoch * steps + batch + 1, self._total_epochs * steps)
