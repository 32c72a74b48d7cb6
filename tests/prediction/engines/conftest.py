"""One converted bundle for all tests of the engines that a process runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.support.bundles import STATISTICS
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle, save_bundle
from watermap.config import SampleConfig, TileConfig
from watermap.models.build import build
from watermap.models.scaling import Scaling
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.prediction.engines.conversion import convert
from watermap.scenes.sample import write_samples

PATCH = 32

ROUNDING = 1e-4
"""Of float32 in a network of random weights, which makes more of small differences than a trained one."""


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sample scenes of 128 pixels."""
    folder = tmp_path_factory.mktemp("samples") / "scenes"
    write_samples(folder, SampleConfig(scenes=2, size=128))
    return folder


@pytest.fixture(scope="session")
def patches(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> PatchStore:
    folder = tmp_path_factory.mktemp("patches") / "patches"
    config = TileConfig(patch_size=PATCH, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=1)
    return PatchStore.open(tile(samples, folder, config).folder)


def unsure(model: Any) -> Any:
    """A model as after some training, whose last layer says everything between land and water, not only the two."""
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            weight * rng.uniform(0.8, 1.2, weight.shape) + rng.uniform(0, 0.02, weight.shape)
            for weight in model.get_weights()
        ]
    )
    image = np.random.default_rng(0).uniform(0, 3000, (2, PATCH, PATCH, 6)).astype(np.float32)
    last = model.get_layer("logits")
    seen = np.asarray(keras.Model(model.input, last.output)(image))
    kernel, bias = last.get_weights()
    spread = np.diff(seen, axis=-1).std()
    last.set_weights([kernel / spread, (bias - seen.mean(axis=(0, 1, 2))) / spread])
    return model


def make_unet(folder: Path, arch: str = "unet") -> Bundle:
    """A compact network with weights as after some training."""
    keras.utils.set_random_seed(0)
    scaling = Scaling(mean=STATISTICS.mean, std=STATISTICS.std)
    model = unsure(build(arch, "compact", bands=6, patch_size=PATCH, preset="fast", scaling=scaling))
    return save_bundle(
        folder,
        model,
        arch=arch,
        encoder="compact",
        bands=STANDARD_BANDS,
        scale=1e-4,
        offset=0.0,
        statistics=STATISTICS,
        threshold=0.5,
        patch_size=PATCH,
        reach=10,
        trained_on={"patches": "0" * 64, "counts": {}, "scenes": {}},
        training={"run": "none"},
        scores={},
    )


@pytest.fixture(scope="session")
def bundle(patches: PatchStore, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Converted, in eight-bit numbers too."""
    made = make_unet(tmp_path_factory.mktemp("models") / "unet")
    convert(made, patches, int8=True)
    return made
