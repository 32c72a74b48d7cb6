import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.windows import Window

from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.rasters import UTM32
from tests.support.safes import NAME, SIZE, TILE, band_values, transform_of, write_band, write_safe
from tests.support.web import Web
from watermap.cli.main import run
from watermap.config import PredictConfig
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.paths import location
from watermap.io.products import find_scene
from watermap.prediction.outputs import CLOUD
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.scenes.clouds import OWN, Clouds, open_clouds

GRID = Grid(UTM32, transform_of(10), SIZE, SIZE)
CLASSES = np.arange(144, dtype=np.uint8).reshape(12, 12) % 12
"""Every class of a scene classification, on pixels of 100 m."""
CLOUDY = np.kron(np.isin(CLASSES, (3, 8, 9, 10)), np.ones((10, 10), bool))


def cloudy(clouds: Clouds, scene: Path) -> npt.NDArray[np.bool_]:
    with open_clouds(clouds, GRID, find_scene(scene)) as mask:
        return mask.read(Window(0, 0, SIZE, SIZE))


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    made = write_safe(tmp_path / "products", band_values())
    (classes,) = made.glob(f"**/{TILE}_SCL_20m.jp2")
    write_band(classes, CLASSES, 100)
    return made


def plain(safe: Path, folder: Path) -> Path:
    """A folder of the bands and the classification alone."""
    folder.mkdir()
    for resolution in ("10m", "20m"):
        for file in safe.glob(f"**/R{resolution}/*"):
            shutil.copy(file, folder)
    return folder


def test_a_product_tells_its_own_clouds_wherever_it_lies(safe: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / NAME), "zip", safe.parent, safe.name)
    folder = plain(safe, tmp_path / "bands")
    for scene in (safe, tmp_path / f"{NAME}.zip", folder):
        np.testing.assert_array_equal(cloudy(OWN, scene), CLOUDY)


def test_of_several_classifications_the_finest_is_taken(safe: Path) -> None:
    write_band(next(safe.glob("**/R10m")).parent / f"R60m/{TILE}_SCL_60m.jp2", np.zeros_like(CLASSES), 100)
    np.testing.assert_array_equal(cloudy(OWN, safe), CLOUDY)


def test_a_mask_elsewhere_is_read_there(safe: Path, web: Web) -> None:
    write_band(web.folder / "mask.tif", CLASSES, 100)
    mask = location(f"{web.url}/mask.tif")
    np.testing.assert_array_equal(cloudy(mask, safe), np.kron(CLASSES > 0, np.ones((10, 10), bool)))
    other = write_safe(safe.parent, band_values(), name=NAME.replace("20230607", "20230617"))
    assert run(["predict", str(safe), str(other), "--clouds", f"{web.url}/mask.tif"]) == 2


def test_a_mask_made_of_classes_is_a_mask(safe: Path, tmp_path: Path) -> None:
    for name in ("T32_SCL_cloudmask.tif", "clouds_scl_mask.tif"):
        mask = write_band(tmp_path / name, (CLASSES == 9).astype(np.uint8), 100)
        np.testing.assert_array_equal(cloudy(mask, safe), np.kron(CLASSES == 9, np.ones((10, 10), bool)))


def test_a_file_of_classes_is_no_mask(safe: Path, tmp_path: Path) -> None:
    (classes,) = safe.glob(f"**/{TILE}_SCL_20m.jp2")
    np.testing.assert_array_equal(cloudy(classes, safe), CLOUDY)
    mask = write_band(tmp_path / "mask.tif", CLASSES, 100)
    np.testing.assert_array_equal(cloudy(mask, safe), np.kron(CLASSES > 0, np.ones((10, 10), bool)))


@pytest.mark.parametrize(
    ("dtype", "clear", "cloud", "untold"),
    [("uint16", 0, 1024, None), ("int16", 0, -1, None), ("float32", 0, 0.5, np.nan), ("uint8", 0, 1, 255)],
)
def test_a_mask_may_hold_any_numbers(
    safe: Path, tmp_path: Path, dtype: str, clear: float, cloud: float, untold: float | None
) -> None:
    values = np.full((12, 12), clear, dtype)
    values[2:5, 3:9] = cloud
    if untold is not None:
        values[8:10] = untold
    mask = write_band(tmp_path / "mask.tif", values, 100, nodata=untold)
    expected = np.kron(values == np.dtype(dtype).type(cloud), np.ones((10, 10), bool))
    with open_clouds(mask, GRID, find_scene(safe)) as opened:
        np.testing.assert_array_equal(opened.read(Window(0, 0, SIZE, SIZE)), expected)
        assert opened.untold == (0 if untold is None else 2 * 12 * 100)


def test_clear_may_be_the_no_data_value_of_a_mask(safe: Path, tmp_path: Path) -> None:
    mask = write_band(tmp_path / "mask.tif", CLASSES, 100, nodata=0)
    with open_clouds(mask, GRID, find_scene(safe)) as opened:
        assert opened.read(Window(0, 0, SIZE, SIZE)).sum() == 100 * np.count_nonzero(CLASSES)
        assert opened.note is None


def test_what_a_mask_does_not_tell_is_clear_and_told(safe: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "models" / "known")
    mask = write_band(tmp_path / "mask.tif", np.ones((6, 12), np.uint8), 100)  # the upper half
    made = predict_scene(safe, Predictor(bundle, PredictConfig()), tmp_path / "out", clouds=mask)
    assert made.valid_pixels == SIZE * SIZE // 2
    assert any("mask.tif: does not tell 7,200 pixels of the scene; they count as clear" in note for note in made.notes)


def test_a_mask_of_several_bands_is_refused(safe: Path, tmp_path: Path) -> None:
    mask = write_band(tmp_path / "mask.tif", np.ones((2, 12, 12), np.uint8), 100)
    with pytest.raises(DataError) as error:
        cloudy(mask, safe)
    assert "has 2 bands, but a cloud mask has one: keep the band of clouds" in one_line(error)


def test_a_map_of_a_product_is_empty_under_its_clouds(safe: Path, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "models" / "known")
    out = tmp_path / "maps"
    assert run(["predict", str(safe), "--bundle", str(bundle.folder), "--out", str(out), "--clouds", "scl"]) == 0
    with rasterio.open(out / f"{NAME}_water.tif") as water, rasterio.open(out / f"{NAME}_reason.tif") as reason:
        np.testing.assert_array_equal(water.read(1) == 255, CLOUDY)
        np.testing.assert_array_equal(reason.read(1) == CLOUD, CLOUDY)
        assert water.tags()["WATERMAP_CLOUDS"].startswith("sha256:")


def test_a_scene_without_a_classification_says_so(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "models" / "known")
    safe = write_safe(tmp_path, band_values(), name=NAME.replace("L2A", "L1C"), level="1C")
    next(safe.glob(f"**/{TILE}_SCL_20m.jp2")).unlink()
    for scene in (safe, write_band(tmp_path / "scene.tif", band_values()["B2"], 10)):
        with pytest.raises(DataError) as error:
            predict_scene(scene, Predictor(bundle, PredictConfig()), tmp_path / "out", clouds=OWN)
        assert "holds no scene classification (SCL)" in one_line(error)
    assert not (tmp_path / "out").exists()
