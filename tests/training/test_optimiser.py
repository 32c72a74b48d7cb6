"""What a stage of training asks of Keras, and whether Keras then does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from watermap.config import PlateauConfig, StageConfig, TrainConfig
from watermap.training.optimiser import averaged, computing_in, lower_rate, make_optimizer, penalise_kernels

CONFIG = TrainConfig(encoder="compact")
DARK = np.zeros((2, 4, 4, 3), "float32"), np.zeros((2, 4, 4, 2), "float32")
"""Images on which no kernel has a gradient but that of its penalty."""


def network() -> keras.Model:
    """Two convolutions, the first in an encoder of its own, and batch norm."""
    image = keras.Input((4, 4, 3))
    inner = keras.Input((4, 4, 3))
    encoder = keras.Model(inner, keras.layers.Conv2D(4, 3, padding="same", name="first")(inner), name="encoder")
    x = keras.layers.BatchNormalization()(encoder(image))
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="last")(x))


def kernels(model: keras.Model) -> tuple[Any, Any]:
    layers = model.get_layer("encoder").get_layer("first"), model.get_layer("last")
    first, last = (layer.kernel.numpy() for layer in layers)
    return first, last


def step(model: keras.Model) -> float:
    """One step of gradient descent on nothing but penalties; their sum before it."""
    return float(model.train_on_batch(*DARK))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_penalty_pulls_kernels_that_learn_and_no_others(frozen: bool, tmp_path: Path) -> None:
    model = network()
    model.get_layer("encoder").trainable = not frozen
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=keras.losses.MeanSquaredError())
    first, last = kernels(model)
    penalise_kernels(model, 0.1)
    expected = 0.1 * ((last**2).sum() + (0.0 if frozen else (first**2).sum()))
    assert step(model) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(kernels(model)[0], first if frozen else 0.8 * first, rtol=1e-5)
    np.testing.assert_allclose(kernels(model)[1], 0.8 * last, rtol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    penalise_kernels(again, 0.1)
    assert step(again) == pytest.approx(step(model), rel=1e-5)
    np.testing.assert_allclose(kernels(again)[1], 0.64 * last, rtol=1e-5)
    np.testing.assert_allclose(kernels(again)[0], first if frozen else 0.64 * first, rtol=1e-5)


def test_a_penalty_ends_with_its_stage() -> None:
    model = network()
    for l2 in (0.1, 0.0):
        penalise_kernels(model, l2)
        model.compile(optimizer=keras.optimizers.SGD(1.0), loss=keras.losses.MeanSquaredError())
        assert (step(model) > 0) == (l2 > 0)


def test_biases_and_batch_norm_are_not_penalised() -> None:
    model = network()
    penalise_kernels(model, 1.0)
    assert {len(weight.shape) for weight in model.weights if weight.regularizer} == {4}
    assert {len(weight.shape) for weight in model.weights if not weight.regularizer} == {1}


def test_a_cosine_comes_down_once_in_all_batches_of_a_stage() -> None:
    stage = StageConfig(name="a", learning_rate=1e-2)
    for accumulate in (1, 4):
        config = CONFIG.model_copy(update={"accumulate": accumulate})
        model = network()
        model.compile(optimizer=make_optimizer(stage, config, batches=8), loss=keras.losses.MeanSquaredError())
        rates = []
        for _ in range(9):
            rates.append(float(model.optimizer.learning_rate))
            model.train_on_batch(*DARK)
        cosine = 0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * np.arange(8) / 8))
        np.testing.assert_allclose(rates[:8], 1e-2 * cosine, rtol=1e-5)
        assert rates[8] == pytest.approx(1e-2 * (0.1 + 0.9 * 0.9), rel=1e-5)  # restarts


def test_a_cosine_begins_anew_as_often_as_a_stage_asks() -> None:
    stage = StageConfig(name="a", learning_rate=1e-2, cycles=2)
    model = network()
    model.compile(optimizer=make_optimizer(stage, CONFIG, batches=12), loss=keras.losses.MeanSquaredError())
    rates = []
    for _ in range(12):
        rates.append(float(model.optimizer.learning_rate))
        model.train_on_batch(*DARK)
    first, second = (0.5 * (1 + np.cos(np.pi * np.arange(n) / n)) for n in (4, 8))
    expected = np.concatenate([0.1 + 0.9 * first, 0.1 + 0.9 * 0.9 * second])
    np.testing.assert_allclose(rates, 1e-2 * expected, rtol=1e-5)


def test_accumulated_batches_make_the_step_of_one_large_batch() -> None:
    rng = np.random.default_rng(0)
    image, target = (rng.random((8, 4, 4, bands)).astype("float32") for bands in (3, 2))
    stage = StageConfig(name="a", schedule="constant", learning_rate=1e-2)
    found = []
    for accumulate in (1, 4):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((4, 4, 3))
        model = keras.Model(inputs, keras.layers.Conv2D(2, 3, padding="same")(inputs))
        config = CONFIG.model_copy(update={"accumulate": accumulate})
        model.compile(optimizer=make_optimizer(stage, config, batches=8), loss=keras.losses.MeanSquaredError())
        before = model.get_weights()[0]
        for images, targets in zip(np.split(image, accumulate), np.split(target, accumulate), strict=True):
            np.testing.assert_array_equal(model.get_weights()[0], before)
            model.train_on_batch(images, targets)
        found.append(model.get_weights()[0])
        assert not np.array_equal(found[-1], before)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-6)


def test_a_rate_falls_on_each_plateau_down_to_the_least() -> None:
    optimizer = keras.optimizers.Adam(1e-2)
    plateau = PlateauConfig(factor=0.1, patience=2, least=5e-4)
    rates = []
    for waited in (0, 1, 2, 3, 4, 0, 1, 2):
        lower_rate(optimizer, plateau, waited)
        rates.append(float(optimizer.learning_rate))
    np.testing.assert_allclose(rates, [1e-2, 1e-2, 1e-3, 1e-3, 5e-4, 5e-4, 5e-4, 5e-4], rtol=1e-6)
    slow = keras.optimizers.Adam(1e-7)
    lower_rate(slow, plateau, 2)
    assert float(slow.learning_rate) == pytest.approx(1e-7)  # never raised


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_the_average_of_weights_takes_their_place_meanwhile(precision: Any) -> None:
    config = CONFIG.model_copy(update={"ema": 0.75, "precision": precision})
    stage = StageConfig(name="a", schedule="constant", learning_rate=1e-1)
    model = network()
    model.compile(optimizer=make_optimizer(stage, config, batches=1), loss=keras.losses.MeanSquaredError())
    penalise_kernels(model, 1.0)
    average, seen = None, []
    for done in range(40):
        model.train_on_batch(*DARK)
        seen = [weight.numpy() for weight in model.trainable_variables]
        kept = min(0.75, (1 + done) / (10 + done))  # a short training's average forgets how it began
        average = seen if average is None else [kept * a + (1 - kept) * w for a, w in zip(average, seen, strict=True)]
    assert average is not None
    with averaged(model):
        for weight, expected in zip(model.trainable_variables, average, strict=True):
            np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-5, atol=1e-6)
    for weight, expected in zip(model.trainable_variables, seen, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected)


def test_without_an_average_weights_stay() -> None:
    model = network()
    stage = StageConfig(name="a")
    model.compile(optimizer=make_optimizer(stage, CONFIG, batches=1), loss=keras.losses.MeanSquaredError())
    before = model.get_weights()
    with averaged(model):
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_losses_are_scaled_where_gradients_would_vanish() -> None:
    def optimizer(precision: str) -> Any:
        config = CONFIG.model_copy(update={"precision": precision})
        return make_optimizer(StageConfig(name="a"), config, batches=1)

    assert isinstance(optimizer("mixed_float16"), keras.optimizers.LossScaleOptimizer)
    assert not isinstance(optimizer("mixed_bfloat16"), keras.optimizers.LossScaleOptimizer)


def test_a_precision_holds_for_layers_made_meanwhile() -> None:
    with pytest.raises(RuntimeError), computing_in("mixed_bfloat16"):
        assert keras.layers.Conv2D(1, 1).compute_dtype == "bfloat16"
        raise RuntimeError
    assert keras.layers.Conv2D(1, 1).compute_dtype == "float32"
