"""Networks have the sizes of the papers and of their presets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest

from watermap.config import STRIDE, DecoderConfig
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.build import build, for_prediction
from watermap.models.encoders import ENCODERS
from watermap.models.registry import ARCHITECTURES

EXTENDED = pytest.mark.extended


def count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


PAIRS = [(arch, encoder) for arch, found in ARCHITECTURES.items() for encoder in found.encoders]


@pytest.mark.parametrize("arch", ["unet", "attention_unet"])
@pytest.mark.parametrize("encoder", ["resnet50", "compact"])
def test_the_fast_preset_computes_less_of_the_same(arch: str, encoder: str) -> None:
    fast, reference = (build(arch, encoder, bands=6, patch_size=64, preset=preset) for preset in ("fast", "reference"))
    assert (fast.input_shape, fast.output_shape) == (reference.input_shape, reference.output_shape)
    assert flops_per_pixel(fast, 64) < (0.25 if encoder == "resnet50" else 0.7) * flops_per_pixel(reference, 64)


@pytest.mark.parametrize(
    ("arch", "encoder"), [pair if pair[1] == "compact" else pytest.param(*pair, marks=EXTENDED) for pair in PAIRS]
)
def test_the_fast_preset_has_a_lighter_decoder(arch: str, encoder: str) -> None:
    fast, reference = (
        for_prediction(build(arch, encoder, bands=6, patch_size=64, preset=preset)) for preset in ("fast", "reference")
    )
    assert (fast.input_shape, fast.output_shape) == (reference.input_shape, reference.output_shape)
    assert fast.get_layer("encoder").count_params() == reference.get_layer("encoder").count_params()
    assert flops_per_pixel(fast, 64) < flops_per_pixel(reference, 64)
    assert decoder_count(fast) < 0.6 * decoder_count(reference)


def decoder_count(model: Any) -> int:
    return int(model.count_params() - model.get_layer("encoder").count_params())


@pytest.mark.parametrize(
    ("arch", "total", "trainable", "gflop"),
    [("unet", 24_157_442, 15_562_498, 1489), ("attention_unet", 24_536_837, 15_941_765, 1143)],
)
def test_reference_sizes(arch: str, total: int, trainable: int, gflop: int) -> None:
    model = build(arch, "resnet50", bands=3, patch_size=128, freeze_encoder=True)
    encoder = model.get_layer("encoder")
    assert model.count_params() == total
    assert count(model.trainable_weights) == trainable
    assert (encoder.count_params(), len(encoder.layers)) == (8_589_184, 143)
    assert round(flops_per_pixel(model, 128) / 1e3) == gflop


@pytest.mark.parametrize("arch", ["unet", "attention_unet"])
def test_compact_is_small(arch: str) -> None:
    model = build(arch, "compact", bands=6, patch_size=128)
    assert 1_000_000 <= model.count_params() <= 2_000_000
    assert 60 <= flops_per_pixel(model, 128) / 1e3 <= 110


@pytest.mark.parametrize("arch", ["unet3plus", "deeplabv3", "pspnet", "fcn", "segnet"])
def test_compact_is_small_with_every_decoder(arch: str) -> None:
    model = for_prediction(build(arch, "compact", bands=6, patch_size=128))
    assert 800_000 <= model.count_params() <= 2_000_000
    assert 25 <= flops_per_pixel(model, 128) / 1e3 <= 160


def test_unet3plus_is_sized_as_published() -> None:
    model = build("unet3plus", "resnet50", bands=3, patch_size=128, freeze_encoder=True)
    assert (model.count_params(), count(model.trainable_weights)) == (10_849_706, 2_258_346)
    heads = {name: model.get_layer(name).count_params() for name in SIDES}
    assert heads == dict.fromkeys(SIDES, 2_882) | {"supervision16_logits": 18_434}
    assert model.get_layer("guidance_conv").count_params() == 32_800


SIDES = [f"supervision{stride}_logits" for stride in (2, 4, 8, 16)]


def test_vgg16_unet_is_sized_as_published() -> None:
    decoder = DecoderConfig(upsampling="transposed", bias=True)
    model = build("unet", "vgg16", bands=3, patch_size=512, classes=66, decoder=decoder)
    assert (model.count_params(), count(model.trainable_weights)) == (25_866_562, 25_862_722)
    assert model.output_shape == (None, 512, 512, 66)
    assert model.get_layer("decoder1_up_conv").kernel.shape == (2, 2, 512, 512)


def test_deeplab_rebuilds_conv5_at_stride_16() -> None:
    model = build("deeplabv3", "resnet50", bands=3, patch_size=64)
    encoder = model.get_layer("encoder")
    whole = keras.applications.ResNet50(include_top=False, weights=None)
    assert encoder.count_params() == whole.count_params()
    assert [layer.name for layer in encoder.layers if layer.weights] == [
        layer.name for layer in whole.layers if layer.weights
    ]
    dilations = {
        layer.dilation_rate for layer in encoder.layers if layer.name.endswith("_2_conv") and "conv5" in layer.name
    }
    assert dilations == {(2, 2)}
    assert encoder.outputs[-1].shape[-1] == 2048
    assert model.get_layer("aspp_concat").output.shape == (None, 4, 4, 5 * 256)
    assert model.get_layer("logits").input.shape == (None, 4, 4, 5 * 256)


def test_segnet_is_vgg16_and_its_mirror_image() -> None:
    model = build("segnet", "vgg16", bands=3, patch_size=32)
    batch_norm = 4 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512)
    assert model.get_layer("encoder").count_params() == 14_714_688 + batch_norm
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 13


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoder_halves_from_output_to_output(encoder: str) -> None:
    features = ENCODERS[encoder](4)(np.zeros((1, 64, 64, 4), "float32"))
    sides = [feature.shape[1] for feature in features]
    assert sides[-1] == 64 / STRIDE
    assert all(fine == 2 * coarse for fine, coarse in pairwise(sides))
    assert (sides[0] == 64) == (encoder in ("compact", "vgg16"))  # shorelines reach the decoder unblurred


def test_decoder_filters_are_a_choice() -> None:
    model = build("unet", "compact", bands=2, patch_size=32, decoder=DecoderConfig(filters=(24, 20, 12, 8)))
    assert [model.get_layer(f"decoder{level}_3_conv").filters for level in (1, 2, 3, 4)] == [24, 20, 12, 8]
