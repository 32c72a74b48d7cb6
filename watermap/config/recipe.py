"""Recipes: scenes, folds and settings that belong together, in one file of the package."""

from __future__ import annotations

import functools
from typing import Any, Literal

from pydantic import Field

from watermap.bands import REFLECTANCE_SCALE
from watermap.config.base import Config
from watermap.config.tile import TileConfig
from watermap.config.toml import packaged_table
from watermap.config.train import TrainConfig

RecipeName = Literal["default"]


class RecipeScene(Config):
    """A scene of a recipe, and what its files do not say."""

    image: str = Field("image.tif", description="File of the image.")
    label: str = Field("label.tif", description="File of the label: 0 land, 1 water, anything else unknown.")
    fold: int = Field(0, ge=0, description="The fold in which it is tested.")
    scale: float = Field(REFLECTANCE_SCALE, gt=0, description="Reflectance of one DN.")
    offset: float = Field(0.0, description="DN to add before scaling.")
    pixel_size_m: float | None = Field(None, gt=0, description="Where the file does not say where the scene lies.")
    sensor: str = Field("", description="For the table of results.")
    shows: str = Field("", description="What is hard about it, for the table of results.")


class Recipe(Config):
    """What a bundle is trained on, how, and what it is tested on."""

    scenes: dict[str, RecipeScene] = Field({}, description="By name of the folder.")
    tests: dict[str, RecipeScene] = Field({}, description="Scenes that are never trained on.")
    tile: TileConfig = Field(TileConfig(), description="How scenes are cut.")
    train: TrainConfig = Field(TrainConfig(), description="How patches are trained on.")

    @property
    def folds(self) -> tuple[int, ...]:
        """Numbers of the folds."""
        return tuple(sorted({scene.fold for scene in self.scenes.values()}))


@functools.cache
def read_recipe(name: RecipeName = "default") -> Recipe:
    """A recipe of the package."""
    table = packaged_table(name)
    settings: dict[str, Any] = {**table, "train": {**table["train"], "recipe": name}}
    return Recipe(**settings)
