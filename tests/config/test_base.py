"""What all settings share: file, flags, defaults, digest."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from watermap.config import PredictConfig, SampleConfig, TileConfig, TrainConfig
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
