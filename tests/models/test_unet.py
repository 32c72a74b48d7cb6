"""The UNet with transposed convolutions, and as it was published."""

from __future__ import annotations

from tests.models import plain
from tests.models.conftest import digital_numbers
from tests.models.counting import count
from tests.models.numbers import assert_close, features_of, lively
from watermap.config import DecoderConfig
from watermap.models.build import build


def test_transposed_unet() -> None:
    decoder = DecoderConfig(upsampling="transposed", bias=True)
    model = lively(build("unet", "compact", bands=3, patch_size=32, preset="fast", decoder=decoder, classes=5))
    image = digital_numbers(1, 32, 32, 3)
    assert_close(model(image), plain.transposed_unet(features_of(model, image), plain.Plain(model)))


def test_vgg16_unet_is_sized_as_published() -> None:
    decoder = DecoderConfig(upsampling="transposed", bias=True)
    model = build("unet", "vgg16", bands=3, patch_size=512, classes=66, decoder=decoder)
    assert (model.count_params(), count(model.trainable_weights)) == (25_866_562, 25_862_722)
    assert model.output_shape == (None, 512, 512, 66)
    assert model.get_layer("decoder1_up_conv").kernel.shape == (2, 2, 512, 512)
