"""Bundles and patch stores that were written before the modules moved into rooms."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.former import unpack_former
from watermap.bundles.bundle import Bundle, open_bundle
from watermap.bundles.card import card
from watermap.config import PredictConfig
from watermap.errors import DataError
from watermap.evaluation.calibrate import calibrate
from watermap.evaluation.evaluate import evaluate
from watermap.patches.store import PatchStore
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """A folder with a bundle, a patch store and a scene of the former version."""
    return unpack_former(tmp_path / "former")


@pytest.fixture
def bundle(former: Path) -> Bundle:
    return open_bundle(former / "bundle")


def test_a_former_bundle_opens_with_all_that_it_says(bundle: Bundle) -> None:
    contract = bundle.contract
    assert (contract.arch, contract.encoder, contract.patch_size) == ("unet", "compact", 32)
    assert contract.calibration is not None
    assert contract.calibration.method == "platt"
    assert contract.started_from == "random weights"
    assert set(contract.evidence) == {"validation", "test"}
    assert 16 in contract.model_dump().values()  # how far its model sees, whatever the field is called
    assert bundle.id in card(contract, bundle.id)


def test_a_former_bundle_predicts_the_same_pixels(former: Path, bundle: Bundle, tmp_path: Path) -> None:
    config = PredictConfig(probability="float", engine="keras")
    made = predict_scene(former / "scene.tif", Predictor(bundle, config), tmp_path / "maps")
    assert made.probability is not None
    expected = np.load(former / "expected.npz")
    with rasterio.open(made.probability) as probability, rasterio.open(made.water) as water:
        np.testing.assert_allclose(probability.read(1), expected["probability"], atol=1e-5)
        near = np.abs(expected["probability"] - bundle.contract.threshold) < 1e-5
        np.testing.assert_array_equal(water.read(1)[~near], expected["codes"][~near])
    assert near.mean() < 0.01


def test_what_openvino_runs_of_a_former_bundle_is_found(former: Path, bundle: Bundle, tmp_path: Path) -> None:
    config = PredictConfig(probability="float", engine="openvino", precision="float32")
    made = predict_scene(former / "scene.tif", Predictor(bundle, config), tmp_path / "maps")
    assert made.probability is not None
    with rasterio.open(made.probability) as probability:
        np.testing.assert_allclose(probability.read(1), np.load(former / "expected.npz")["probability"], atol=1e-3)


def test_a_former_patch_store_opens_whole(former: Path, bundle: Bundle) -> None:
    store = PatchStore.open(former / "patches")
    store.verify()
    assert store.digest == bundle.contract.trained_on["patches"]
    assert store.counts == bundle.contract.trained_on["counts"]
    assert store.read("test", [0]).image.shape == (1, 32, 32, 6)


def test_a_former_bundle_is_scored_as_before(former: Path, bundle: Bundle) -> None:
    found = evaluate(bundle, former / "patches", PredictConfig())
    expected = json.loads((former / "scores.json").read_text())
    assert found.notes == []  # nor that nobody knows what it learned from
    assert {kind: pool.as_dict()["scores"] for kind, pool in found.pools.items()} == {
        kind: pytest.approx(scores, abs=1e-3) for kind, scores in expected.items()
    }


def test_a_former_bundle_knows_the_ground_that_it_learned_from(former: Path, bundle: Bundle, tmp_path: Path) -> None:
    manifest = former / "patches" / "patches.json"
    values = json.loads(manifest.read_text())
    values["config"]["seed"] += 1  # another store by its digest, of the same ground
    manifest.write_text(json.dumps(values))
    with pytest.raises(DataError, match="no honest score"):
        evaluate(bundle, former / "patches", PredictConfig(), split="train")


def test_a_former_bundle_is_calibrated_again(former: Path, bundle: Bundle) -> None:
    found = calibrate(bundle, former / "patches", method="temperature")
    assert found.bundle.id != bundle.id
    assert open_bundle(former / "bundle") == found.bundle
