"""Imported networks beside their own runtime, ONNX Runtime, on the same windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from onnx import TensorProto

from tests.support.folders import listing
from tests.support.onnx_networks import Drawing, Runtime, by_runtime, make_network, runtime
from tests.support.rasters import make_grid, write_scene, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle, open_bundle
from watermap.config import OnnxConfig, PredictConfig
from watermap.errors import DataError, ModelError, UsageError
from watermap.evaluation.calibrate import calibrate
from watermap.evaluation.evaluate import evaluate
from watermap.patches.store import PatchStore
from watermap.prediction.import_onnx import import_onnx
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene

MEAN, STD = (0.1, 0.12, 0.11, 0.3, 0.2, 0.15), (0.05, 0.06, 0.07, 0.1, 0.09, 0.08)
MOMENTS: dict[str, Any] = {"mean": MEAN, "std": STD}


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """150 x 201 pixels of ground in patches, with a corner without data."""
    rng = np.random.default_rng(1)
    coarse = rng.uniform(50, 3500, (6, 31, 41)).repeat(5, axis=1).repeat(5, axis=2)[:, :150, :201]
    values = (coarse + rng.uniform(0, 1500, (6, 150, 201))).astype(np.uint16)
    values[:, :40, :60] = 65535
    return write_tif(tmp_path / "scene.tif", values, make_grid(201, 150), names=STANDARD_BANDS, no_data=65535)


def imported(path: Path, **stated: Any) -> Bundle:
    """The bundle of a network, beside its file."""
    config = OnnxConfig.model_validate({"bands": STANDARD_BANDS, "scale": 1e-4, "water_class": 1, **stated})
    return import_onnx(path, path.with_suffix(""), config).bundle


def mapped(bundle: Bundle, scene: Path, **settings: Any) -> npt.NDArray[Any]:
    """The codes of a bundle's map."""
    made = predict_scene(scene, Predictor(bundle, PredictConfig(**settings)), bundle.folder / "maps")
    with rasterio.open(made.water) as raster:
        codes: npt.NDArray[Any] = raster.read(1)
    return codes


