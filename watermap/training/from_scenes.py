"""Training by a recipe, from a folder of labelled scenes to a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from watermap.config import Recipe, TrainConfig
from watermap.io.paths import local
from watermap.io.temporary import sweep
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.progress import Progress, silent
from watermap.scenes.prepare import prepare_scenes
from watermap.training.train import Training, train

_SCENES: Final = ".scenes"
_PATCHES: Final = ".patches"
"""Folders in the bundle's own, hidden, and gone once it is trained."""


def train_on_scenes(
    scenes: Path,
    out: Path,
    recipe: Recipe,
    config: TrainConfig,
    *,
    without: Collection[str] = (),
    overwrite: bool = False,
    mlflow: str | None = None,
    progress: Progress = silent,
) -> Training:
    """Train a model on a folder of labelled scenes, as a recipe says.

    Args:
        scenes: holds the recipe's scenes, or some of them; others are not taken.
        out: the bundle's folder, where patches lie meanwhile. An unfinished training is gone on with.
        recipe: what scenes' files do not say, and how they are cut.
        config: how patches are trained on.
        without: names of scenes that are left out.
        overwrite: replace what another training left there.
        mlflow: address of an MLflow that logs the training; None for no log.
        progress: told of every step.

    Raises:
        DataError: none of the scenes is there, or one is damaged.
        UsageError, ModelError, StorageError: as `watermap.training.train.train`.
    """
    sweep(local(out))
    chosen = {name: scene for name, scene in recipe.scenes.items() if name not in without}
    try:
        prepare_scenes(scenes, out / _SCENES, chosen, least_px=recipe.tile.patch_size, progress=progress)
        summary = tile(out / _SCENES, out / _PATCHES, recipe.tile, progress=progress)
        store = PatchStore.open(summary.folder)
        training = train(store, out, config, overwrite=overwrite, mlflow=mlflow, progress=progress)
    finally:
        if not (out / ".training").exists():  # what is unfinished needs its patches
            for name in (_SCENES, _PATCHES):
                shutil.rmtree(out / name, ignore_errors=True)
            if out.is_dir() and not any(out.iterdir()):
                out.rmdir()
    return training
