"""The network of a training and what it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watermap.config import TrainConfig
from watermap.errors import UsageError
from watermap.patches.store import PatchStore
from watermap.training.batches import training_statistics
from watermap.training.network import augmenter, missing_value, new_network

SPECTRAL: dict[str, Any] = {"encoder": "plain", "inputs": "spectral", "augment": "spectral", "preset": "fast"}


@pytest.fixture
def store(small_patches: Path) -> PatchStore:
    return PatchStore.open(small_patches)


def test_spectral_inputs_are_told_of_missing_bands_and_see_crops(store: PatchStore) -> None:
    statistics = training_statistics(store)
    config = TrainConfig.load(**SPECTRAL, crop_px=16)
    network, change = new_network(store, statistics, config), augmenter(store, statistics, config)
    assert change is not None
    patches = store.read("train", [0])
    image, label = change(patches.image[0].astype(np.float32), patches.label[0], 0)
    assert network.input_shape == (None, *image.shape)
    assert label.shape == (16, 16)
    assert missing_value(store, config) == -10_000
    whole = TrainConfig.load(**SPECTRAL)
    assert new_network(store, statistics, whole).input_shape == (None, 32, 32, 6)


def test_standardised_inputs_are_given_the_mean(store: PatchStore) -> None:
    statistics = training_statistics(store)
    config = TrainConfig.load(encoder="compact", preset="fast", augment="none")
    assert missing_value(store, config) is None
    assert augmenter(store, statistics, config) is None
    scaled = new_network(store, statistics, config).get_layer("scaling")(np.array([[[statistics.mean]]], dtype="f4"))
    np.testing.assert_allclose(scaled, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"augment": "spectral"}, "only inputs spectral can tell"),
        ({"crop_px": 32}, "crop_px says nothing"),
        ({"epoch_patches": 32}, "state a sampling"),
        ({"inputs": "spectral", "weights": "imagenet"}, "no imagenet weights fit"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainConfig.load(**({"encoder": "compact"} | stated))
