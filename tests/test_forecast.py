"""What a prediction will take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundles import make_bundle
from tests.rasters import make_grid, write_scene
from watermap.config import PredictConfig
from watermap.forecast import forecast
from watermap.predictor import Predictor


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scenes", "lake", make_grid(300, 200)) / "image.tif"


def test_it_counts_windows_and_arithmetic(scene: Path, tmp_path: Path) -> None:
    predictor = Predictor(make_bundle(tmp_path / "bundle"), PredictConfig(window=128, overlap=32))
    found = forecast(scene, predictor)
    layout = predictor.layout((found.rows, found.cols))
    assert (found.windows, found.window, found.overlap) == (len(layout.rows) * len(layout.cols), (128, 128), 32)
    assert found.computed_per_pixel == layout.computed / (found.rows * found.cols)
    assert found.flops == pytest.approx(2 * 6 * 2 * layout.computed)  # one convolution of 1 x 1, six bands to two
    assert found.memory_bytes > found.rows * found.cols
    assert found.seconds > 0
