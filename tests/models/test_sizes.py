"""Networks have the sizes of the papers and of their presets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models.counting import count
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.build import build, for_prediction
from watermap.models.registry import ARCHITECTURES

EXTENDED = pytest.mark.extended


PAIRS = [(arch, encoder) for arch, found in ARCHITECTURES.items() for encoder in found.encoders]


@pytest.mark.parametrize("arch", ["unet", "attention_unet"])
@pytest.mark.parametrize("encoder", [pytest.param("resnet50", marks=EXTENDED), "compact"])
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
