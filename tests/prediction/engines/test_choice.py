"""Which engine runs a bundle, and what happens where none can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.prediction.engines.conftest import ROUNDING, make_unet
from tests.support.failures import one_line
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import ModelError, UsageError
from watermap.prediction.engines import choice
from watermap.prediction.engines import keras as keras_engine
from watermap.prediction.engines import openvino as openvino_engine
from watermap.prediction.engines.choice import choose, open_engine
from watermap.prediction.engines.converted import Converted, open_converted
from watermap.prediction.engines.keras import KerasEngine
from watermap.prediction.engines.openvino import OpenVinoEngine
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene


@pytest.mark.parametrize(
    ("asked", "engine", "precision"),
    [
        ({"precision": "float32"}, "openvino", "float32"),
        ({"engine": "openvino", "precision": "float32"}, "openvino", "float32"),
        ({"engine": "keras"}, "keras", "float32"),
        ({"engine": "keras", "precision": "bfloat16"}, "keras", "bfloat16"),
    ],
)
def test_the_fastest_that_was_checked_is_taken(
    asked: dict[str, Any], engine: str, precision: str, bundle: Bundle
) -> None:
    assert choose(bundle, PredictConfig(**asked))[:2] == (engine, precision)


@pytest.mark.parametrize("agreement", [0.9995, 0.99])
def test_bfloat16_is_taken_where_it_was_seen_to_agree(
    agreement: float, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = open_converted(bundle)
    assert converted is not None
    check = converted.record.checks["float32"].model_copy(update={"agreement": agreement})
    record = converted.record.model_copy(update={"checks": {**converted.record.checks, "bfloat16": check}})
    monkeypatch.setattr(choice, "open_converted", lambda _: Converted(converted.folder, record))
    monkeypatch.setattr(choice, "has_bfloat16", lambda: True)
    assert choose(bundle, PredictConfig()).precision == ("bfloat16" if agreement > 0.999 else "float32")
    monkeypatch.setattr(choice, "has_bfloat16", lambda: False)
    assert choose(bundle, PredictConfig()).precision == "float32"


def test_on_a_gpu_keras_is_taken(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_NVIDIA", tmp_path)
    assert choose(bundle, PredictConfig()).engine == "keras"
    assert choose(bundle, PredictConfig(engine="openvino")).engine == "openvino"


def test_what_was_not_converted_is_run_by_keras_or_refused(tmp_path: Path) -> None:
    bundle = make_unet(tmp_path / "unet")
    assert choose(bundle, PredictConfig()).engine == "keras"
    for asked in (PredictConfig(engine="openvino"), PredictConfig(precision="int8")):
        with pytest.raises(ModelError) as error:
            choose(bundle, asked)
        assert "watermap bundles convert" in one_line(error)


def test_without_openvino_keras_runs_it(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    assert choose(bundle, PredictConfig()).engine == "keras"
    with pytest.raises(UsageError, match="OpenVINO is not installed"):
        choose(bundle, PredictConfig(engine="openvino"))


def test_a_precision_that_was_found_bad_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "watermap.prediction.engines.converted.LEAST_AGREEMENT", dict.fromkeys(("float32", "bfloat16", "int8"), 2)
    )
    with pytest.raises(ModelError) as error:
        choose(bundle, PredictConfig(precision="int8"))
    assert "int8 agrees with float32 in" in one_line(error)
    assert choose(bundle, PredictConfig()).precision == "float32"


def test_engines_make_the_same_map(bundle: Bundle, samples: Path, tmp_path: Path) -> None:
    scene = next(samples.glob("*/image.tif"))
    found = {}
    for engine in ("keras", "openvino"):
        config = PredictConfig(engine=engine, precision="float32", probability="float")
        made = predict_scene(scene, Predictor(bundle, config), tmp_path / engine)
        assert made.probability is not None
        with rasterio.open(made.water) as water, rasterio.open(made.probability) as probability:
            found[engine] = (water.read(1), probability.read(1))
            assert water.tags()["WATERMAP_ENGINE"].startswith(engine)
    np.testing.assert_allclose(found["keras"][1], found["openvino"][1], atol=ROUNDING)
    assert (found["keras"][0] != found["openvino"][0]).mean() < 1e-3


def test_half_precision_of_keras_is_close(bundle: Bundle) -> None:
    windows = np.random.default_rng(0).uniform(0, 3000, (2, 6, 64, 96)).astype(np.float32)
    full, half = (KerasEngine(bundle, precision).compute(windows) for precision in ("float32", "bfloat16"))
    assert half.dtype == np.float32
    assert 0 < np.abs(full - half).max() < 0.1
    assert ((full >= 0.5) != (half >= 0.5)).mean() < 0.02


def test_what_was_warmed_does_not_wait(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine([bundle], PredictConfig(engine="openvino", precision="float32"))
    engine.warm((48, 80))

    def late(*_: Any, **__: Any) -> Any:
        raise AssertionError("this was to be done ahead")

    monkeypatch.setattr(Bundle, "load_model", late)
    monkeypatch.setattr(openvino_engine, "_core", late)
    assert engine.compute(np.zeros((1, 6, 48, 80), dtype=np.float32)).shape == (1, 48, 80)


def test_fewer_windows_at_once_where_memory_ends(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = KerasEngine(bundle, "float32", batch_size=8)
    windows = np.random.default_rng(0).uniform(0, 3000, (8, 6, 32, 32)).astype(np.float32)
    expected = engine.compute(windows)
    sizes: list[int] = []

    class Small:
        def __init__(self, model: Any) -> None:
            self.model = model

        def predict_on_batch(self, batch: Any) -> Any:
            sizes.append(len(batch))
            if len(batch) > 2:
                raise RuntimeError("RESOURCE_EXHAUSTED: out of memory while allocating")
            return self.model.predict_on_batch(batch)

    load = Bundle.load_model
    monkeypatch.setattr(Bundle, "load_model", lambda *args, **named: Small(load(*args, **named)))
    engine = KerasEngine(bundle, "float32", batch_size=8)
    np.testing.assert_allclose(engine.compute(windows), expected, atol=1e-6)
    engine.compute(windows)
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_a_window_that_never_fits_is_one_line(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def predict_on_batch(self, _batch: Any) -> Any:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    monkeypatch.setattr(keras_engine.KerasEngine, "_model", lambda *_: Full())
    with pytest.raises(ModelError) as error:
        KerasEngine(bundle, "float32").compute(np.zeros((2, 6, 32, 32), dtype=np.float32))
    assert "not enough memory for a window of 32 x 32 pixels" in one_line(error)


def test_openvino_needs_neither_keras_nor_its_own_reports(bundle: Bundle, samples: Path, tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from watermap.bundles.bundle import open_bundle
from watermap.config import PredictConfig
from watermap.prediction.scene import predict_scene
from watermap.prediction.predictor import Predictor
predict_scene(Path({str(next(samples.glob("*/image.tif")))!r}), Predictor(open_bundle(Path({str(bundle.folder)!r})),
    PredictConfig(engine="openvino")), Path({str(tmp_path)!r}))
heavy = {{"keras", "tensorflow", "sklearn", "scipy", "cv2", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
assert sys.modules["openvino_telemetry"] is None
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_engine_opens_once(bundle: Bundle) -> None:
    assert isinstance(open_engine([bundle], PredictConfig()), OpenVinoEngine)
    predictor = Predictor(bundle, PredictConfig())
    assert predictor.engine is predictor.engine
    assert predictor.layout((5000, 5000)).overlap == 32  # of a reach of 10 pixels