def agreement(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    return float((one == other).mean())


NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any], Runtime]] = {
    "logits of five classes": (
        {"classes": 5},
        {"activation": "softmax", "water_class": 3, **MOMENTS},
        lambda found: found.argmax(axis=-1) == 3,
    ),
    "probabilities of five classes, bands last, one size": (
        {"classes": 5, "ends_with": "Softmax", "layout": "nhwc", "side": 64},
        {"water_class": 0, **MOMENTS},
        lambda found: found.argmax(axis=-1) == 0,
    ),
    "water against all": (
        {"classes": 4, "layout": "nhwc", "gain": 3.0},
        {"activation": "softmax", "water_class": 2, "against": "all", **MOMENTS},
        lambda found: (np.exp(found) / np.exp(found).sum(axis=-1, keepdims=True))[..., 2] >= 0.5,
    ),
    "two classes of reflectance": (
        {"classes": 2, "gain": 60.0, "seed": 1},
        {"activation": "softmax"},
        lambda found: found.argmax(axis=-1) == 1,
    ),
    "one logit": (
        {"classes": 1},
        {"activation": "sigmoid", "water_class": 0, **MOMENTS},
        lambda found: found[..., 0] >= 0,
    ),
    "classes that do not exclude each other": (
        {"classes": 3, "ends_with": "Sigmoid"},
        {"water_class": 2, **MOMENTS},
        lambda found: found[..., 2] >= 0.5,
    ),
    "a class of each pixel, one window at once": (
        {"classes": 4, "ends_with": "ArgMax", "layout": "nhwc", "batch": 1, "side": 96},
        {"water_class": 2, **MOMENTS},
        lambda found: found == 2,
    ),
    "sides that are multiples of 64": (
        {"classes": 3, "halvings": 6, "ends_with": "Softmax", "seed": 1},
        {"water_class": 1, **MOMENTS},
        lambda found: found.argmax(axis=-1) == 1,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_map_shows_the_classes_of_the_networks_own_runtime(name: str, scene: Path, tmp_path: Path) -> None:
    made, stated, decide = NETWORKS[name]
    path = make_network(tmp_path / "network.onnx", **made)
    moments = {key: stated[key] for key in ("mean", "std") if key in stated}
    bundle = imported(path, **stated)
    expected = by_runtime(runtime(path, layout=made.get("layout", "nchw"), **moments), decide, bundle, scene)
    water = (expected == 1).sum() / (expected != 255).sum()
    assert 0.02 < water < 0.98  # else agreeing would say nothing
    assert agreement(mapped(bundle, scene), expected) >= 0.999


def test_it_tells_what_the_network_takes_and_where_it_comes_from(tmp_path: Path) -> None:
    path = make_network(tmp_path / "n.onnx", classes=5, layout="nhwc", halvings=5, ends_with="Softmax")
    contract = imported(path, water_class=4, pixel_size_m=30, **MOMENTS).contract
    origin = contract.imported_from
    assert origin is not None
    assert (origin.file, origin.digest, origin.layout, origin.classes) == ("n.onnx", contract.model_digest, "nhwc", 5)
    assert (origin.water_class, origin.activation, origin.against, origin.mean) == (4, "none", "likeliest", MEAN)
    assert (contract.fixed_window_px, contract.window_multiple_px, contract.pixel_sizes_m) == (None, 32, (30, 30))
    layout = Predictor(open_bundle(tmp_path / "n"), PredictConfig()).layout((500, 600))
    assert {side % 32 for side in (*layout.shape, layout.overlap)} == {0}
    assert (contract.arch, contract.patch_size, contract.trained_on, contract.training) == (None, None, {}, {})
    assert contract.parameters is not None
    assert contract.parameters > 8 * 8 * 9
    assert contract.flops_per_pixel is not None
    assert (tmp_path / "n" / contract.model_file).read_bytes() == path.read_bytes()


def _several_outputs(path: Path) -> Path:
    drawing = Drawing()
    features = drawing.add("Tanh", drawing.convolve("image", (6, 4)))
    outputs = [drawing.add("Softmax", drawing.convolve(features, (4, each)), axis=1) for each in (2, 3)]
    return drawing.save(path, {"image": ["n", 6, "rows", "cols"]}, dict.fromkeys(outputs, TensorProto.FLOAT))


def test_of_several_outputs_the_one_that_is_named_is_read(scene: Path, tmp_path: Path) -> None:
    path = _several_outputs(tmp_path / "n.onnx")
    with pytest.raises(UsageError, match=r"it has 2 outputs: state --output, one of softmax_3, softmax_5"):
        imported(path, water_class=2)
    bundle = imported(path, water_class=2, output="softmax_5")
    run = runtime(path, output="softmax_5")
    expected = by_runtime(run, lambda found: found.argmax(axis=-1) == 2, bundle, scene)
    assert agreement(mapped(bundle, scene), expected) >= 0.999


def test_a_network_of_one_window_at_once_is_given_one_at_a_time(scene: Path, tmp_path: Path) -> None:
    drawing = Drawing(1)
    shape = drawing.constant(np.array([1, 2, 64, 64]))
    found = drawing.add("Softmax", drawing.add("Reshape", drawing.convolve("image", (6, 2)), shape), axis=1)
    path = drawing.save(tmp_path / "n.onnx", {"image": [1, 6, 64, 64]}, {found: TensorProto.FLOAT})
    bundle = imported(path, **MOMENTS)
    expected = by_runtime(runtime(path, **MOMENTS), lambda found: found.argmax(axis=-1) == 1, bundle, scene)
    assert agreement(mapped(bundle, scene), expected) >= 0.999
    windows = np.random.default_rng(0).uniform(100, 3000, (3, 6, 64, 64)).astype(np.float32)
    assert Predictor(bundle, PredictConfig()).engine.compute(windows).shape == (3, 64, 64)


def _two_inputs(path: Path) -> Path:
    drawing = Drawing()
    found = drawing.add("Softmax", drawing.convolve(drawing.add("Add", "image", "other"), (6, 2)), axis=1)
    shape: list[int | str] = ["n", 6, "rows", "cols"]
    return drawing.save(path, {"image": shape, "other": shape}, {found: TensorProto.FLOAT})


def _unknown_step(path: Path) -> Path:
    drawing = Drawing()
    found = drawing.add("Mystery", drawing.convolve("image", (6, 2)), domain="somebody.else")
    return drawing.save(
        path, {"image": ["n", 6, "rows", "cols"]}, {found: TensorProto.FLOAT}, domains=["somebody.else"]
    )


def _smaller_output(path: Path) -> Path:
    drawing = Drawing()
    found = drawing.convolve("image", (6, 2), stride=4)
    return drawing.save(path, {"image": ["n", 6, "rows", "cols"]}, {found: TensorProto.FLOAT})


def _oblong(path: Path) -> Path:
    drawing = Drawing()
    return drawing.save(path, {"image": [1, 6, 64, 96]}, {drawing.convolve("image", (6, 2)): TensorProto.FLOAT})


def _text(path: Path) -> Path:
    path.write_text("no network")
    return path


WRONG: dict[str, tuple[Callable[[Path], Path], dict[str, Any], type[Exception], str]] = {
    "not onnx": (_text, {}, ModelError, "it is no ONNX network that OpenVINO can read"),
    "absent": (lambda path: path, {}, ModelError, "no such file"),
    "other bands": (make_network, {"bands": STANDARD_BANDS[:4]}, UsageError, "no axis has the 4 bands"),
    "other layout": (make_network, {"layout": "nhwc"}, ModelError, "it takes windows of 6 x 6 pixels only, too small"),
    "no such class": (
        lambda path: make_network(path, ends_with="Softmax"),
        {"water_class": 2},
        UsageError,
        "there is no class 2: its classes are 0 to 1",
    ),
    "logits": (make_network, {}, UsageError, "which are no probabilities: state --activation softmax"),
    "softmax of one": (
        lambda path: make_network(path, classes=1),
        {"activation": "softmax", "water_class": 0},
        UsageError,
        "softmax of a single class is always 1",
    ),
    "softmax of classes": (
        lambda path: make_network(path, ends_with="ArgMax"),
        {"activation": "softmax"},
        UsageError,
        "it gives classes",
    ),
    "no such output": (make_network, {"output": "water"}, UsageError, "it has no output 'water': choose from mul_"),
    "two inputs": (_two_inputs, {}, ModelError, "it has 2 inputs"),
    "an unknown step": (_unknown_step, {}, ModelError, "OpenVINO cannot run it .*Mystery"),
    "a smaller output": (_smaller_output, {}, ModelError, "of a window of .* it gives 1 x 2 x "),
    "oblong windows": (_oblong, {}, ModelError, "it takes windows of 64 x 96 pixels only"),
    "bands first or last": (
        lambda path: make_network(path, side=6),
        {},
        UsageError,
        "may have its bands first or last: state --layout",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_imported_is_one_line_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    make, stated, kind, message = WRONG[name]
    path = make(tmp_path / "n.onnx")
    with pytest.raises(kind, match=message) as error:
        imported(path, **stated)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert listing(tmp_path) == [path.name][: path.exists()]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    path = make_network(tmp_path / "n.onnx", ends_with="Softmax")
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "mine").write_text("mine")
    with pytest.raises(UsageError, match="n: is there already"):
        imported(path)
    assert listing(tmp_path / "n") == ["mine"]


def test_probabilities_of_probabilities_are_noted(tmp_path: Path) -> None:
    path = make_network(tmp_path / "n.onnx", ends_with="Softmax")
    config = OnnxConfig(bands=STANDARD_BANDS, scale=1e-4, water_class=1, activation="softmax")
    (first, *_) = import_onnx(path, tmp_path / "out", config).notes
    assert "are probabilities already" in first


def test_windows_of_one_size_hold_small_scenes_too(tmp_path: Path) -> None:
    path = make_network(tmp_path / "n.onnx", side=96, ends_with="Softmax")
    bundle = imported(path, **MOMENTS)
    values = np.random.default_rng(0).integers(100, 3000, (6, 9, 21)).astype(np.uint16)
    scene = write_tif(tmp_path / "small.tif", values, make_grid(21, 9), names=STANDARD_BANDS)
    expected = by_runtime(runtime(path, **MOMENTS), lambda found: found.argmax(axis=-1) == 1, bundle, scene)
    assert agreement(mapped(bundle, scene), expected) >= 0.999
    assert Predictor(bundle, PredictConfig(overlap=16)).layout((9, 21)).shape == (96, 96)
    with pytest.raises(UsageError, match="takes windows of 96 pixels only: leave --window out"):
        Predictor(bundle, PredictConfig(window=64))
    other = imported(make_network(tmp_path / "o.onnx", side=64, ends_with="Softmax"), **MOMENTS)
    with pytest.raises(UsageError, match="takes windows of 64 and 96 pixels only"):
        Predictor(bundle, PredictConfig(), [other])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"engine": "keras"}, "which Keras cannot run: leave --engine out"), ({"precision": "int8"}, "int8 was never")],
)
def test_what_only_trained_bundles_can_do_is_refused(
    settings: dict[str, Any], message: str, scene: Path, tmp_path: Path
) -> None:
    bundle = imported(make_network(tmp_path / "n.onnx", ends_with="Softmax"))
    with pytest.raises(ModelError, match=message):
        mapped(bundle, scene, **settings)
    with pytest.raises(ModelError, match=r"was imported from n\.onnx, which Keras cannot run"):
        bundle.load_model()


