"""Networks as they are built: inputs, outputs, precision, options."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.models.conftest import digital_numbers, randomised
from tests.support.processors import needs_bfloat16
from watermap.config import DecoderConfig, StageConfig, TrainConfig
from watermap.errors import UsageError
from watermap.models.build import build, for_prediction
from watermap.models.registry import ARCHITECTURES
from watermap.models.scaling import Scaling
from watermap.training.losses import get_loss
from watermap.training.optimiser import computing_in, make_optimizer

EXTENDED = pytest.mark.extended
SIX = ("B2", "B3", "B4", "B8", "B11", "B12")


def precisions(model: keras.Model) -> Iterator[tuple[str, str]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from precisions(layer)
        elif not isinstance(layer, keras.layers.InputLayer):  # it computes nothing
            yield layer.name, layer.dtype_policy.name


@pytest.mark.parametrize(
    ("arch", "encoder", "bands"),
    [
        *(("unet", "compact", bands) for bands in (1, 3, SIX)),
        *((arch, "compact", 13) for arch in ARCHITECTURES),
        ("unet", "resnet50", 13),
        *(pytest.param("attention_unet", "compact", bands, marks=EXTENDED) for bands in (1, 2, 3, 6, SIX)),
        pytest.param("unet", "compact", 6, marks=EXTENDED),
        pytest.param("attention_unet", "resnet50", 1, marks=EXTENDED),
        pytest.param("unet", "vgg16", 4, marks=EXTENDED),
        pytest.param("fcn", "mobilenetv2", 2, marks=EXTENDED),
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


@pytest.fixture(params=[pytest.param("bfloat16", marks=needs_bfloat16), pytest.param("float16", marks=EXTENDED)])
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


@pytest.mark.extended
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


@pytest.mark.parametrize(
    "arch", [arch if arch == "unet" else pytest.param(arch, marks=EXTENDED) for arch in ARCHITECTURES]
)
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
