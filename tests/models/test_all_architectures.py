"""Every architecture from patches to a map: trained, saved, loaded in a fresh process, on TensorFlow and on JAX."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import rasterio

from watermap.models.encoders import ENCODERS
from watermap.models.registry import ARCHITECTURES

SCRIPT: Final = """
import json, sys
from pathlib import Path
from watermap.models.backend import require_keras
require_keras()
from watermap.training import train as training
from watermap.bundles.bundle import open_bundle
from watermap.config import PredictConfig, TrainConfig
from watermap.prediction.scene import predict_scene
from watermap.prediction.predictor import Predictor

step, folder = sys.argv[1], Path(sys.argv[2])
if step == "train":
    training.convert_once = lambda *_: None  # conversion has tests of its own
    cheap = {"weights": "none", "preset": "fast", "epochs": 1, "batch_size": 16, "augment": "none"}
    settings = TrainConfig(arch=sys.argv[4], encoder=sys.argv[5], **cheap)
    training.train(Path(sys.argv[3]), folder / "bundle", settings)
else:
    predictor = Predictor(open_bundle(folder / "bundle"), PredictConfig(engine="keras", probability="float"))
    predict_scene(Path(sys.argv[3]), predictor, folder / "maps")
"""


def ran(backend: str, step: str, arch: str, encoder: str, folder: Path, source: Path) -> None:
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", SCRIPT, step, str(folder), str(source), arch, encoder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]


CASES: Final = [
    *((backend, arch, "compact") for backend in ("tensorflow", "jax") for arch in ARCHITECTURES),
    *(("tensorflow", "fcn", encoder) for encoder in ENCODERS if encoder != "compact"),
]


@pytest.mark.slow
@pytest.mark.extended
@pytest.mark.parametrize(("backend", "arch", "encoder"), CASES)
def test_patches_to_a_map_on_the_scenes_grid(
    backend: str, arch: str, encoder: str, small_patches: Path, real_data: Path, tmp_path: Path
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    ran(backend, "train", arch, encoder, tmp_path, small_patches)
    ran(backend, "predict", arch, encoder, tmp_path, real_data / "spain_flood" / "image.tif")
    bundle, maps = tmp_path / "bundle", tmp_path / "maps"
    contract = json.loads((bundle / "bundle.json").read_text())
    assert (contract["arch"], contract["encoder"]) == (arch, encoder)
    assert contract["sees_whole_window"] == (arch in ("deeplabv3", "pspnet"))
    with (bundle / "history.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert {"loss", "val_loss", "water_iou", "val_water_iou", "mean_iou", "accuracy"} <= set(row)
    assert ("total_loss" in row) == (arch == "unet3plus")
    assert (bundle / "curves.png").stat().st_size > 10_000
    with (
        rasterio.open(real_data / "spain_flood" / "image.tif") as scene,
        rasterio.open(maps / "spain_flood_water.tif") as water,
        rasterio.open(next(maps.glob("*_probability.tif"))) as probability,
    ):
        assert (water.crs, water.transform, water.shape) == (scene.crs, scene.transform, scene.shape)
        values = probability.read(1)
        assert np.isfinite(values).mean() > 0.99
        assert 0 <= np.nanmin(values) < np.nanmax(values) <= 1
