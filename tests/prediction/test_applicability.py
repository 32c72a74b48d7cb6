from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.bundles.contract import SplitData, TrainingData
from watermap.config import PredictConfig, SampleConfig
from watermap.errors import WatermapWarning
from watermap.prediction.applicability import TRAINED_ON_TAG, knows_synthetic_only, size_note
from watermap.prediction.array import predict_array
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import Prediction, predict_scene
from watermap.scenes.sample import write_samples

REAL_NAMES = {"lake": "0" * 64}


def data_of(**labels: dict[str, int]) -> TrainingData:
    """Training data of 10 m pixels with labels of kinds, by split."""
    splits = {
        name: SplitData(scenes=1, grounds=1, labels=labels.get(name, {}), water=0.5, area_km2=1.0)
        for name in ("train", "validation", "test")
    }
    return TrainingData(
        splits=splits, bounds=(0, 0, 1, 1), pixel_sizes_m=(10, 10), days=None, dated_scenes=0, undated_scenes=1
    )


def bundle_of(folder: Path, scenes: dict[str, str], data: TrainingData | None) -> Bundle:
    return make_bundle(folder, trained_on={"patches": "0" * 64, "counts": {}, "scenes": scenes}, data=data)


def scene_of(path: Path, *, pixel: float = 10.0) -> Path:
    values = np.random.default_rng(0).integers(150, 3000, (6, 64, 64)).astype(np.uint16)
    return write_tif(path, values, make_grid(64, 64, pixel=pixel), names=STANDARD_BANDS, no_data=65535)


def mapped(scene: Path, *bundles: Bundle) -> tuple[Prediction, dict[str, Any]]:
    """What a scene's map is, and its tags."""
    bundle, *others = bundles
    made = predict_scene(scene, Predictor(bundle, PredictConfig(), others), bundle.folder / "maps")
    with rasterio.open(made.water) as water:
        return made, water.tags()


@pytest.mark.parametrize(
    ("scenes", "labels", "only"),
    [
        ({"sample_00_20230714": "0"}, None, True),
        ({"sample_00_20230714": "0", "lake": "1"}, None, False),
        ({"mine": "0"}, {"train": {"exact": 3}, "validation": {"exact": 1}}, True),
        ({"mine": "0"}, {"train": {"exact": 3, "hand": 1}}, False),
        ({"mine": "0"}, {"train": {"exact": 3}, "validation": {"hand": 1}}, False),
        ({"mine": "0"}, {"train": {"exact": 3}, "test": {"hand": 1}}, True),
        ({}, None, False),
    ],
)
def test_what_was_trained_on_sample_scenes_alone_is_known(
    scenes: dict[str, str], labels: dict[str, dict[str, int]] | None, *, only: bool, tmp_path: Path
) -> None:
    data = None if labels is None else data_of(**labels)
    assert knows_synthetic_only(bundle_of(tmp_path / "b", scenes, data).contract) is only


def test_a_real_scene_mapped_by_what_knows_none_is_noted_once_and_tagged(tmp_path: Path) -> None:
    invented = bundle_of(tmp_path / "invented", {"sample_00_20230714": "0"}, None)
    real = bundle_of(tmp_path / "real", REAL_NAMES, None)
    scene = scene_of(tmp_path / "lake.tif")
    made, tags = mapped(scene, invented)
    (note,) = made.notes
    assert note == (
        f"{scene}: bundle invented was trained on invented scenes only, so that its map of a real one is not to be "
        "trusted"
    )
    assert tags[TRAINED_ON_TAG] == "synthetic scenes only"
    assert TRAINED_ON_TAG in mapped(scene, real, invented)[1]
    made, tags = mapped(scene, real)
    assert made.notes == ()
    assert TRAINED_ON_TAG not in tags


def test_a_sample_scene_is_mapped_without_a_word(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples", SampleConfig(scenes=1, size=128))
    (image,) = (tmp_path / "samples").glob("*/image.tif")
    made, tags = mapped(image, bundle_of(tmp_path / "b", {"sample_00_20230714": "0"}, None))
    assert made.notes == ()
    assert TRAINED_ON_TAG not in tags


def test_an_array_is_warned_of_too(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "invented", {"sample_00_20230714": "0"}, None)
    values = np.random.default_rng(0).integers(150, 3000, (6, 64, 64)).astype(np.uint16)
    with pytest.warns(WatermapWarning, match="bundle invented was trained on invented scenes only"):
        predict_array(values, bands=STANDARD_BANDS, bundle=bundle)


def test_pixels_of_another_size_than_it_learned_from_are_noted(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", REAL_NAMES, data_of(train={"hand": 3}))
    made, _ = mapped(scene_of(tmp_path / "coarse.tif", pixel=30), bundle)
    (note,) = made.notes
    assert note.endswith("coarse.tif: its pixels are 30 m wide, but the model learned from pixels of 10 m")
    assert mapped(scene_of(tmp_path / "like.tif", pixel=12), bundle)[0].notes == ()
    averaging = make_bundle(
        tmp_path / "a", trained_on=bundle.contract.trained_on, data=bundle.contract.data, finest_m=10.0
    )
    (note,) = mapped(scene_of(tmp_path / "fine.tif", pixel=2.5), averaging)[0].notes
    assert "averaged to 10 m" in note  # and so of the size that it learned from
    assert size_note(bundle.contract, None) is None
    assert size_note(make_bundle(tmp_path / "old").contract, 30) is None
