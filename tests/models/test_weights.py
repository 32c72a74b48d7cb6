"""Weights from files: ImageNet's, extended to other bands, and those of whole models."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.conftest import digital_numbers, randomised
from watermap.bands import SENTINEL2
from watermap.errors import ModelError, UsageError
from watermap.models import weights
from watermap.models.build import build, for_prediction
from watermap.models.resize import resize
from watermap.models.scaling import IMAGENET_STD, Scaling, imagenet_gains, imagenet_offsets
from watermap.models.weights import PRETRAINED, extend_kernel, load

BLUE, GREEN, RED = 0, 1, 2
EXTENDED = pytest.mark.extended


def kernel_of(model: Any) -> Any:
    return model.get_layer("encoder").get_layer("conv1_conv").get_weights()[0]


@given(st.lists(st.sampled_from([*SENTINEL2, ""]), min_size=1, max_size=13, unique=True))
def test_kernel_is_extended(bands: list[str]) -> None:
    kernel = np.random.default_rng(0).normal(size=(7, 7, 3, 4)).astype("float32")
    extended = extend_kernel(kernel, bands)
    assert extended.shape == (7, 7, len(bands), 4)
    assert extended.dtype == np.float32
    colors = {"B2": BLUE, "B3": GREEN, "B4": RED}
    others = [band for band in bands if band not in colors]
    for index, band in enumerate(bands):
        if band in colors:
            np.testing.assert_array_equal(extended[:, :, index], kernel[:, :, colors[band]])
        else:
            share = (1 if len(others) < len(bands) else 3) / len(others)
            np.testing.assert_allclose(extended[:, :, index], kernel.mean(axis=2) * share, rtol=1e-5, atol=1e-7)


def test_kernel_without_colors_keeps_the_response_to_grey() -> None:
    kernel = np.random.default_rng(0).normal(size=(7, 7, 3, 4)).astype("float32")
    extended = extend_kernel(kernel, ("B8", "B11"))
    np.testing.assert_allclose(extended.sum(axis=2), kernel.sum(axis=2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("bands", "slices", "layout"),
    [
        (("B2", "B3", "B4", "B8", "B11", "B12"), [BLUE, GREEN, RED, None, None, None], "resnet50_file"),
        pytest.param(5, [RED, GREEN, BLUE, None, None], "resnet50_weights_file", marks=EXTENDED),
    ],
)
def test_every_weight_comes_from_the_file(
    resnet50: Any, request: pytest.FixtureRequest, bands: int | Sequence[str], slices: list[int | None], layout: str
) -> None:
    path = request.getfixturevalue(layout)
    model = build("unet", "resnet50", bands=bands, patch_size=32, weights=str(path))
    original = resnet50.get_layer("conv1_conv").get_weights()[0]
    for index, part in enumerate(slices):
        expected = original.mean(axis=2) / slices.count(None) if part is None else original[:, :, part]
        np.testing.assert_allclose(kernel_of(model)[:, :, index], expected, rtol=1e-6)
    for layer in model.get_layer("encoder").layers:
        if layer.weights and layer.name != "conv1_conv":
            expected = resnet50.get_layer(layer.name).get_weights()
            for found, value in zip(layer.get_weights(), expected, strict=True):
                np.testing.assert_array_equal(found, value)


def test_pretrained_encoder_sees_the_spread_of_imagenet(resnet50_file: Path) -> None:
    scaling = Scaling((900.0, 700.0), (300.0, 200.0))
    model = build("unet", "resnet50", bands=("B4", "B8"), patch_size=32, weights=resnet50_file, scaling=scaling)
    image = digital_numbers(1, 32, 32, 2)
    seen = keras.ops.convert_to_numpy(model.get_layer("scaling")(image))
    gains = [IMAGENET_STD["B4"], np.mean(list(IMAGENET_STD.values()))]
    np.testing.assert_allclose(seen, (image - [900, 700]) / [300, 200] * gains, rtol=1e-4, atol=1e-3)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras cache, and no proxy before 127.0.0.1."""
    monkeypatch.setattr(keras.utils, "get_file", partial(keras.utils.get_file, cache_dir=str(tmp_path)))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server(resnet50_file: Path) -> Iterator[str]:
    handler = partial(Quiet, directory=str(resnet50_file.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def offered(monkeypatch: pytest.MonkeyPatch, encoder: str = "resnet50", **changed: Any) -> None:
    """Another place or digest of an encoder's weights."""
    monkeypatch.setitem(PRETRAINED, encoder, replace(PRETRAINED[encoder], **changed))


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324  # Keras's own checksum


def test_imagenet_is_downloaded_once_and_silently(
    cache: Path,
    server: str,
    resnet50: Any,
    resnet50_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    offered(monkeypatch, url=f"{server}/{resnet50_file.name}", md5=md5_of(resnet50_file))
    first = build("unet", "resnet50", bands=3, patch_size=32, weights="imagenet")
    offered(monkeypatch, url=f"http://127.0.0.1:{closed_port()}/{resnet50_file.name}")
    again = build("unet", "resnet50", bands=3, patch_size=32, weights="imagenet")
    original = resnet50.get_layer("conv1_conv").get_weights()[0]
    np.testing.assert_array_equal(kernel_of(first), original[:, :, [RED, GREEN, BLUE]])
    np.testing.assert_array_equal(kernel_of(again), kernel_of(first))
    assert capfd.readouterr().out == ""
    assert socket.getdefaulttimeout() is None


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def refused_quickly(message: str) -> str:
    start = time.monotonic()
    with pytest.raises(ModelError, match=message) as caught:
        build("unet", "resnet50", bands=3, patch_size=32, weights="imagenet")
    assert time.monotonic() - start < 5
    assert caught.value.exit_code == 5
    return str(caught.value)


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, url=f"http://127.0.0.1:{closed_port()}/notop.h5")
    line = refused_quickly("cannot be fetched.*refused")
    assert "\n" not in line
    assert all(remedy in line for remedy in ("--weights none", "--weights PATH", "--encoder compact"))


def test_silent_server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as held:
        offered(monkeypatch, url=f"http://127.0.0.1:{held.getsockname()[1]}/notop.h5")
        refused_quickly("cannot be fetched.*timed out")


def test_damaged_download(cache: Path, server: str, resnet50_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(monkeypatch, url=f"{server}/{resnet50_file.name}")
    refused_quickly("cannot be fetched.*[Cc]orrupted")


def refused(path: Path, message: str, **changed: Any) -> None:
    arguments: dict[str, Any] = {"arch": "unet", "encoder": "resnet50", "bands": 3, "patch_size": 32}
    with pytest.raises(ModelError, match=message) as caught:
        build(**(arguments | changed), weights=path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["gone.h5", "gone.weights.h5", "gone.keras"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name, "no such file")


@pytest.mark.parametrize(
    "name",
    [
        "nonsense.h5",
        "truncated.h5",
        pytest.param("nonsense.weights.h5", marks=EXTENDED),
        pytest.param("other.weights.h5", marks=EXTENDED),
    ],
)
def test_unusable_weights(tmp_path: Path, resnet50_file: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("nonsense"):
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"nonsense" * 100)
    elif name.startswith("truncated"):
        path.write_bytes(resnet50_file.read_bytes()[:1_000_000])
    else:
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(path)
    refused(path, "not the weights of a Keras ResNet50 without top")


def test_unusable_model(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04nonsense")
    refused(path, "not a model that Keras can load")


def test_file_of_another_kind(tmp_path: Path) -> None:
    refused(tmp_path / "weights.pt", "neither a whole model")


@pytest.mark.parametrize("found", ["imagenet", "resnet50.h5", "weights.pt"])
def test_compact_has_no_weights_but_whole_models(found: str) -> None:
    with pytest.raises(UsageError, match=f"no {found} weights for the compact encoder"):
        build("unet", "compact", bands=3, patch_size=32, weights=found)


def test_whole_model_goes_on(saved_compact: Path) -> None:
    saved = load(saved_compact)
    other = Scaling((1.0,) * 6, (2.0,) * 6)
    model = build("unet", "compact", bands=6, patch_size=32, weights=saved_compact, scaling=other)
    image = digital_numbers(2, 32, 32, 6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(image)), keras.ops.convert_to_numpy(saved(image)))


def test_whole_model_goes_on_at_another_size_and_frozen(saved_compact: Path) -> None:
    model = build("unet", "compact", bands=6, patch_size=64, weights=str(saved_compact), freeze_encoder=True)
    assert model.input_shape == (None, 64, 64, 6)
    assert not model.get_layer("encoder").trainable_weights
    for found, expected in zip(model.get_weights(), load(saved_compact).get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"arch": "attention_unet"}, "holds unet_compact for 6 bands, not attention_unet_compact for 6"),
        ({"encoder": "resnet50"}, "not unet_resnet50 for 6"),
        ({"bands": 3}, "not unet_compact for 3"),
    ],
)
def test_whole_model_of_another_kind(saved_compact: Path, changed: dict[str, Any], message: str) -> None:
    refused(saved_compact, message, **({"encoder": "compact", "bands": 6} | changed))


def test_whole_model_of_another_version(tmp_path: Path) -> None:
    image = keras.Input((32, 32, 6), name="image")
    scaled = Scaling.reflectance(6).to_layer()(image)
    path = tmp_path / "old.keras"
    keras.Model(image, keras.layers.Conv2D(2, 1)(scaled), name="unet_compact").save(path)
    refused(path, "another preset or version", encoder="compact", bands=6)


@pytest.mark.parametrize(
    ("arch", "encoder"),
    [
        ("segnet", "vgg16"),
        *(
            pytest.param(*pair, marks=EXTENDED)
            for pair in (("unet", "vgg16"), ("fcn", "mobilenetv2"), ("deeplabv3", "resnet50"))
        ),
    ],
)
def test_every_pretrained_encoder_takes_kerass_weights(arch: str, encoder: str, tmp_path: Path) -> None:
    source = PRETRAINED[encoder]
    network = source.network(include_top=False, weights=None, input_shape=(None, None, 3))
    rng = np.random.default_rng(1)
    network.set_weights([rng.uniform(0.1, 0.2, w.shape).astype("float32") for w in network.get_weights()])
    network.save_weights(tmp_path / "notop.weights.h5")
    bands = ("B4", "B3", "B2", "B8")
    model = build(arch, encoder, bands=bands, patch_size=32, preset="fast", weights=tmp_path / "notop.weights.h5")
    body = model.get_layer("encoder")
    copied = [layer for layer in body.layers if layer.weights and layer.name != source.stem]
    theirs = {layer.name for layer in network.layers}
    assert [layer.name for layer in copied if layer.name not in theirs] == [
        layer.name for layer in body.layers if arch == "segnet" and layer.name.endswith("_bn")
    ]
    for layer in copied:
        if layer.name in theirs:
            for found, value in zip(layer.get_weights(), network.get_layer(layer.name).get_weights(), strict=True):
                np.testing.assert_array_equal(found, value)
    kernel, original = (each.get_layer(source.stem).get_weights()[0] for each in (body, network))
    order = [source.colors.index(band) for band in bands[:3]]
    np.testing.assert_array_equal(kernel[:, :, :3], original[:, :, order])
    np.testing.assert_allclose(kernel[:, :, 3], original.mean(axis=2), rtol=1e-6)


def test_pretrained_mobilenet_sees_imagenets_range() -> None:
    gains, offsets = imagenet_gains(("B4", "B2"), "tf"), imagenet_offsets(("B4", "B2"), "tf")
    layer = Scaling((900.0, 700.0), (300.0, 200.0)).to_layer(gains, offsets)
    dark, bright = keras.ops.convert_to_numpy(layer(np.array([[[[900, 700], [1200, 900]]]], "float32")))[0, 0]
    np.testing.assert_allclose(dark, [123.675 / 127.5 - 1, 103.53 / 127.5 - 1], rtol=1e-4)
    np.testing.assert_allclose(bright - dark, [58.395 / 127.5, 57.375 / 127.5], rtol=1e-4)


def test_whole_model_with_side_outputs_goes_on(tmp_path: Path) -> None:
    first = randomised(build("unet3plus", "compact", bands=2, patch_size=32, preset="fast"))
    for_prediction(first).save(tmp_path / "model.keras")
    model = build("unet3plus", "compact", bands=2, patch_size=48, preset="fast", weights=tmp_path / "model.keras")
    assert model.output_names == first.output_names
    image = digital_numbers(1, 32, 32, 2)
    found, expected = (keras.ops.convert_to_numpy(resize(for_prediction(each), 32)(image)) for each in (model, first))
    np.testing.assert_array_equal(found, expected)
