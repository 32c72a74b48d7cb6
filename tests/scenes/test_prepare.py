"""Scenes of any make as scenes of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.folders import listing
from tests.support.rasters import make_grid, write_tif
from watermap.config import RecipeScene
from watermap.errors import DataError
from watermap.io.raster import open_raster
from watermap.scenes.folder import find_scenes
from watermap.scenes.label import open_label
from watermap.scenes.prepare import NO_VALUE, prepare_scenes

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # which is the point

SCENES = {
    "plain": RecipeScene(),
    "raised": RecipeScene(offset=-1000),
    "nowhere": RecipeScene(pixel_size_m=30, label="hand.tif"),
    "absent": RecipeScene(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three scenes of 24 x 20 px; the first row of each holds no data."""
    rng = np.random.default_rng(0)
    for name in ("plain", "raised", "nowhere"):
        values = rng.integers(1100, 3000, (2, 24, 20)).astype(np.uint16)
        values[:, 0] = 0
        values[0, 5, 5] = 0  # one dark band is no gap
        label = rng.integers(0, 2, (1, 24, 20)).astype(np.int16)
        label[0, 3] = -1
        grid = make_grid(20, 24)
        write_tif(tmp_path / "in" / name / "image.tif", values, grid, names=("B3", "B8"))
        write_tif(tmp_path / "in" / name / SCENES[name].label, label, grid)
    for file in (tmp_path / "in" / "nowhere").glob("*.tif"):
        with rasterio.open(file) as raster:
            profile, kept, names = raster.profile, raster.read(), raster.descriptions
        for key in ("crs", "transform"):
            profile.pop(key)
        with rasterio.open(file, "w", **profile) as raster:
            raster.write(kept)
            raster.descriptions = names
    return tmp_path / "in"


def test_reflectance_no_data_and_labels_are_those_of_the_source(folder: Path, tmp_path: Path) -> None:
    assert prepare_scenes(folder, tmp_path / "out", SCENES, least_px=32) == ["nowhere", "plain", "raised"]
    for scene in find_scenes(tmp_path / "out", need_label=True):
        with open_raster(scene.image) as raster:
            pixels = raster.read()
            assert raster.bands == ("B3", "B8")
            assert scene.label is not None
            with open_label(scene.label, raster.grid, image_path=scene.image) as label:
                codes = label.read(rasterio.windows.Window(0, 0, 32, 32))
        source = _values(folder / scene.name / "image.tif")
        truth = _values(folder / scene.name / SCENES[scene.name].label)[0]
        assert pixels.values.shape == (2, 32, 32)
        np.testing.assert_array_equal(pixels.values[:, 1:24, :20], source[:, 1:] + SCENES[scene.name].offset)
        expected = np.full((32, 32), 255)
        expected[1:24, :20] = np.where(truth[1:] < 0, 255, truth[1:])
        np.testing.assert_array_equal(codes, expected)
        assert not pixels.valid[0].any()
        assert not pixels.valid[24:].any()
        assert pixels.valid[1:24, :20].all()
        assert (pixels.values[:, ~pixels.valid] == NO_VALUE).all()


def test_what_has_no_place_is_set_down_at_sea_and_what_is_there_is_kept(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare_scenes(folder, out, SCENES, least_px=32)
    with rasterio.open(out / "nowhere" / "image.tif") as image:
        assert abs(image.transform.a) == 30
        assert image.bounds.top < 0
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.tif")}
    prepare_scenes(folder, out, SCENES, least_px=32)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.tif")} == stamps
    prepare_scenes(folder, out, {**SCENES, "plain": RecipeScene(offset=-5)}, least_px=32)
    changed = {path.parent.name for path in out.rglob("*.tif") if path.stat().st_mtime_ns != stamps[path]}
    assert changed == {"plain"}


def test_a_folder_without_the_scenes_or_of_other_sizes_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none of the recipe's scenes"):
        prepare_scenes(tmp_path, tmp_path / "out", SCENES, least_px=32)
    write_tif(folder / "plain" / "label.tif", np.zeros((1, 10, 10), dtype=np.uint8), make_grid(10, 10))
    with pytest.raises(DataError, match="is of another size"):
        prepare_scenes(folder, tmp_path / "out", SCENES, least_px=32)
    assert "plain" not in listing(tmp_path / "out")


def _values(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        values: np.ndarray = raster.read()
    return values
