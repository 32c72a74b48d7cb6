from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.rasters import make_grid, write_tif
from tests.support.workspace import image_of
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.bundles.contract import SplitData, TrainingData
from watermap.config import PredictConfig
from watermap.errors import DataError, UsageError, WatermapWarning
from watermap.prediction.array import predict_array
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known", radius=2)


def scene_values(rows: int = 90, cols: int = 130) -> np.ndarray:
    """(6, rows, cols) DN with holes (65535) and zeros in single bands."""
    rng = np.random.default_rng(0)
    values = rng.integers(150, 3000, (6, rows, cols)).astype(np.uint16)
    values[3, rng.random((rows, cols)) < 0.05] = 0
    values[:, rng.random((rows, cols)) < 0.1] = 65535
    values[:, : rows // 3, : cols // 4] = 65535
    return values


def maps_of(values: np.ndarray, bundle: Bundle, folder: Path, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Codes and probability that `predict_scene` writes of a file with these values."""
    grid = make_grid(values.shape[2], values.shape[1])
    scene = write_tif(folder / "place.tif", values, grid, names=STANDARD_BANDS, no_data=65535)
    config = PredictConfig(probability="float", **options)
    made = predict_scene(scene, Predictor(bundle, config), folder / "out")
    assert made.probability is not None
    with rasterio.open(made.water) as water, rasterio.open(made.probability) as probability:
        return water.read(1), probability.read(1)


def half_water(rows: int = 48, cols: int = 64) -> np.ndarray:
    label = np.zeros((rows, cols), np.uint8)
    label[:, : cols // 2] = 1
    return image_of(label)


@pytest.mark.parametrize("options", [{}, {"window": 64, "overlap": 16}, {"threshold": 0.3, "tta": True}])
def test_an_array_gives_exactly_the_codes_of_its_file(bundle: Bundle, tmp_path: Path, options: dict[str, Any]) -> None:
    values = scene_values()
    expected = maps_of(values, bundle, tmp_path, **options)
    codes, probability = predict_array(values, bands=STANDARD_BANDS, bundle=bundle, nodata=65535, **options)
    assert (codes.dtype.name, probability.dtype.name) == ("uint8", "float32")
    np.testing.assert_array_equal(codes, expected[0])
    np.testing.assert_array_equal(probability, expected[1])  # NaN where there is no data
    assert 0 < (codes == 255).mean() < 1


def test_bands_are_found_by_any_name_in_any_order(bundle: Bundle) -> None:
    values = half_water()
    codes, _ = predict_array(values, bands=STANDARD_BANDS, bundle=bundle)
    turned = np.concatenate([values[::-1], values[:1] * 0 + 7])
    names = ["swir22", "SWIR16", "nir", "red", "B03", "blue", "SCL"]
    np.testing.assert_array_equal(predict_array(turned, bands=names, bundle=bundle)[0], codes)
    assert set(np.unique(codes)) == {0, 1}


def test_a_pixel_masked_in_a_band_in_use_is_no_data(bundle: Bundle) -> None:
    values = np.concatenate([half_water(), half_water()[:1]])
    mask = np.zeros(values.shape, bool)
    mask[2, 5, 6] = mask[:, 7, 8] = mask[6, 9, 9] = True  # the last in a band that the model does not take
    names = [*STANDARD_BANDS, "B1"]
    codes, probability = predict_array(np.ma.masked_array(values, mask), bands=names, bundle=bundle)
    assert sorted(zip(*np.nonzero(codes == 255), strict=True)) == [(5, 6), (7, 8)]
    np.testing.assert_array_equal(np.isnan(probability), codes == 255)
    valid = np.ones(values.shape[1:], bool)
    valid[1, 1] = False
    both, _ = predict_array(np.ma.masked_array(values, mask), bands=names, bundle=bundle, valid=valid)
    assert sorted(zip(*np.nonzero(both == 255), strict=True)) == [(1, 1), (5, 6), (7, 8)]
    plain, _ = predict_array(values, bands=names, bundle=bundle, valid=~mask[2] & ~mask[0])
    np.testing.assert_array_equal(plain, codes)


def test_an_offset_that_is_left_in_is_noticed_and_can_be_stated(bundle: Bundle) -> None:
    values = half_water()
    expected, _ = predict_array(values, bands=STANDARD_BANDS, bundle=bundle)
    with pytest.raises(DataError, match=r"an offset seems to be left in.*-1000") as error:
        predict_array(values + 1000, bands=STANDARD_BANDS, bundle=bundle)
    assert one_line(error).startswith("the array: ")
    codes, _ = predict_array(values + 1000, bands=STANDARD_BANDS, bundle=bundle, offset=-1000)
    np.testing.assert_array_equal(codes, expected)


def test_reflectance_is_refused_until_its_scale_is_stated(bundle: Bundle) -> None:
    values = half_water()
    expected, _ = predict_array(values, bands=STANDARD_BANDS, bundle=bundle)
    with pytest.raises(DataError, match="as reflectance does"):
        predict_array(values / 1e4, bands=STANDARD_BANDS, bundle=bundle)
    codes, _ = predict_array(values / 1e4, bands=STANDARD_BANDS, bundle=bundle, scale=1.0)
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.parametrize(
    ("bands", "options", "told"),
    [
        (STANDARD_BANDS[:5], {}, "it has 6 bands, but 5 were named"),
        (("B1", *STANDARD_BANDS[1:]), {}, "band B2 is missing"),
        (("a", "b", "c", "d", "e", "f"), {}, "its 6 bands have no names"),
        (STANDARD_BANDS, {"valid": np.ones((2, 2), bool)}, "were said to be valid"),
        (STANDARD_BANDS, {"valid": np.zeros((48, 64), bool)}, "holds no valid pixel"),
    ],
)
def test_what_the_command_line_refuses_is_refused(
    bundle: Bundle, bands: tuple[str, ...], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        predict_array(half_water(), bands=bands, bundle=bundle, **options)


def test_settings_that_say_nothing_here_are_refused(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="which band is which is not said"):
        predict_array(half_water(), bundle=bundle)
    with pytest.raises(UsageError, match="min_area_m2 is a setting of"):
        predict_array(half_water(), bands=STANDARD_BANDS, bundle=bundle, min_area_m2=500)
    with pytest.raises(UsageError, match="probability is a setting of"):
        predict_array(half_water(), bands=STANDARD_BANDS, bundle=bundle, probability=True)
    with pytest.raises(UsageError, match="overlap"):
        predict_array(half_water(), bands=STANDARD_BANDS, bundle=bundle, window=64, overlap=60)


def test_what_is_taken_for_granted_is_a_warning(bundle: Bundle) -> None:
    values = half_water()
    values[:, :4, :4] = 0
    with pytest.warns(WatermapWarning, match="taken as no data") as warned:
        codes, _ = predict_array(values, bands=STANDARD_BANDS, bundle=bundle)
    assert warned[0].filename == __file__
    assert (codes[:4, :4] == 255).all()


def test_pixels_of_another_size_than_the_models_are_a_warning(tmp_path: Path) -> None:
    nothing = SplitData(scenes=1, grounds=1, labels={}, water=None, area_km2=1.0)
    data = TrainingData(
        splits=dict.fromkeys(("train", "validation", "test"), nothing),
        bounds=(0.0, 0.0, 1.0, 1.0),
        pixel_sizes_m=(10.0, 10.0),
        days=None,
        dated_scenes=0,
        undated_scenes=0,
    )
    bundle = make_bundle(tmp_path / "b", data=data)
    with pytest.warns(WatermapWarning, match="its pixels are 30 m wide, but the model learned from pixels of 10 m"):
        predict_array(half_water(), bands=STANDARD_BANDS, bundle=bundle, pixel_size_m=30)
    predict_array(half_water(), bands=STANDARD_BANDS, bundle=bundle, pixel_size_m=12)
