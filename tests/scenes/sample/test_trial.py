"""The settings of a trial fit each other."""

from __future__ import annotations

from watermap.scenes.sample import trial


def test_scenes_kept_apart_are_of_places_that_no_training_scene_shows() -> None:
    apart = trial.kept_apart(trial.SCENES, trial.SCENES.scenes)
    dates_of_a_place = 2
    trained = {number // dates_of_a_place for number in range(trial.SCENES.scenes)}
    tested = {apart.first_place + number // dates_of_a_place for number in range(apart.scenes)}
    assert len(tested) == 3
    assert not trained & tested
    assert (apart.size, apart.seed) == (trial.SCENES.size, trial.SCENES.seed)


def test_patches_fit_into_the_scenes() -> None:
    assert trial.TILE.patch_size <= trial.SCENES.size
    assert trial.TILE.bands is not None
    assert (trial.TILE.min_water, trial.TILE.max_water) == (0, 1)  # every patch counts where there are few
