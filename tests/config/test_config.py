import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from watermap.config import ExportConfig, PredictConfig, SampleConfig, TileConfig, TrainConfig
from watermap.errors import UsageError


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text("[tile]\npatch_size = 64\nmin_water = 0.1\n[train]\nepochs = 3\n")
    config = TileConfig.load(path, section="tile", min_water=0.2, seed=None)
    assert (config.patch_size, config.min_water, config.max_water) == (64, 0.2, 0.7)
    assert TrainConfig.load(path, section="train").epochs == 3


def test_a_file_for_other_commands_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text("[train]\nepochs = 3\n")
    assert PredictConfig.load(path, section="predict") == PredictConfig()
    path.write_text("window = 256\n")
    assert PredictConfig.load(path, section="predict").window == 256


def test_stages_can_be_written_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text('[[train.stages]]\nname = "only"\nloss = "dice"\ntrain_encoder_from = 100\n')
    stages = TrainConfig.load(path, section="train").resolved_stages
    assert [(s.name, s.loss, s.train_encoder_from) for s in stages] == [("only", "dice", 100)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tile]\npatch_sise = 64", "patch_sise"),
        ("[tile]\npatch_size = 4", "patch_size"),
        ("[tile]\nmin_water = 0.9", "above max_water"),
        ("[tile]\nvalidation = 0.5\ntest = 0.5", "nothing to train on"),
        ("[tile", "not a TOML file"),
        ("tile = 3", "tile is no table"),
        ("[tile]\nscale = inf", "scale"),
        ("[tile]\noffset = nan", "offset"),
        ("[tile]\noffset = 1000.0", "offset"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        TileConfig.load(path, section="tile")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_are_frozen_and_their_digest_follows_their_content() -> None:
    config = SampleConfig(seed=1)
    assert config.digest() == SampleConfig(seed=1).digest() != SampleConfig(seed=2).digest()
    with pytest.raises(ValidationError):
        config.seed = 2  # type: ignore[misc]  # that it fails is the point


def test_weights_follow_the_encoder() -> None:
    assert TrainConfig(encoder="resnet50").resolved_weights == "imagenet"
    assert TrainConfig(encoder="compact").resolved_weights is None
    assert TrainConfig(weights="none").resolved_weights is None
    assert TrainConfig(weights="a.h5").resolved_weights == "a.h5"
    assert [stage.name for stage in TrainConfig().resolved_stages] == ["frozen", "frozen_dice", "fine_tune"]


def test_an_overlap_of_half_a_window_is_refused() -> None:
    with pytest.raises(UsageError, match="less than half"):
        PredictConfig.load(window=64, overlap=32)


def test_a_schedule_asks_for_the_last_days(tmp_path: Path) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    found = ExportConfig.load(None, last_days=10, max_cloud=7)
    assert (found.start, found.end, found.max_cloud) == (today - datetime.timedelta(days=10), today, 7)
    assert found.digest() == ExportConfig.load(None, start=str(found.start), end=str(today), max_cloud=7).digest()
    assert ExportConfig(**found.model_dump()) == found
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({}, "a period is needed"),
        ({"start": "2023-06-01"}, "a period is needed"),
        ({"last_days": 3, "end": "2023-06-01"}, "last_days and end are two periods"),
        ({"last_days": 0}, "last_days: "),
        ({"last_days": "x"}, "last_days: "),
    ]
    for stated, reason in mistakes:
        with pytest.raises(UsageError, match=reason):
            ExportConfig.load(None, **stated)
    path = tmp_path / "w.toml"
    path.write_text('[export]\nstart = "2023-06-01"\nend = "2023-06-30"\nlabel = "jrc"\n')
    assert ExportConfig.load(path, section="export", last_days=10, max_cloud=7).start == found.start
    path.write_text("[export]\nlast_days = 10\n")
    stated = {"start": "2023-06-01", "end": "2023-06-30"}
    assert str(ExportConfig.load(path, section="export", **stated).end) == "2023-06-30"
