"""Training's state on disk, so that a run that was killed goes on where it was.

BUNDLE/.training/
  state.json            written last, by rename; names the two files below
  epoch-<n>.keras       the network with its optimiser
  best-<n>.weights.h5   the best weights of the stage
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import keras
from pydantic import BaseModel, ConfigDict, ValidationError

from watermap.errors import DataError, ModelError, UsageError
from watermap.io.files import locked, unwritable, write_text, writing
from watermap.io.temporary import sweep
from watermap.training.optimiser import averaged

FOLDER: Final = ".training"
_LOCK_FILE: Final = "lock"
_WEIGHTS_SUFFIX: Final = ".weights.h5"
"""Keras insists on it."""


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
                sweep(self.folder)
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
            with writing(self.folder / state.network) as part:
                model.save(part)
            if is_best:
                state.best_weights = f"best-{name}{_WEIGHTS_SUFFIX}"
                with writing(self.folder / state.best_weights, _WEIGHTS_SUFFIX) as part, averaged(model):
                    model.save_weights(part)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        write_text(self._state_path, state.model_dump_json())
        for path in (*self.folder.glob("epoch-*"), *self.folder.glob("best-*")):
            if path.name not in (state.network, state.best_weights):
                path.unlink()
        for follow in self.followers:
            follow(state.history)

    def forget(self, run: str) -> None:
        """Remove what a run killed after its bundle was done left here, unless another process trains here now."""
        if self.folder.is_dir():
            with suppress(UsageError, DataError), self.locked():
                state = self.load()
                if state is not None and state.run == run:
                    self.remove()

    def remove(self) -> None:
        """Forget the training: it is done, or it is not wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)
