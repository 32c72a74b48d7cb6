from pathlib import Path

import rasterio

from watermap.config import SampleConfig
from watermap.scenes.folder import find_scenes
from watermap.scenes.sample import write_samples
from watermap.scenes.stac import label_kind
from watermap.scenes.synthetic import are_synthetic, is_synthetic


def test_sample_scenes_are_known_by_image_label_and_name(tmp_path: Path) -> None:
    write_samples(tmp_path / "scenes", SampleConfig(scenes=2, size=128))
    scenes = find_scenes(tmp_path / "scenes")
    for scene in scenes:
        with rasterio.open(scene.image) as image:
            assert is_synthetic(image.tags())
    assert are_synthetic([], {label_kind(scene) for scene in scenes})
    assert are_synthetic([scene.name for scene in scenes], ["refined"])


def test_real_ones_are_not() -> None:
    assert not is_synthetic({})
    assert not is_synthetic({"WATERMAP_SOURCE": "COPERNICUS/S2_SR_HARMONIZED"})
    assert not are_synthetic([], [])
    assert not are_synthetic(["lake_20230601"], ["hand"])
    assert not are_synthetic(["sample_01_20230714", "lake_20230601"], ["exact", "hand"])
    assert not are_synthetic(["sample_of_mine"], [])
