"""Which engine runs a bundle, and what happens where none can."""

from __future__ import annotations

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
from watermap.prediction.engines.choice import choose, open_engine
from watermap.prediction.engines.converted import Converted, open_converted
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


def test_an_engine_opens_once(bundle: Bundle) -> None:
    assert isinstance(open_engine([bundle], PredictConfig()), OpenVinoEngine)
    predictor = Predictor(bundle, PredictConfig())
    assert predictor.engine is predictor.engine
    assert predictor.layout((5000, 5000)).overlap == 32  # of a reach of 10 pixels