def test_a_scene_whose_numbers_are_of_another_unit_is_refused(tmp_path: Path) -> None:
    bundle = imported(make_network(tmp_path / "n.onnx", ends_with="Softmax"))
    values = np.random.default_rng(0).uniform(0.01, 0.5, (6, 64, 64)).astype(np.float32)
    scene = write_tif(tmp_path / "s.tif", values, make_grid(64, 64), names=STANDARD_BANDS)
    with pytest.raises(DataError, match="its numbers end near"):
        mapped(bundle, scene)
    assert mapped(bundle, scene, scale=1.0).shape == (64, 64)


def test_it_is_scored_on_scenes_and_patches_and_calibrated(small_patches: Path, tmp_path: Path) -> None:
    bundle = imported(make_network(tmp_path / "n.onnx", ends_with="Softmax", gain=1.0), **MOMENTS)
    image = np.random.default_rng(0).integers(100, 3000, (6, 96, 96)).astype(np.uint16)
    write_scene(tmp_path / "scenes", "here", make_grid(96, 96), image=image)
    found = evaluate(bundle, tmp_path / "scenes", PredictConfig())
    assert "which ground it learned from is unknown" in found.notes[0]
    assert found.pooled.as_dict()["pixels"] == 96 * 96
    store = PatchStore.open(small_patches)
    before = evaluate(bundle, store, PredictConfig()).pooled.as_dict()
    after = calibrate(bundle, store, method="platt")
    assert after.bundle.contract.calibration is not None
    calibrated = after.bundle.contract.scores["test"]["cross_entropy"]
    assert calibrated is not None
    assert before["cross_entropy"] is not None
    assert calibrated < before["cross_entropy"]
    again = evaluate(open_bundle(bundle.folder), store, PredictConfig())
    assert again.pooled.as_dict()["cross_entropy"] == pytest.approx(calibrated)
    with pytest.raises(DataError, match="no honest score"):  # it was calibrated on that ground
        evaluate(open_bundle(bundle.folder), small_patches.parent / "scenes", PredictConfig())
    fixed = imported(make_network(tmp_path / "f.onnx", ends_with="Softmax", side=64))
    with pytest.raises(UsageError, match="sides of 32 pixels, but the network takes windows of 64"):
        evaluate(fixed, store, PredictConfig())
