"""How far a model sees, measured."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.bundles import STATISTICS
from watermap.patches.store import PatchStore
from watermap.scenes.filling import Filling
from watermap.training.receptive_field import measure_receptive_field, receptive_field_of


def seeing(steps: int) -> keras.Model:
    """A network that looks `steps` pixels far: so many means over 3 x 3 pixels, then a soft decision."""
    image = keras.Input((32, 32, 6), name="image")
    x = keras.layers.Rescaling(1 / 3000)(image)
    for _ in range(steps):
        layer = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
        x = layer(x)
        layer.set_weights([np.full((3, 3, 6, 1), 1 / 9, dtype=np.float32)])
    head = keras.layers.Conv2D(2, 1, activation="softmax", name="probability")
    model = keras.Model(image, head(x))
    kernel = np.zeros((1, 1, 6, 2), dtype=np.float32)
    kernel[..., 0], kernel[..., 1] = -3, 3
    head.set_weights([kernel, np.array([2.0, -2.0], dtype=np.float32)])
    return model


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_network_reaches_as_far_as_it_looks(steps: int, small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    reach = measure_receptive_field(seeing(steps), store, "train", Filling.of(STATISTICS))
    assert reach is not None
    assert max(0, steps - 2) <= reach <= steps  # what is farthest off counts for little


def test_an_empty_split_says_nothing(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    empty = [split for split in ("train", "validation", "test") if not store.count(split)]
    assert all(measure_receptive_field(seeing(0), store, split, Filling.of(STATISTICS)) is None for split in empty)


@pytest.mark.parametrize("reach", [0, 1, 7, 16])
def test_the_reach_is_the_last_ring_that_differs(reach: int) -> None:
    difference = np.zeros((3, 32, 32), dtype=np.float32)
    if reach:
        difference[:, reach - 1, :] = difference[:, :, reach - 1] = 0.1
        difference[:, reach:, reach:] = 0
    assert receptive_field_of(difference) == reach
