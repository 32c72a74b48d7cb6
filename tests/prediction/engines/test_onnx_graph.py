"""What is put around an imported network, beside its definition in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.onnx_networks import make_network
from watermap.bands import Radiometry
from watermap.config import OnnxConfig
from watermap.prediction.engines.onnx import channel_axis, read_onnx, run
from watermap.prediction.engines.onnx_graph import (
    OutputMeaning,
    is_probable,
    meaning_of,
    normalised,
    surrounded,
    water_of,
)
from watermap.prediction.engines.openvino import openvino_library

MOMENTS = ((0.1, 0.2, 0.15), (0.05, 0.1, 0.08))
UNITS = Radiometry(1e-4, -1000.0)

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "softmax, likeliest": ({"classes": 4}, {"activation": "softmax", "water_class": 2}),
    "softmax, all": ({"classes": 4}, {"activation": "softmax", "water_class": 2, "against": "all"}),
    "softmax of two": ({"classes": 2}, {"activation": "softmax", "water_class": 0}),
    "probabilities, likeliest": ({"classes": 4, "ends_with": "Softmax"}, {"water_class": 3}),
    "probabilities, all": ({"classes": 4, "ends_with": "Softmax"}, {"water_class": 3, "against": "all"}),
    "sigmoid": ({"classes": 4}, {"activation": "sigmoid", "water_class": 1}),
    "one sigmoid": ({"classes": 1}, {"activation": "sigmoid", "water_class": 0}),
    "one probability": ({"classes": 1, "ends_with": "Sigmoid"}, {"water_class": 0}),
    "classes": ({"classes": 4, "ends_with": "ArgMax"}, {"water_class": 2}),
}


@pytest.mark.parametrize("moments", [MOMENTS, None])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("name", CASES)
def test_the_graph_gives_what_the_definition_does(name: str, layout: str, moments: Any, tmp_path: Path) -> None:
    made, stated = CASES[name]
    path = make_network(tmp_path / "n.onnx", bands=3, layout=layout, **made)
    network = read_onnx(path, 3, None, None)
    config = OnnxConfig(bands=("B2", "B3", "B8"), scale=UNITS.scale, offset=UNITS.offset, **stated)
    images = np.random.default_rng(0).uniform(1000, 5000, (2, 3, 32, 48)).astype(np.float32)
    given = normalised(images, network, UNITS, moments)
    found = np.concatenate([run(network, each[None]) for each in given])
    meaning = meaning_of(found, channel_axis(found.shape, network.layout, (32, 48)), config)
    expected = water_of(found, meaning)
    model = surrounded(network, meaning, UNITS, moments, side=None)
    probability = (
        openvino_library().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([images])[0]
    )
    assert probability.shape == expected.shape == (2, 32, 48)
    np.testing.assert_allclose(probability, expected, atol=2e-4)
    assert np.ptp(expected) > 0.1


def test_reflectance_is_normalised_as_stated(tmp_path: Path) -> None:
    network = read_onnx(make_network(tmp_path / "n.onnx", bands=3, layout="nhwc"), 3, None, None)
    image = np.full((1, 3, 2, 2), 3000, dtype=np.float32)  # reflectance 0.2 with the offset
    np.testing.assert_allclose(normalised(image, network, UNITS, None)[0, 0, 0], (0.2, 0.2, 0.2), rtol=1e-6)
    np.testing.assert_allclose(normalised(image, network, UNITS, MOMENTS)[0, 0, 0], (2, 0, 0.625), atol=1e-6)


def test_at_one_half_water_is_the_likeliest_class() -> None:
    layers = np.random.default_rng(0).dirichlet(np.ones(5), (1, 64, 64)).astype(np.float32)
    meaning = OutputMeaning(5, 3, 2, "none", "likeliest")
    np.testing.assert_array_equal(water_of(layers, meaning) >= 0.5, layers.argmax(axis=-1) == 2)
    alone = OutputMeaning(5, 3, 2, "none", "all")
    np.testing.assert_allclose(water_of(layers, alone), layers[..., 2])


@pytest.mark.parametrize(
    ("values", "axis", "expected"),
    [
        ([[0.3, 0.7], [1.0, 0.0]], 1, True),
        ([[0.3, 0.6], [1.0, 0.0]], 1, False),
        ([[-0.1, 1.1], [1.0, 0.0]], 1, False),
        ([[0.3, 0.6], [1.0, 0.0]], None, True),
    ],
)
def test_what_are_probabilities_is_known(values: list[list[float]], axis: int | None, *, expected: bool) -> None:
    assert is_probable(np.array(values), axis) is expected
