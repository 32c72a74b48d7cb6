"""Networks that several tests share, since they take a second or two to make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # h5py has no types
import keras
import numpy as np
import pytest

from watermap.models.build import build


@pytest.fixture(scope="session")
def resnet50() -> Any:
    """Keras's ResNet50 without top, every weight (moving statistics too) a random number that gives it away."""
    model = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(None, None, 3))
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.2, w.shape).astype("float32") for w in model.get_weights()])
    return model


@pytest.fixture(scope="session")
def resnet50_file(resnet50: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its weights, laid out as in the file that Keras offers for download: layers at the top of an HDF5 file."""
    folder = tmp_path_factory.mktemp("resnet50")
    resnet50.save(folder / "whole.h5")
    path = folder / "notop.h5"
    with h5py.File(folder / "whole.h5") as whole, h5py.File(path, "w") as file:
        for name, group in whole["model_weights"].items():
            whole.copy(group, file, name)
        file.attrs.update(whole["model_weights"].attrs)
    return path


@pytest.fixture(scope="session")
def resnet50_weights_file(resnet50: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in the layout of Keras 3."""
    path = tmp_path_factory.mktemp("resnet50") / "notop.weights.h5"
    resnet50.save_weights(path)
    return path


@pytest.fixture(scope="session")
def saved_compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model's file: a compact UNet for six bands, as if it had been trained."""
    path = tmp_path_factory.mktemp("models") / "model.keras"
    model = randomised(build("unet", "compact", bands=6, patch_size=32))
    model.save(path)
    return path


def randomised(model: Any, seed: int = 0) -> Any:
    """The model with weights and moving statistics off their first values, as after some training."""
    rng = np.random.default_rng(seed)
    model.set_weights([w + rng.uniform(0.01, 0.05, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def digital_numbers(*shape: int, seed: int = 0) -> Any:
    """Reflectance times 10000, float32."""
    return np.random.default_rng(seed).uniform(0, 4000, shape).astype("float32")
