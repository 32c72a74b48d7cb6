"""Windows that fit a model, and models that fit each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.prediction.test_scene import GRIDS, scene_values, write_image
from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import UsageError
from watermap.geo.grid import Grid
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.prediction.windows import Strip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.mark.parametrize("config", [PredictConfig(window=100, overlap=32), PredictConfig(window=64, overlap=20)])
def test_windows_that_do_not_fit_the_network_are_refused(config: PredictConfig, bundle: Bundle, tmp_path: Path) -> None:
    scene = write_image(tmp_path / "place.tif", scene_values(64, 64), Grid(*GRIDS["north_up"], 64, 64))
    with pytest.raises(UsageError, match="do not fit the model's stride"):
        predict_scene(scene, Predictor(bundle, config), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_window_that_hides_what_the_model_sees_is_refused(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", reach=40)
    with pytest.raises(UsageError) as error:
        Predictor(bundle, PredictConfig(engine="keras", window=128)).layout((500, 500))
    assert "windows of 128 are too small for a model that sees 40 pixels far" in one_line(error)
    assert Predictor(bundle, PredictConfig(engine="keras", window=128)).layout((100, 100)).computed == 128 * 128
    assert Predictor(bundle, PredictConfig(engine="keras", window=128, overlap=32)).layout((500, 500)).overlap == 32


def test_a_model_that_sees_the_whole_window_is_given_windows_as_in_training(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b", reach=32, patch_size=64, sees_whole_window=True)
    layout = Predictor(bundle, PredictConfig(engine="keras")).layout((500, 700))
    assert layout.shape == (64, 64)
    assert layout.overlap == 16  # the most that fits below half a window
    assert Predictor(bundle, PredictConfig(engine="keras", window=256)).layout((500, 700)).shape == (256, 256)
    odd = make_bundle(tmp_path / "odd", reach=8, patch_size=80, sees_whole_window=True)
    assert Predictor(odd, PredictConfig(engine="keras")).layout((500, 700)).shape == (96, 96)


def test_bundles_that_do_not_fit_each_other_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "other", threshold=0.6)
    with pytest.raises(UsageError) as error:
        Predictor(bundle, PredictConfig(), [other])
    assert "the bundles take water from 0.5, 0.6 on: state one --threshold" in one_line(error)
    both = Predictor(bundle, PredictConfig(threshold=0.55), [other])
    assert (both.threshold, both.id, both.name) == (0.55, f"{bundle.id}+{other.id}", "known+other")
    for others, uncertainty, expected in (([other], True, True), ([other], False, False), ([], True, False)):
        predictor = Predictor(bundle, PredictConfig(threshold=0.55, uncertainty=uncertainty), others)
        assert predictor.has_disagreement == expected
    units = make_bundle(tmp_path / "units", scale=1.0)
    with pytest.raises(UsageError, match="take other bands or units"):
        Predictor(bundle, PredictConfig(), [units])


def test_codes_are_water_from_the_threshold_on_and_no_data_where_nothing_is_valid(bundle: Bundle) -> None:
    probability = np.array([[0.49, 0.5], [0.9, 0.1]], np.float32)
    strip = Strip(0, probability, np.array([[True, True], [False, True]]), None)
    assert Predictor(bundle, PredictConfig(threshold=0.5)).classify(strip).tolist() == [[0, 1], [255, 0]]
