"""What `build` makes: sizes, inputs, outputs, scaling, refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.conftest import digital_numbers, randomised
from watermap.config import STRIDE, DecoderConfig, StageConfig, TrainConfig
from watermap.errors import UsageError
from watermap.models.arithmetic import flops_per_pixel
from watermap.models.build import build, for_prediction
from watermap.models.encoders import ENCODERS
from watermap.models.registry import ARCHITECTURES
from watermap.models.scaling import IMAGENET_STD, Scaling, imagenet_gains
from watermap.training.losses import get_loss
from watermap.training.optimiser import computing_in, make_optimizer

EXTENDED = pytest.mark.extended
SIX = ("B2", "B3", "B4", "B8", "B11", "B12")


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


def precisions(model: keras.Model) -> Iterator[tuple[str, str]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from precisions(layer)
        elif not isinstance(layer, keras.layers.InputLayer):  # it computes nothing
            yield layer.name, layer.dtype_policy.name


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


@pytest.mark.parametrize(
    ("arch", "encoder", "bands"),
    [
        *((arch, "compact", bands) for arch in ("unet", "attention_unet") for bands in (1, 2, 3, 6, 13, SIX)),
        *((arch, "compact", 13) for arch in ARCHITECTURES),
        ("unet", "resnet50", 13),
        ("attention_unet", "resnet50", 1),
        ("unet", "vgg16", 4),
        ("fcn", "mobilenetv2", 2),
    ],
)
def test_digital_numbers_to_probabilities(arch: str, encoder: str, bands: int | tuple[str, ...]) -> None:
    channels = bands if isinstance(bands, int) else len(bands)
    model = for_prediction(build(arch, encoder, bands=bands, patch_size=32))
    probability = keras.ops.convert_to_numpy(model(digital_numbers(2, 32, 32, channels)))
    assert (model.inputs[0].name, model.output_names) == ("image", ["probability"])
    assert probability.shape == (2, 32, 32, 2)
    assert probability.dtype == np.float32
    assert probability.min() >= 0
    np.testing.assert_allclose(probability.sum(axis=-1), 1, rtol=1e-5)


def test_open_patch_size() -> None:
    model = build("unet", "compact", bands=3, patch_size=None)
    assert model.input_shape == (None, None, None, 3)
    assert model(digital_numbers(1, 48, 80, 3)).shape == (1, 48, 80, 2)


@pytest.fixture(params=["bfloat16", "float16"])
def mixed_precision(request: pytest.FixtureRequest) -> Iterator[str]:
    keras.config.set_dtype_policy(f"mixed_{request.param}")
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_mixed_precision_ends_in_float32(arch: str, mixed_precision: str) -> None:
    model = for_prediction(build(arch, "compact", bands=3, patch_size=32))
    image = digital_numbers(1, 32, 32, 3)
    assert model.get_layer("encoder").outputs[-1].dtype == mixed_precision
    probability = keras.ops.convert_to_numpy(model(image))
    assert probability.dtype == np.float32
    np.testing.assert_allclose(probability.sum(axis=-1), 1, rtol=1e-5)
    scaled = model.get_layer("scaling")(image)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(scaled), image / 10_000, rtol=1e-6)


def scaled(scaling: Scaling, image: Any, gains: tuple[float, ...] | None = None) -> Any:
    return keras.ops.convert_to_numpy(scaling.to_layer(gains)(image))


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


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"arch": "transunet"}, "'transunet'.*unet, attention_unet"),
        ({"arch": "segnet", "encoder": "resnet50"}, "segnet does not take the resnet50 encoder.*vgg16, compact"),
        ({"decoder": DecoderConfig(filters=(32, 16))}, r"\(32, 16\).*do not fit unet.*4 positive numbers"),
        ({"decoder": DecoderConfig(filters=(32, 16, 8, 0))}, "do not fit unet.*4 positive numbers"),
        *(
            ({"arch": arch, "decoder": DecoderConfig(upsampling="transposed")}, f"{arch} has no transposed up-sampling")
            for arch in ("unet3plus", "deeplabv3", "pspnet", "segnet")
        ),
        (
            {"arch": "segnet", "decoder": DecoderConfig(upsampling="bilinear")},
            "segnet has no bilinear.*none but its own",
        ),
        ({"encoder": "vgg"}, "'vgg'.*resnet50, compact"),
        ({"bands": 0}, "at least one band"),
        ({"bands": -1}, "at least one band"),
        ({"bands": ()}, "at least one band"),
        ({"patch_size": 100}, "100 pixels.*multiple of 16, such as 96"),
        ({"patch_size": 0}, "0 pixels.*such as 16"),
        ({"patch_size": -16}, "-16 pixels.*such as 16"),
        ({"scaling": Scaling((0.0,), (1.0,))}, "1 bands.*has 3"),
    ],
)
def test_refusals(changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"arch": "unet", "encoder": "compact", "bands": 3, "patch_size": 32}
    with pytest.raises(UsageError, match=message):
        build(**(arguments | changed))


def test_saved_models_load_safely_in_a_fresh_process(tmp_path: Path) -> None:
    image = digital_numbers(1, 32, 32, 6)
    np.save(tmp_path / "image.npy", image)
    for arch, encoder in (("unet", "resnet50"), ("attention_unet", "compact")):
        model = randomised(build(arch, encoder, bands=6, patch_size=32, freeze_encoder=True))
        path = tmp_path / f"{arch}_{encoder}.keras"
        model.save(path)
        np.save(path.with_suffix(".npy"), keras.ops.convert_to_numpy(model(image)))
    script = """
