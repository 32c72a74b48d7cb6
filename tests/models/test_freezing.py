"""Which layers learn, and what stays as it is in training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.models.conftest import digital_numbers
from watermap.errors import UsageError
from watermap.models.build import build
from watermap.models.freezing import set_trainable_from, unfreeze_all
from watermap.training.losses import CrossEntropy


@pytest.fixture(scope="module")
def network() -> Any:
    return build("unet", "resnet50", bands=3, patch_size=32)


def learning(model: Any) -> list[str]:
    return [layer.name for layer in model.get_layer("encoder").layers if layer.trainable_weights]


def decoder_weights(model: Any) -> int:
    return len(model.trainable_weights) - len(model.get_layer("encoder").trainable_weights)


def test_none_freezes_the_encoder_alone(network: Any) -> None:
    before = decoder_weights(network)
    set_trainable_from(network, None)
    assert learning(network) == []
    assert decoder_weights(network) == before


@pytest.mark.parametrize("index", [0, 1, 100, 142])
def test_layers_learn_from_an_index_on_but_batch_norm_never(network: Any, index: int) -> None:
    set_trainable_from(network, None)
    set_trainable_from(network, index)
    layers = network.get_layer("encoder").layers[index:]
    convolutions = [layer.name for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert learning(network) == convolutions
    assert len(network.get_layer("encoder").trainable_weights) == 2 * len(convolutions)  # kernel and bias
    frozen = [layer for layer in network.get_layer("encoder").layers if "bn" in layer.name]
    assert len(frozen) == 43
    assert not any(layer.trainable for layer in frozen)


@pytest.mark.parametrize("index", [None, 10])
def test_unfreezing_frees_batch_norm_too(index: int | None) -> None:
    model = build("unet", "compact", bands=3, patch_size=32)
    everything = len(model.trainable_weights)
    set_trainable_from(model, index)
    assert len(model.trainable_weights) < everything
    unfreeze_all(model)
    assert len(model.trainable_weights) == everything


@pytest.mark.parametrize("index", [-1, 143])
def test_there_is_no_such_layer(network: Any, index: int) -> None:
    with pytest.raises(UsageError, match=f"no layer {index}.*0 to 142"):
        set_trainable_from(network, index)


def test_flags_survive_saving(network: Any, tmp_path: Any) -> None:
    set_trainable_from(network, 100)
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert learning(loaded) == learning(network)
    assert not any("bn" in name for name in learning(loaded))


@pytest.mark.parametrize("index", [None, 10])
def test_frozen_layers_do_not_move_in_training(index: int | None) -> None:
    model = build("unet", "compact", bands=3, patch_size=32)
    set_trainable_from(model, index)
    model.compile(optimizer="adam", loss=CrossEntropy(), run_eagerly=True)
    before = {weight.path: weight.numpy().copy() for weight in model.weights}
    labels = np.random.default_rng(0).integers(0, 2, (4, 32, 32)).astype("uint8")
    model.train_on_batch(digital_numbers(4, 32, 32, 3), labels)
    moved = {weight.path for weight in model.weights if not np.array_equal(weight.numpy(), before[weight.path])}
    encoder = model.get_layer("encoder")
    in_encoder = {weight.path for weight in encoder.weights}
    may_move = {weight.path for weight in encoder.trainable_weights}
    assert moved & in_encoder == may_move
    assert bool(may_move) == (index is not None)
    assert any("moving" in path for path in moved - in_encoder)
