"""Scaling inside the network."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.conftest import digital_numbers
from tests.models.counting import scaled
from watermap.errors import UsageError
from watermap.models.build import build
from watermap.models.scaling import IMAGENET_STD, Scaling, imagenet_gains


def test_scaling_is_inside_the_model_but_no_weight() -> None:
    scaling = Scaling((1000.0, 500.0), (200.0, 50.0))
    model = build("unet", "compact", bands=2, patch_size=32, scaling=scaling)
    assert not model.get_layer("scaling").weights
    image = digital_numbers(1, 32, 32, 2)
    seen = keras.ops.convert_to_numpy(model.get_layer("scaling")(image))
    np.testing.assert_allclose(seen, (image - [1000, 500]) / [200, 50], rtol=1e-5, atol=1e-5)


@settings(max_examples=30, deadline=None)  # the first call of an operation takes longer than the rest
@given(
    st.lists(
        st.tuples(st.floats(-2e4, 2e4), st.floats(1, 2e4), st.floats(1, 100)),
        min_size=1,
        max_size=13,
    )
)
def test_scaling_against_numpy(bands: list[tuple[float, float, float]]) -> None:
    mean, std, gains = zip(*bands, strict=True)
    image = digital_numbers(1, 4, 4, len(bands))
    expected = (image.astype("float64") - mean) / std * gains
    np.testing.assert_allclose(scaled(Scaling(mean, std), image, gains), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("std", [0.0, 1e-9])
def test_constant_band_is_not_divided_by_zero(std: float) -> None:
    values = scaled(Scaling((500.0,), (std,)), np.array([[[[500.0], [1500.0]]]], "float32"))
    np.testing.assert_allclose(values.ravel(), [0, 0.1], rtol=1e-5)


def test_imagenet_gains_follow_the_bands() -> None:
    assert imagenet_gains(("B4", "B8", "B2")) == pytest.approx((58.395, np.mean(list(IMAGENET_STD.values())), 57.375))


@pytest.mark.parametrize(
    ("mean", "std"), [((0.0,), (1.0, 1.0)), ((float("nan"),), (1.0,)), ((0.0,), (float("inf"),)), ((0.0,), (-1.0,))]
)
def test_impossible_scaling(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="scaling"):
        Scaling(mean, std)
