"""Cross-validation by place, from a folder of scenes to scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.folders import listing
from tests.support.rasters import lake_image, make_grid, shore_label, write_scene
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import open_bundle
from watermap.config import Recipe, RecipeScene, TileConfig, TrainConfig
from watermap.errors import UsageError
from watermap.training.cross_validation import ALL_BANDS, SCORES_FILE, cross_validate, read_scores, table_of

TRAIN = TrainConfig(
    encoder="plain",
    preset="fast",
    inputs="spectral",
    augment="spectral",
    sampling="scenes",
    epoch_patches=48,
    epochs=4,
    batch_size=8,
)
TILE = TileConfig(
    patch_size=32,
    bands=STANDARD_BANDS,
    optional_bands=("B2", "B4", "B11", "B12"),
    min_water=0,
    max_water=1,
    validation=0,
    test=0,
)
RECIPE = Recipe(
    scenes={"east": RecipeScene(fold=0), "west": RecipeScene(fold=1), "basic": RecipeScene(fold=1, shows="two bands")},
    tests={"judge": RecipeScene()},
    tile=TILE,
    train=TRAIN,
)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Four places, one of them with green and near infrared only."""
    for number, name in enumerate(("east", "west", "basic", "judge")):
        label = shore_label((96, 96))
        image = lake_image(label, 6)
        bands = ("B3", "B8") if name == "basic" else STANDARD_BANDS
        chosen = image[[STANDARD_BANDS.index(band) for band in bands]]
        grid = make_grid(96, 96, left=300_000 + 40_000 * number)
        write_scene(tmp_path / "scenes", name, grid, label=label, image=chosen, bands=bands)
    return tmp_path / "scenes"


@pytest.mark.extended
def test_each_scene_is_scored_by_a_model_that_was_not_trained_on_it(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "folds"
    scores = cross_validate(scenes, out, RECIPE, folds=[1])
    assert [each.name for each in scores] == ["basic", "judge", "west"]
    bundle = open_bundle(out / "fold-1")
    assert set(bundle.contract.trained_on["scenes"]) == {"east"}
    assert bundle.contract.training["config"]["augment"] == "spectral"
    basic, judge, west = scores
    assert set(west.water_iou) == {ALL_BANDS, "without B12", "without SWIR", "B3 and B8 only"}
    assert set(basic.water_iou) == {ALL_BANDS}
    assert basic.rules["MNDWI 0"] is None
    assert {each.bundle for each in scores} == {bundle.id}
    assert all(0 <= each.false_water[ALL_BANDS] <= 1 for each in (west, basic, judge))
    assert not [name for name in listing(out / "fold-1") if name in (".scenes", ".patches", ".training")]
    stamp = (out / "fold-1" / "bundle.json").stat().st_mtime_ns
    again = cross_validate(scenes, out, RECIPE, folds=[0])  # the other fold, by itself
    assert (out / "fold-1" / "bundle.json").stat().st_mtime_ns == stamp
    kept = read_scores(out)
    assert {name: len(found) for name, found in kept.items()} == {"basic": 1, "east": 1, "judge": 2, "west": 1}
    assert kept["west"] == [west]
    assert len(again) == 5
    assert json.loads((out / SCORES_FILE).read_text())["west"][0]["bundle"] == bundle.id
    rows = table_of(again, {**RECIPE.scenes, **RECIPE.tests})
    assert [row[0] for row in rows] == ["basic", "east", "judge", "west"]
    assert rows[0][1] == "two bands"
    mean = np.mean([each.water_iou[ALL_BANDS] or 0 for each in kept["judge"]])
    assert rows[2][3] == f"{mean:.3f}"


def test_a_fold_that_is_not_there_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no fold 7: choose from 0, 1"):
        cross_validate(scenes, tmp_path / "folds", RECIPE, folds=[7])
    assert not (tmp_path / "folds").exists()
