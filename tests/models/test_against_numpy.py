"""Models compute what their papers say: the same numbers as plain numpy, from the same weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.models import plain
from tests.models.conftest import digital_numbers
from watermap.config import DecoderConfig
from watermap.models.build import build


def lively(model: Any) -> Any:
    """The model with random weights and moving statistics, of sizes that keep features within a few units."""
    rng = np.random.default_rng(3)
    for layer in [*model.layers, *model.get_layer("encoder").layers]:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    rng.uniform(0.8, 1.4, gamma.shape),
                    rng.normal(0, 0.2, beta.shape),
                    rng.normal(0, 0.2, mean.shape),
                    rng.uniform(0.8, 1.5, variance.shape),
                ]
            )
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose) and layer.use_bias:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(0, 0.2, bias.shape)])
    return model


def features_of(model: Any, image: Any) -> list[plain.Array]:
    features = model.get_layer("encoder")(model.get_layer("scaling")(image))
    return [keras.ops.convert_to_numpy(feature).astype("float64") for feature in features]


def assert_close(found: Any, expected: plain.Array) -> None:
    assert expected.std() > 0.02  # a constant map agrees with anything
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("encoder", ["compact", "mobilenetv2"])
@pytest.mark.parametrize("arch", ["unet", "attention_unet"])
def test_decoder(arch: str, encoder: str) -> None:
    model = lively(build(arch, encoder, bands=3, patch_size=32, preset="fast"))
    image = digital_numbers(1, 32, 32, 3)
    assert_close(model(image), getattr(plain, arch)(features_of(model, image), plain.Plain(model)))


def test_transposed_unet() -> None:
    decoder = DecoderConfig(upsampling="transposed", bias=True)
    model = lively(build("unet", "compact", bands=3, patch_size=32, preset="fast", decoder=decoder, classes=5))
    image = digital_numbers(1, 32, 32, 3)
    assert_close(model(image), plain.transposed_unet(features_of(model, image), plain.Plain(model)))


def test_unet3plus() -> None:
    model = lively(build("unet3plus", "resnet50", bands=3, patch_size=32, preset="fast"))
    image = digital_numbers(2, 32, 32, 3)
    expected = plain.unet3plus(features_of(model, image), plain.Plain(model))
    found = model(image)
    assert set(found) == set(expected)
    for name, probability in expected.items():
        assert_close(found[name], probability)


def test_resnet50_encoder() -> None:
    model = lively(build("unet", "resnet50", bands=3, patch_size=32, preset="fast"))
    image = digital_numbers(1, 32, 32, 3)
    found = features_of(model, image)
    expected = plain.resnet50(image.astype("float64") / 10_000, plain.Plain(model.get_layer("encoder")))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())
