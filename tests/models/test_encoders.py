"""Encoders: strides, and the same numbers as plain numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.models import plain
from tests.models.conftest import digital_numbers
from tests.models.numbers import features_of, lively
from watermap.config import STRIDE
from watermap.models.build import build
from watermap.models.encoders import ENCODERS


def test_resnet50_encoder() -> None:
    model = lively(build("unet", "resnet50", bands=3, patch_size=32, preset="fast"))
    image = digital_numbers(1, 32, 32, 3)
    found = features_of(model, image)
    expected = plain.resnet50(image.astype("float64") / 10_000, plain.Plain(model.get_layer("encoder")))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoder_halves_from_output_to_output(encoder: str) -> None:
    features = ENCODERS[encoder](4)(np.zeros((1, 64, 64, 4), "float32"))
    sides = [feature.shape[1] for feature in features]
    assert sides[-1] == 64 / STRIDE
    assert all(fine == 2 * coarse for fine, coarse in pairwise(sides))
    assert (sides[0] == 64) == (encoder in ("compact", "vgg16"))  # shorelines reach the decoder unblurred
