"""Logarithms and normalised differences of the bands that are there."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from watermap.bands import STANDARD_BANDS, Radiometry
from watermap.errors import UsageError
from watermap.models.build import build
from watermap.models.spectral import Spectral, SpectralFeatures

SPECTRAL = Spectral(STANDARD_BANDS, Radiometry(1e-4, -1000.0))
LACKING = (4, 5)


def image() -> np.ndarray:
    values = np.random.default_rng(0).uniform(900, 6000, (2, 3, 4, 6)).astype(np.float32)
    values[0, 0, 0] = 1000  # black: a dark lake, not a missing band
    values[1, ..., LACKING] = SPECTRAL.missing
    return values


def test_features_are_those_of_numpy_and_what_is_missing_is_zero() -> None:
    values = image()
    found = keras.ops.convert_to_numpy(SPECTRAL.to_layer()(values))
    reflectance = np.maximum((values - 1000) * 1e-4, 1e-4)
    there = np.ones((2, 1, 1, 6), dtype=np.float32)
    there[1, ..., LACKING] = 0
    logarithms = (np.log(reflectance + 0.01) + 2.5) * there
    _, green, red, near, first, _ = np.moveaxis(reflectance, -1, 0)
    pairs = [(green, near, 1, 3), (green, first, 1, 4), (red, near, 2, 3), (near, first, 3, 4)]
    differences = [(a - b) / (a + b) * there[..., i] * there[..., j] for a, b, i, j in pairs]
    expected = np.concatenate([logarithms, np.stack(differences, axis=-1), there + np.zeros_like(values)], axis=-1)
    assert SPECTRAL.missing == -9000
    assert found.shape == SpectralFeatures(STANDARD_BANDS, 1.0, 0.0).compute_output_shape(values.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_model_is_made_of_it_and_loads_again(tmp_path: Path) -> None:
    model = build("unet", "plain", bands=STANDARD_BANDS, patch_size=32, scaling=SPECTRAL)
    model.save(tmp_path / "model.keras")
    again = build("unet", "plain", bands=STANDARD_BANDS, patch_size=16, weights=tmp_path / "model.keras")
    values = np.random.default_rng(1).uniform(900, 6000, (1, 16, 16, 6)).astype(np.float32)
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert loaded.get_layer("scaling").get_config() == again.get_layer("scaling").get_config()
    assert 300_000 < model.count_params() < 450_000
    assert again(values).shape == (1, 16, 16, 2)


@pytest.mark.parametrize(("bands", "encoder", "weights"), [(2, "plain", None), (6, "resnet50", "imagenet")])
def test_what_does_not_go_with_it_is_refused(bands: int, encoder: str, weights: str | None) -> None:
    with pytest.raises(UsageError):
        build("unet", encoder, bands=bands, patch_size=32, weights=weights, scaling=SPECTRAL)
