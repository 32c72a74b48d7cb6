"""Patches to a bundle in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from watermap.config import TrainConfig
from watermap.io.paths import local, location
from watermap.models.backend import require_keras
from watermap.progress import Progress, silent
from watermap.training.train import Training
from watermap.training.train import train as train_on


def train(
    patches: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    mlflow: str | None = None,
    config: str | Path | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Training:
    """Train a model on patches; called again after an interruption, it goes on where it was.

    Args:
        patches: a folder that `tile` made.
        out: the folder of the bundle.
        overwrite: replace what another training left there.
        mlflow: address of an MLflow that logs the training.
        config: a TOML file with a table `train`; options win.
        progress: told after every batch.
        options: settings of `watermap.config.TrainConfig`: encoder, preset, epochs, batch_size, loss, seed ...

    Raises:
        DataError: the patches are damaged, leak, or hold none to train on.
        ModelError: weights cannot be had, or training diverged.
        StorageError: the patches lie elsewhere and cannot be reached, or MLflow cannot.
        UsageError: a setting is unknown or out of bounds, or the folder holds something else.

    Example:
        >>> import watermap
        >>> training = watermap.train("patches", "trained", encoder="compact", preset="fast", epochs=1)
        >>> training.bundle.contract.arch
        'unet'
        >>> watermap.train("patches", "trained", encoder="compact", preset="fast", epochs=1).unchanged
        True
    """
    settings = TrainConfig.load(None if config is None else location(config), section="train", **options)
    require_keras()
    return train_on(location(patches), local(out), settings, overwrite=overwrite, mlflow=mlflow, progress=progress)
