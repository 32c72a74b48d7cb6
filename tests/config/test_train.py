"""Settings of training: recipes, stages, weights, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watermap.config import PlateauConfig, ShoreConfig, StageConfig, TrainConfig
from watermap.errors import UsageError


def test_stages_can_be_written_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text('[[train.stages]]\nname = "only"\nloss = "dice"\ntrain_encoder_from = 100\n')
    stages = TrainConfig.load(path, section="train").resolved_stages
    assert [(s.name, s.loss, s.train_encoder_from) for s in stages] == [("only", "dice", 100)]


def test_weights_follow_the_encoder() -> None:
    assert TrainConfig(encoder="resnet50").resolved_weights == "imagenet"
    assert TrainConfig(encoder="compact").resolved_weights is None
    assert TrainConfig(weights="none").resolved_weights is None
    assert TrainConfig(weights="a.h5").resolved_weights == "a.h5"
    assert [stage.name for stage in TrainConfig().resolved_stages] == ["frozen", "frozen_dice", "fine_tune"]


def test_the_reference_recipe_is_four_stages_of_thirty_twenty_ten_and_ten_epochs() -> None:
    config = TrainConfig(recipe="reference")
    assert (config.batch_size, config.patience, config.stage_epochs()) == (32, 10, [30, 20, 10, 10])
    stages = config.resolved_stages
    assert [stage.loss for stage in stages] == ["cross_entropy", *["cross_entropy+dice"] * 3]
    assert [(s.learning_rate, s.schedule) for s in stages] == [(1e-4, "constant"), *[(1e-5, "cosine")] * 3]
    assert [stage.train_encoder_from for stage in stages] == ["none", "none", 100, 100]
    assert [stage.l2 for stage in stages] == [0, 0, 0, 1e-4]
    assert TrainConfig(recipe="reference", batch_size=8).batch_size == 8  # what is stated wins
    assert TrainConfig.load(recipe="reference", epochs=7).stage_epochs() == [3, 2, 1, 1]
    assert TrainConfig(**config.model_dump()) == config
    with pytest.raises(UsageError, match="needs weights to start from"):
        TrainConfig.load(recipe="reference", weights="none")


def test_what_a_stage_is_made_of_can_be_written_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text("""
        [train]
        soft_shores = {px = 2}
        [[train.stages]]
        name = "a"
        loss = "focal(gamma=1) + 0.5*dice"
        l2 = 1e-4
        schedule = "plateau"
        plateau = {factor = 0.5, patience = 2}
        """)
    config = TrainConfig.load(path, section="train")
    (stage,) = config.stages
    assert config.soft_shores == ShoreConfig(px=2, softness=0.1)
    assert stage.plateau == PlateauConfig(factor=0.5, patience=2, least=1e-6)
    assert stage.loss == "focal(gamma=1) + 0.5*dice"
    assert TrainConfig.load(path, section="train", loss="dice").resolved_stages[0].loss == "dice"


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"loss": "hinge"}, "loss: there is no loss 'hinge': choose from cross_entropy,"),
        ({"stages": [{"name": "a", "loss": "dice(smooth=0)"}]}, "stages.0.loss: smooth of dice is no number above 0"),
        ({"stages": [{"name": "a", "plateau": {"patience": 2}}]}, "stages.0: plateau says nothing about a schedule"),
        ({"ema": 1.0}, "ema"),
        ({"accumulate": 0}, "accumulate"),
        ({"soft_shores": {"softness": 0.5}}, "soft_shores.softness"),
        ({"precision": "float16"}, "precision"),
        ({"ignore_shores_px": 17}, "ignore_shores_px"),
        ({"loss": "forward(missed=0.7)"}, "missed of forward is a share below 0.5"),
    ],
)
def test_settings_of_training_that_cannot_be_are_one_line(stated: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        TrainConfig.load(None, **stated)
    assert "\n" not in str(caught.value)


def test_every_setting_of_training_makes_another_training() -> None:
    stated: list[dict[str, Any]] = [
        {},
        {"loss": "dice"},
        {"loss": "focal"},
        {"sampling": "balanced"},
        {"sampling": "boundary"},
        {"precision": "mixed_bfloat16"},
        {"precision": "mixed_float16"},
        {"accumulate": 2},
        {"ema": 0.9},
        {"xla": "on"},
        {"soft_shores": ShoreConfig()},
        {"soft_shores": ShoreConfig(px=2)},
        {"ignore_shores_px": 2},
        {"loss": "bootstrap(beta=0.8)"},
        {"recipe": "reference"},
        {"stages": (StageConfig(name="a"),)},
        {"stages": (StageConfig(name="a", l2=1e-4),)},
        {"stages": (StageConfig(name="a", schedule="plateau"),)},
        {"stages": (StageConfig(name="a", schedule="plateau", plateau=PlateauConfig(patience=1)),)},
    ]
    assert len({TrainConfig(**each).digest() for each in stated}) == len(stated)
