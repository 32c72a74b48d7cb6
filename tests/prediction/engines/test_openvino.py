"""OpenVINO runs a converted model, without Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.prediction.engines import openvino as openvino_engine
from watermap.prediction.engines.choice import open_engine


def test_what_was_warmed_does_not_wait(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine([bundle], PredictConfig(engine="openvino", precision="float32"))
    engine.warm((48, 80))

    def late(*_: Any, **__: Any) -> Any:
        raise AssertionError("this was to be done ahead")

    monkeypatch.setattr(Bundle, "load_model", late)
    monkeypatch.setattr(openvino_engine, "_core", late)
    assert engine.compute(np.zeros((1, 6, 48, 80), dtype=np.float32)).shape == (1, 48, 80)


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
