"""A bundle that does with the bands that a scene has."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import rasterio

from tests.support.bundles import STATISTICS
from tests.support.rasters import lake_image, make_grid, shore_label, write_tif
from watermap.bands import STANDARD_BANDS, Radiometry
from watermap.bundles.bundle import Bundle, save_bundle
from watermap.config import PredictConfig
from watermap.errors import DataError
from watermap.models.build import build
from watermap.models.spectral import Spectral
from watermap.prediction.array import predict_array
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene

CONFIG = PredictConfig(engine="keras", probability="float", window=96, overlap=0)
SPECTRAL = Spectral(STANDARD_BANDS, Radiometry(1e-4, 0.0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Of random weights; it needs green and near infrared."""
    keras.utils.set_random_seed(1)
    model = build("unet", "plain", bands=STANDARD_BANDS, patch_size=32, preset="fast", scaling=SPECTRAL)
    return save_bundle(
        tmp_path_factory.mktemp("models") / "any",
        model,
        arch="unet",
        encoder="plain",
        bands=STANDARD_BANDS,
        optional_bands=("B2", "B4", "B11", "B12"),
        missing=SPECTRAL.missing,
        scale=1e-4,
        offset=0.0,
        statistics=STATISTICS,
        threshold=0.5,
        patch_size=32,
        trained_on={"patches": "0" * 64, "counts": {}, "scenes": {}},
        training={"run": "none"},
        scores={},
    )


@pytest.mark.parametrize("names", [STANDARD_BANDS, ("B8", "B3", "B2", "B4"), ("B3", "B8")])
def test_a_missing_band_is_given_its_own_number_and_the_others_their_place(
    names: tuple[str, ...], bundle: Bundle, tmp_path: Path
) -> None:
    image = lake_image(shore_label((96, 96)), 6)
    chosen = image[[STANDARD_BANDS.index(name) for name in names]]
    scene = write_tif(tmp_path / "lake.tif", chosen, make_grid(96, 96), names=names)
    made = predict_scene(scene, Predictor(bundle, CONFIG), tmp_path / "out")
    assert made.probability is not None
    given = np.full((1, 96, 96, 6), SPECTRAL.missing, dtype=np.float32)
    for name, layer in zip(names, chosen, strict=True):
        given[0, ..., STANDARD_BANDS.index(name)] = layer
    expected = np.asarray(bundle.load_model((96, 96))(given))[0, ..., 1]
    with rasterio.open(made.probability) as raster:
        np.testing.assert_allclose(raster.read(1), expected, atol=1e-4)
    _, probability = predict_array(chosen, bands=names, bundle=bundle, engine="keras", window=96, overlap=0)
    np.testing.assert_allclose(probability, expected, atol=1e-4)


def test_what_it_needs_is_asked_for(bundle: Bundle, tmp_path: Path) -> None:
    image = lake_image(shore_label((96, 96)), 6)[:4]
    names = ("B2", "B3", "B4", "B11")
    scene = write_tif(tmp_path / "lake.tif", image, make_grid(96, 96), names=names)
    with pytest.raises(DataError, match="band B8 is missing"):
        predict_scene(scene, Predictor(bundle, CONFIG), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_scene_finer_than_the_model_knows_is_averaged_and_mapped_on_its_own_grid(
    bundle: Bundle, tmp_path: Path
) -> None:
    coarse = lake_image(shore_label((96, 96)), 6)
    fine = np.kron(coarse, np.ones((1, 3, 3), dtype=coarse.dtype))
    grid = make_grid(288, 288, pixel=10 / 3)
    scene = write_tif(tmp_path / "lake.tif", fine, grid, names=STANDARD_BANDS)
    known = Bundle(bundle.folder, bundle.contract.model_copy(update={"finest_m": 10.0}), bundle.id)
    made = predict_scene(scene, Predictor(known, CONFIG), tmp_path / "out")
    assert made.probability is not None
    expected = np.asarray(bundle.load_model((96, 96))(np.moveaxis(coarse, 0, -1)[None].astype("f4")))[0, ..., 1]
    with rasterio.open(made.probability) as raster:
        assert (raster.transform, raster.shape) == (grid.transform, (288, 288))
        np.testing.assert_allclose(raster.read(1)[1::3, 1::3], expected, atol=1e-4)  # the middles of the averages
    (note,) = (line for line in made.notes if "averaged" in line)
    assert "3.33 m are averaged to 10 m" in note
