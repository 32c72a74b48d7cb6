import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.labels.scenes import write_lake
from tests.support.folders import listing
from tests.support.rasters import make_grid, write_scene
from watermap.config import RefineConfig, SampleConfig
from watermap.errors import DataError, UsageError
from watermap.evaluation.scores import Confusion
from watermap.labels.refine_scenes import refine_scenes
from watermap.scenes.folder import find_scenes
from watermap.scenes.sample import write_samples


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Two scenes of a lake, one of which has no label."""
    for name in ("a", "b"):
        folder = tmp_path / "scenes" / name
        write_lake(folder)
        (folder / "coarse.tif").rename(folder / "label.tif")
        (folder / "truth.tif").unlink()
    (tmp_path / "scenes" / "a" / "image.tif.aux.xml").write_text("<PAMDataset/>")
    return tmp_path / "scenes"


def test_a_new_folder_of_scenes_is_made_and_the_old_one_left(scenes: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in scenes.rglob("*.tif")}
    found = refine_scenes(scenes, tmp_path / "new")
    assert [scene.name for scene in found] == ["a", "b"]
    assert all(scene.refinement is not None and scene.failure is None for scene in found)
    assert listing(tmp_path / "new" / "a") == ["image.tif", "image.tif.aux.xml", "label.tif"]
    assert {path: path.read_bytes() for path in scenes.rglob("*.tif")} == before
    first = find_scenes(tmp_path / "new", need_label=True)[0]
    assert first.image.read_bytes() == before[scenes / "a" / "image.tif"]
    assert first.image.samefile(scenes / "a" / "image.tif")  # not copied
    assert first.label is not None
    assert first.label.read_bytes() != before[scenes / "a" / "label.tif"]


def test_what_is_done_is_kept_until_label_image_or_settings_change(scenes: Path, tmp_path: Path) -> None:
    def done() -> list[bool]:
        return [scene.refinement is None for scene in refine_scenes(scenes, tmp_path / "new", config)]

    config = RefineConfig()
    assert done() == [False, False]
    assert done() == [True, True]
    (tmp_path / "new" / "a" / "label.tif").write_bytes(b"damaged")
    assert done() == [False, True]
    (tmp_path / "new" / "b" / "image.tif").unlink()
    assert done() == [True, False]
    config = RefineConfig(shore_m=60)
    assert done() == [False, False]
    shutil.copy(tmp_path / "new" / "a" / "label.tif", scenes / "a" / "label.tif")
    assert done() == [False, True]


def test_a_scene_that_fails_does_not_stop_the_others(scenes: Path, tmp_path: Path) -> None:
    (scenes / "a" / "label.tif").unlink()
    first, second = refine_scenes(scenes, tmp_path / "new")
    assert "has no label.tif" in str(first.failure)
    assert second.refinement is not None
    assert listing(tmp_path / "new") == ["b"]


def test_a_scene_that_fails_half_way_leaves_no_folder(scenes: Path, tmp_path: Path) -> None:
    bands = ("B2", "B3", "B4", "B5", "B6", "B7")
    write_scene(scenes, "a", make_grid(40, 40), bands=bands)
    first, second = refine_scenes(scenes, tmp_path / "new")
    assert first.failure is not None
    assert second.failure is None
    assert listing(tmp_path / "new") == ["b"]
    write_scene(scenes, "b", make_grid(40, 40), bands=bands)
    refine_scenes(scenes, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_side_file_that_the_source_lost_is_removed(scenes: Path, tmp_path: Path) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(scenes / "a" / "image.tif", "r+") as image:
        image.write_mask(np.arange(image.width) > np.zeros((image.height, 1)))
    refine_scenes(scenes, tmp_path / "new")
    assert "image.tif.msk" in listing(tmp_path / "new" / "a")
    (scenes / "a" / "image.tif.msk").unlink()
    first, _ = refine_scenes(scenes, tmp_path / "new")
    assert first.refinement is not None
    assert listing(tmp_path / "new" / "a") == ["image.tif", "image.tif.aux.xml", "label.tif"]


def test_a_label_of_other_settings_does_not_stay_where_the_new_one_fails(scenes: Path, tmp_path: Path) -> None:
    refine_scenes(scenes, tmp_path / "new")
    write_scene(scenes, "a", make_grid(40, 40), bands=("B2", "B3", "B4", "B5", "B6", "B7"))
    first, _ = refine_scenes(scenes, tmp_path / "new")
    assert "has neither" in str(first.failure)
    assert not (tmp_path / "new" / "a" / "label.tif").exists()


def test_folders_that_make_no_sense_are_one_line(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is the folder of the coarse labels"):
        refine_scenes(scenes, scenes)
    before = (scenes / "a" / "label.tif").read_bytes()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a").symlink_to(scenes / "a")
    with pytest.raises(UsageError, match="is the folder of the coarse label itself"):
        refine_scenes(scenes, tmp_path / "new")
    assert (scenes / "a" / "label.tif").read_bytes() == before
    with pytest.raises(DataError, match="no such folder"):
        refine_scenes(tmp_path / "absent", tmp_path / "new")


def test_coarse_labels_of_sample_scenes_come_much_nearer_to_the_truth(tmp_path: Path) -> None:
    write_samples(tmp_path / "scenes", SampleConfig(scenes=4, size=256))
    refine_scenes(tmp_path / "scenes", tmp_path / "new", label_file="label_coarse.tif")
    agreement = []
    for name in (tmp_path / "scenes", "label_coarse.tif"), (tmp_path / "new", "label.tif"):
        pooled, known = Confusion(), 0
        for scene in find_scenes(tmp_path / "scenes"):
            with rasterio.open(name[0] / scene.name / name[1]) as one, rasterio.open(scene.label) as truth:
                pooled.add(truth.read(1), one.read(1))
        agreement.append(pooled.scores())
        known += agreement[-1].pixels
    coarse, refined = (each.water_iou or 0.0 for each in agreement)
    assert 1 - refined < (1 - coarse) / 2
    assert agreement[1].pixels > 0.85 * agreement[0].pixels
