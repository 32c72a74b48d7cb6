"""Metrics against `watermap.evaluation.scores` and numpy, batch by batch and beyond what float32 can count."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermap.evaluation.scores import Confusion, scores_from_counts
from watermap.training.losses import CrossEntropy
from watermap.training.metrics import Accuracy, MeanCrossEntropy, MeanDice, MeanIoU, WaterIoU

HARD = {"accuracy": Accuracy, "mean_iou": MeanIoU, "water_iou": WaterIoU, "dice": MeanDice}
ALL = [*HARD.values(), MeanCrossEntropy]


def batch(rng: Any, *, codes: tuple[int, ...] = (0, 1, 255)) -> tuple[Any, Any]:
    """A label (2, 5, 5) and probabilities (2, 5, 5, 2)."""
    label = rng.choice(codes, (2, 5, 5)).astype("uint8")
    water = rng.random(label.shape).astype("float32")
    return label, np.stack([1 - water, water], axis=-1)


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(0, 1, 255), (0, 255), (1, 255), (255,), (0,)]),
    st.integers(1, 4),
    st.sampled_from([0.0, 1.0, None]),
)
def test_metrics_agree_with_scores(seed: int, codes: tuple[int, ...], batches: int, chance: float | None) -> None:
    rng = np.random.default_rng(seed)
    metrics = {name: metric() for name, metric in HARD.items()}
    confusion = Confusion()
    for _ in range(batches):
        label, probability = batch(rng, codes=codes)
        if chance is not None:
            probability[...] = (1 - chance, chance)
        confusion.add(label, (probability[..., 1] >= 0.5).astype("uint8"))
        for metric in metrics.values():
            metric.update_state(label, probability)
    scores = confusion.scores()
    for name, metric in metrics.items():
        np.testing.assert_array_equal(metric.counts(), confusion.counts)
        assert float(metric.result()) == pytest.approx(getattr(scores, name) or 0.0, rel=1e-5), name


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_mean_cross_entropy_against_numpy(seed: int, batches: int) -> None:
    rng = np.random.default_rng(seed)
    metric = MeanCrossEntropy()
    nats: list[float] = []
    for index in range(batches):
        label, probability = batch(rng, codes=(0, 1, 255) if index else (255,))
        metric.update_state(label, probability)
        for code, (land, water) in zip(label.ravel().tolist(), probability.reshape(-1, 2).tolist(), strict=True):
            if code != 255:
                nats.append(-np.log(max(water if code else land, 1e-7)))
    assert float(metric.result()) == pytest.approx(np.mean(nats) if nats else 0.0, rel=1e-4)


@pytest.mark.parametrize("metric", ALL)
def test_nothing_seen_is_zero(metric: Any) -> None:
    assert float(metric().result()) == 0


def test_a_tie_is_water() -> None:
    metric = Accuracy()
    metric.update_state(np.array([[[1, 0]]]), np.full((1, 1, 2, 2), 0.5, "float32"))
    assert metric.counts().tolist() == [[0, 1], [0, 1]]


def test_no_pixel_is_lost_beyond_what_float32_counts() -> None:
    """2^24 + 1 is the first whole number that float32 does not hold."""
    metric = Accuracy()
    land = np.zeros((1, 2048, 2048), "uint8")
    dry = np.broadcast_to(np.array([1, 0], "float32"), (*land.shape, 2))
    for _ in range(4):
        metric.update_state(land, dry)
    for _ in range(3):
        metric.update_state(land[:, :1, :1], dry[:, :1, :1])
    assert metric.counts()[0, 0] == 2**24 + 3


@pytest.mark.parametrize("pixels", [2**30 - 1, 2**31 - 1, 2**31, 10**12])
def test_counts_are_carried_beyond_32_bits(pixels: int) -> None:
    metric = Accuracy()
    metric._low.assign([[pixels % 2**30, 0], [0, 0]])
    metric._high.assign([[pixels // 2**30, 0], [0, 0]])
    metric.update_state(np.array([[[0, 0, 1]]]), np.array([[[[1, 0], [1, 0], [1, 0]]]], "float32"))
    assert metric.counts().tolist() == [[pixels + 2, 0], [1, 0]]
    assert float(metric.result()) == pytest.approx(scores_from_counts(metric.counts()).accuracy)
    assert (keras.ops.convert_to_numpy(metric._low) < 2**30).all()


@pytest.mark.parametrize("metric", ALL)
def test_reset_forgets(metric: Any) -> None:
    label, probability = batch(np.random.default_rng(0))
    once, again = metric(), metric()
    once.update_state(label, probability)
    for _ in range(2):
        again.reset_state()
        again.update_state(label, probability)
    assert float(again.result()) == float(once.result())


@pytest.mark.parametrize("metric", ALL)
def test_settings_survive_serialisation(metric: Any) -> None:
    original = metric(name="of_lakes")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(original))
    assert type(again) is metric
    assert again.get_config() == original.get_config()


@pytest.mark.parametrize("xla", [False, True])
def test_metrics_in_compiled_training(xla: bool) -> None:
    rng = np.random.default_rng(0)
    label, _ = batch(rng)
    image = rng.random((*label.shape, 3)).astype("float32")
    model = keras.Sequential([keras.Input((5, 5, 3)), keras.layers.Conv2D(2, 1, activation="softmax")])
    model.compile(loss=CrossEntropy(), metrics=[metric() for metric in ALL], jit_compile=xla)
    found = model.evaluate(image, label, verbose=0, return_dict=True)
    predicted = model.predict(image, verbose=0)
    confusion = Confusion()
    confusion.add(label, (predicted[..., 1] >= 0.5).astype("uint8"))
    scores = confusion.scores()
    assert found["accuracy"] == pytest.approx(scores.accuracy)
    assert found["mean_iou"] == pytest.approx(scores.mean_iou)
    assert found["water_iou"] == pytest.approx(scores.water_iou)
    assert found["mean_dice"] == pytest.approx(scores.dice)
    assert found["mean_cross_entropy"] == pytest.approx(found["loss"], rel=1e-5)
