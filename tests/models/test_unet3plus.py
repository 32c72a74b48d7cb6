"""UNet 3+: what it computes, its guidance and its size."""

from __future__ import annotations

import numpy as np

from tests.models import plain
from tests.models.conftest import digital_numbers
from tests.models.counting import count
from tests.models.numbers import assert_close, features, features_of, lively, numbers
from watermap.models.build import build
from watermap.models.unet3plus import Guide


def test_guidance_dims_every_class_but_the_first() -> None:
    scores, evidence = features(2, 4, 4, 3), features(2, 2, 2, 5, seed=1)
    found = numbers(Guide()([scores, evidence]))
    np.testing.assert_array_equal(found[..., 0], scores[..., 0])
    presence = plain.sigmoid(evidence.max(axis=(1, 2, 3)).astype("float64"))[:, None, None, None]
    np.testing.assert_allclose(np.exp(found[..., 1:]), np.exp(scores[..., 1:]) * presence, rtol=1e-5)


def test_unet3plus() -> None:
    model = lively(build("unet3plus", "resnet50", bands=3, patch_size=32, preset="fast"))
    image = digital_numbers(2, 32, 32, 3)
    expected = plain.unet3plus(features_of(model, image), plain.Plain(model))
    found = model(image)
    assert set(found) == set(expected)
    for name, probability in expected.items():
        assert_close(found[name], probability)


def test_unet3plus_is_sized_as_published() -> None:
    model = build("unet3plus", "resnet50", bands=3, patch_size=128, freeze_encoder=True)
    assert (model.count_params(), count(model.trainable_weights)) == (10_849_706, 2_258_346)
    heads = {name: model.get_layer(name).count_params() for name in SIDES}
    assert heads == dict.fromkeys(SIDES, 2_882) | {"supervision16_logits": 18_434}
    assert model.get_layer("guidance_conv").count_params() == 32_800


SIDES = [f"supervision{stride}_logits" for stride in (2, 4, 8, 16)]
