"""Training on a folder of scenes."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermap.config import TrainConfig, read_recipe
from watermap.errors import DataError
from watermap.training.from_scenes import train_on_scenes


def test_a_folder_without_the_recipes_scenes_leaves_nothing_behind(small_scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none of the recipe's scenes"):
        train_on_scenes(small_scenes, tmp_path / "out", read_recipe(), TrainConfig(recipe="default"))
    assert not (tmp_path / "out").exists()
