"""The recipe of the default bundle."""

from __future__ import annotations

from watermap.config import TrainConfig, read_recipe


def test_scenes_of_one_place_are_in_one_fold_and_what_is_only_tested_is_in_none() -> None:
    recipe = read_recipe()
    assert recipe.folds == (0, 1, 2, 3, 4)
    assert len(recipe.scenes) == 21
    assert len({recipe.scenes[f"rockies_{each}"].fold for each in "abc"}) == 1
    assert set(recipe.tests) == {"spain_flood"}
    assert not set(recipe.tests) & set(recipe.scenes)
    assert not [name for name in recipe.scenes if name.startswith("chip")]
    sizes = [sum(scene.fold == fold for scene in recipe.scenes.values()) for fold in recipe.folds]
    assert max(sizes) - min(sizes) <= 3


def test_its_settings_are_those_of_the_recipe_by_name_and_what_is_stated_wins() -> None:
    recipe = read_recipe()
    assert TrainConfig(recipe="default") == recipe.train
    assert TrainConfig.load(recipe="default", epochs=3).epochs == 3
    assert recipe.train.inputs == recipe.train.augment == "spectral"
    assert (recipe.tile.validation, recipe.tile.test) == (0, 0)
    assert set(recipe.tile.optional_bands) == {"B2", "B4", "B11", "B12"}
