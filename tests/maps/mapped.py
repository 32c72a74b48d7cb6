"""A scene, and the map that a known network makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import Prediction, predict_scene

ROWS, COLS = 60, 80


def predicted(bundle: Bundle, tmp_path: Path, name: str = "place_20230607", **config: Any) -> tuple[Path, Prediction]:
    """A scene whose left half is water, with a corner of no data, and its map."""
    values = np.full((6, ROWS, COLS), 400, dtype=np.uint16)
    values[STANDARD_BANDS.index("B3"), :, : COLS // 2] = 1500
    values[STANDARD_BANDS.index("B11"), :, COLS // 2 :] = 1500
    values[:, :10, :10] = 0
    scene = write_tif(tmp_path / f"{name}.tif", values, make_grid(COLS, ROWS), names=STANDARD_BANDS, no_data=0)
    predictor = Predictor(bundle, PredictConfig(engine="keras", offset=0, scale=1e-4, **config))
    return scene, predict_scene(scene, predictor, tmp_path / "out")
