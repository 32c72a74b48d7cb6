"""Tensors and models with known numbers, and how they are compared."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.models import plain


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


def features(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numbers(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(tensor)
