"""Losses as settings: sums with weights and options, and what is saved of them."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.training.losses.plain import sample
from watermap.config.loss import TERMS
from watermap.errors import UsageError
from watermap.training.losses import (
    LOSSES,
    BalancedCrossEntropy,
    Bootstrap,
    CrossEntropy,
    CrossEntropyDice,
    Dice,
    Focal,
    Forward,
    LossSum,
    Tversky,
    get_loss,
)
from watermap.training.metrics import Accuracy, MeanCrossEntropy, MeanDice, MeanIoU, WaterIoU


def test_unknown_loss() -> None:
    with pytest.raises(UsageError, match=r"'hinge'.*cross_entropy, .*dice, .*cross_entropy_dice"):
        get_loss("hinge")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no loss ''"),
        ("dice+", "no loss ''"),
        ("dice dice", "no loss 'dice dice'"),
        ("dice*2", "no loss '2'"),
        ("focal(2)", "focal has no option '2': it takes gamma, land, water"),
        ("focal(alpha=1)", "no option 'alpha'"),
        ("balanced_cross_entropy(water=2)", "it takes none"),
        ("bootstrap(beta=1)", "beta of bootstrap is a share below 1, not 1"),
        ("forward(missed=0.5)", "missed of forward is a share below 0.5"),
        ("focal(gamma=-1)", "gamma of focal is no number above 0: '-1'"),
        ("dice(smooth=nan)", "smooth of dice"),
        ("0*dice", "the factor of dice is no number above 0: '0'"),
        ("x*dice", "the factor of dice"),
        ("focal(gamma=2", "is no loss: write it like"),
    ],
)
def test_a_loss_that_cannot_be_read_is_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        get_loss(text)


def test_every_loss_can_be_said_with_all_its_options() -> None:
    assert list(LOSSES) == list(TERMS)
    for name, options in TERMS.items():
        parameters = list(inspect.signature(LOSSES[name]).parameters)
        assert [each for each in parameters if each not in ("name", "options")] == list(options), name
        assert LOSSES[name]().name == name


def test_settings_survive_serialisation() -> None:
    for loss in (
        CrossEntropy(),
        Dice(smooth=3),
        CrossEntropyDice(0.2, 0.8, 5, reduction="sum", name="both"),
        CrossEntropy(2, 3),
        BalancedCrossEntropy(),
        Focal(1, 2, 3),
        Tversky(0.6, 0.4, 0.75, 2),
        LossSum("0.5*dice(smooth=2)+focal", 2, 0.1),
        LossSum("dice", ignore_px=3),
        Bootstrap(0.7),
        Forward(0.2, 0.01),
    ):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()


@pytest.mark.extended
def test_compiled_models_load_in_a_fresh_process(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
    label, _ = sample(2)
    losses = [
        CrossEntropyDice(dice_weight=0.5),
        LossSum("0.5*focal(gamma=1)+tversky+balanced_cross_entropy", 1, 0.1),
        LossSum("bootstrap+forward", ignore_px=1),
    ]
    expected = []
    for number, loss in enumerate(losses):
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 1, activation="softmax")])
        metrics: list[Any] = [Accuracy(), MeanIoU(), WaterIoU(), MeanDice(), MeanCrossEntropy()]
        model.compile(loss=loss, metrics=metrics)
        expected.append(model.evaluate(image, label, verbose=0, return_dict=True))
        model.save(tmp_path / f"{number}.keras")
    np.savez(tmp_path / "data.npz", image=image, label=label)
    script = """
import json, sys, keras, numpy as np
from pathlib import Path
import watermap.training.losses, watermap.training.metrics
folder = Path(sys.argv[1])
data = np.load(folder / "data.npz")
models = [keras.saving.load_model(path, safe_mode=True) for path in sorted(folder.glob("*.keras"))]
print(json.dumps([model.evaluate(data["image"], data["label"], verbose=0, return_dict=True) for model in models]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    for found, wanted in zip(json.loads(done.stdout), expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-5)
        assert set(wanted) == {"loss", *(metric.name for metric in metrics)}