import sys, keras, numpy as np
from pathlib import Path
folder = Path(sys.argv[1])
image = np.load(folder / "image.npy")
for path in sorted(folder.glob("*.keras")):
    model = keras.saving.load_model(path, safe_mode=True)
    np.testing.assert_allclose(model(image), np.load(path.with_suffix(".npy")), rtol=1e-5, atol=1e-6)
    assert model.name == path.stem
    assert not model.get_layer("encoder").trainable_weights
    print(path.stem)
assert "watermap" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["attention_unet_compact", "unet_resnet50"]


def test_weights_are_local() -> None:
    with pytest.raises(UsageError, match=r"s3://b/x\.keras: weights are read from local files"):
        build("unet", "compact", bands=3, patch_size=32, weights="s3://b/x.keras")


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_decoder_options_are_honoured(arch: str) -> None:
    plain, stated = (
        build(arch, "compact", bands=2, patch_size=32, preset="fast", decoder=decoder)
        for decoder in (None, DecoderConfig(batch_norm=False, dropout=0.5))
    )
    norms = [layer for layer in stated.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert not norms
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in plain.layers)
    assert any(isinstance(layer, keras.layers.Dropout) for layer in stated.layers)
    convolutions = [layer for layer in stated.layers if isinstance(layer, keras.layers.Conv2D)]
    assert all(layer.use_bias for layer in convolutions)
    assert not all(layer.use_bias for layer in plain.layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_layers_keep_their_precision_when_loaded(arch: str, tmp_path: Path) -> None:
    with computing_in("mixed_bfloat16"):
        built = build(arch, "compact", bands=2, patch_size=32, preset="fast", decoder=DecoderConfig(dropout=0.5))
    built.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert dict(precisions(loaded)) == dict(precisions(built))
    assert set(dict(precisions(built)).values()) == {"mixed_bfloat16", "float32"}


@pytest.mark.extended
@pytest.mark.parametrize(
    ("arch", "precision"),
    [*((arch, "mixed_bfloat16") for arch in ARCHITECTURES), ("unet", "float32"), ("unet", "mixed_float16")],
)
def test_training_can_be_compiled_by_xla(arch: str, precision: str) -> None:
    with computing_in(precision):
        model = build(arch, "compact", bands=2, patch_size=32, preset="fast")
    optimizer = make_optimizer(StageConfig(name="one"), TrainConfig(precision=precision), batches=2)
    label = np.random.default_rng(2).integers(0, 2, (4, 32, 32)).astype(np.uint8)
    loss = {name: get_loss("cross_entropy + dice") for name in model.output_names}
    model.compile(optimizer=optimizer, loss=loss, jit_compile=True)
    targets = label if len(model.output_names) == 1 else dict.fromkeys(model.output_names, label)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    history = model.fit(digital_numbers(4, 32, 32, 2), targets, batch_size=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    after = [weight.numpy() for weight in model.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    assert sum(not np.array_equal(*pair) for pair in zip(before, after, strict=True)) > 0.8 * len(before)


@pytest.mark.parametrize("arch", [arch for arch, found in ARCHITECTURES.items() if len(found.upsampling) > 1])
@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
def test_upsampling_is_a_choice(arch: str, upsampling: Any) -> None:
    model = build(arch, "compact", bands=2, patch_size=32, preset="fast", decoder=DecoderConfig(upsampling=upsampling))
    transposed = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert bool(transposed) == (upsampling == "transposed")
    assert model(digital_numbers(1, 32, 32, 2)).shape == (1, 32, 32, 2)


def test_decoder_filters_are_a_choice() -> None:
    model = build("unet", "compact", bands=2, patch_size=32, decoder=DecoderConfig(filters=(24, 20, 12, 8)))
    assert [model.get_layer(f"decoder{level}_3_conv").filters for level in (1, 2, 3, 4)] == [24, 20, 12, 8]
