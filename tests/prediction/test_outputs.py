"""What is written beside a water raster."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from tests.support.bundles import known_probability, make_bundle
from tests.support.failures import one_line
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import DataError, UsageError
from watermap.prediction.engines.ensemble import entropy_bits
from watermap.prediction.outputs import CLOUD, SURE, UNSURE
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import Prediction, predict_scene

ROWS, COLS = 150, 90
WINDOWS = {"window": 64, "overlap": 16}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.fixture
def image() -> np.ndarray:
    values = np.random.default_rng(1).integers(900, 1300, (6, ROWS, COLS)).astype(np.uint16)
    values[:, 20:30, 40:60] = 65535
    return values


@pytest.fixture
def scene(image: np.ndarray, tmp_path: Path) -> Path:
    return write_tif(tmp_path / "place.tif", image, make_grid(COLS, ROWS), names=STANDARD_BANDS, no_data=65535)


def read(made: Prediction, end: str) -> np.ndarray:
    with rasterio.open(made.others[end]) as dataset:
        values: np.ndarray = dataset.read()
        assert cog_validate(made.others[end], strict=True)[0]
    return values


def test_uncertainty_is_the_entropy_of_the_probability(
    bundle: Bundle, image: np.ndarray, scene: Path, tmp_path: Path
) -> None:
    made = predict_scene(scene, Predictor(bundle, PredictConfig(uncertainty=True, **WINDOWS)), tmp_path / "out")
    valid = (image != 65535).all(axis=0)
    (found,) = read(made, "uncertainty")
    np.testing.assert_array_equal(found == 255, ~valid)
    expected = 100 * entropy_bits(known_probability(image, valid).astype(np.float32))
    np.testing.assert_allclose(found[valid], expected[valid], atol=0.6)


def test_the_water_raster_is_the_same_whatever_lies_beside_it(bundle: Bundle, scene: Path, tmp_path: Path) -> None:
    rasters, tags = [], []
    for number, more in enumerate(({}, {"uncertainty": True, "sure_from": 0.9, "probability": "percent"})):
        config = PredictConfig(tta=True, **WINDOWS, **more)
        made = predict_scene(scene, Predictor(bundle, config), tmp_path / str(number))
        with rasterio.open(made.water) as dataset:
            rasters.append(dataset.read())
            tags.append(dataset.tags())
    np.testing.assert_array_equal(*rasters)
    assert tags[0]["WATERMAP_CONFIG"] == tags[1]["WATERMAP_CONFIG"]


def test_several_bundles_map_their_mean_and_tell_where_they_disagree(
    bundle: Bundle, image: np.ndarray, scene: Path, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "models" / "other", green_above=1100)
    config = PredictConfig(uncertainty=True, probability="float", **WINDOWS)
    made = predict_scene(scene, Predictor(bundle, config, [other]), tmp_path / "out")
    valid = (image != 65535).all(axis=0)
    one = known_probability(image, valid)
    two = 1 / (1 + np.exp(-0.01 * (image[STANDARD_BANDS.index("B3")].astype(float) - 1100)))
    mean = (one + two) / 2
    np.testing.assert_allclose(read(made, "probability")[0][valid], mean[valid], atol=1e-4)
    entropy, disagreement = read(made, "uncertainty")
    apart = (
        entropy_bits(mean.astype(np.float32))
        - (entropy_bits(one.astype(np.float32)) + entropy_bits(two.astype(np.float32))) / 2
    )
    np.testing.assert_allclose(entropy[valid], 100 * entropy_bits(mean.astype(np.float32))[valid], atol=0.6)
    np.testing.assert_allclose(disagreement[valid], 100 * apart[valid], atol=0.7)
    with rasterio.open(made.water) as dataset:
        assert dataset.tags()["WATERMAP_BUNDLE_ID"] == f"{bundle.id}+{other.id}"
        assert dataset.tags()["WATERMAP_BUNDLE"] == "known+other"


def test_reasons_tell_no_data_cloud_and_low_confidence_apart(
    bundle: Bundle, image: np.ndarray, scene: Path, tmp_path: Path
) -> None:
    mask = np.zeros((1, ROWS // 2, COLS // 2), np.uint8)  # of 20 m
    mask[0, 10:30, 5:25] = 9
    clouds = write_tif(tmp_path / "mask.tif", mask, make_grid(COLS // 2, ROWS // 2, pixel=20))
    config = PredictConfig(sure_from=0.8, **WINDOWS)
    made = predict_scene(scene, Predictor(bundle, config), tmp_path / "out", clouds=clouds)
    valid = (image != 65535).all(axis=0)
    cloud = np.kron(mask[0], np.ones((2, 2))) == 9
    p = known_probability(image, valid)
    near_tie = np.abs(np.maximum(p, 1 - p) - 0.8) < 1e-4
    expected = np.where(np.maximum(p, 1 - p) < 0.8, UNSURE, SURE)
    expected[cloud] = CLOUD
    expected[~valid] = 255
    (found,) = read(made, "reason")
    np.testing.assert_array_equal(found[~near_tie], expected[~near_tie])
    assert set(np.unique(found)) == {SURE, UNSURE, CLOUD, 255}
    with rasterio.open(made.water) as dataset:
        np.testing.assert_array_equal(dataset.read(1) == 255, ~valid | cloud)
        assert "WATERMAP_CLOUDS" in dataset.tags()
    assert predict_scene(scene, Predictor(bundle, config), tmp_path / "out").replaces
    assert made.valid_pixels == (valid & ~cloud).sum()
    assert made.unsure_pixels == (found == UNSURE).sum()


def test_a_cloud_mask_of_another_place_is_refused(bundle: Bundle, scene: Path, tmp_path: Path) -> None:
    clouds = write_tif(tmp_path / "mask.tif", np.zeros((1, 9, 9), np.uint8), make_grid(9, 9, left=800_000))
    with pytest.raises(DataError) as error:
        predict_scene(scene, Predictor(bundle, PredictConfig(**WINDOWS)), tmp_path / "out", clouds=clouds)
    assert "they share no ground" in one_line(error)
    assert not (tmp_path / "out").exists()


def test_bundles_that_do_not_fit_each_other_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        Predictor(bundle, PredictConfig(), [make_bundle(tmp_path / "b", threshold=0.4)])
    assert "state one --threshold" in one_line(error)
    with pytest.raises(UsageError) as error:
        Predictor(bundle, PredictConfig(), [make_bundle(tmp_path / "c", scale=1.0)])
    assert "cannot be asked together" in one_line(error)
