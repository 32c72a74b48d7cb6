"""The same model for windows of another size."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.models.conftest import digital_numbers, randomised
from watermap.errors import UsageError
from watermap.models.build import build, for_prediction
from watermap.models.registry import ARCHITECTURES
from watermap.models.resize import resize
from watermap.models.scaling import Scaling

SCALING = Scaling((900.0, 800.0), (300.0, 0.0))


def output(model: Any, image: Any) -> Any:
    return keras.ops.convert_to_numpy(model(image))


@pytest.mark.parametrize(
    ("arch", "encoder"),
    [pytest.param("unet", "resnet50", marks=pytest.mark.extended), *((arch, "compact") for arch in ARCHITECTURES)],
)
def test_same_model_at_another_size(arch: str, encoder: str) -> None:
    small = for_prediction(randomised(build(arch, encoder, bands=2, patch_size=32, scaling=SCALING)))
    large = resize(small, 64)
    assert (large.name, large.input_shape, large.output_shape) == (small.name, (None, 64, 64, 2), (None, 64, 64, 2))
    assert (large.inputs[0].name, large.output_names) == ("image", ["probability"])
    assert large.count_params() == small.count_params()
    image = digital_numbers(1, 32, 32, 2)
    np.testing.assert_array_equal(output(resize(large, 32), image), output(small, image))


def test_prediction_in_graph_mode_at_two_sizes() -> None:
    model = build("unet", "compact", bands=2, patch_size=32)
    for size in (48, 64):
        assert resize(model, size).predict(digital_numbers(3, size, size, 2), verbose=0).shape == (3, size, size, 2)


def test_copy_is_independent() -> None:
    model = build("unet", "compact", bands=2, patch_size=32)
    copy = resize(model, 32)
    copy.set_weights([weight * 0 for weight in copy.get_weights()])
    assert any(weight.any() for weight in model.get_weights())


@pytest.mark.parametrize("size", [0, -16, 40])
def test_size_must_fit(size: int) -> None:
    model = build("unet", "compact", bands=2, patch_size=32)
    with pytest.raises(UsageError, match=r"window of .* multiple of 16"):
        resize(model, size)
