"""What a prediction will take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_scene
from watermap.config import PredictConfig
from watermap.errors import ModelError
from watermap.prediction.cost import forecast, measure_speed
from watermap.prediction.predictor import Predictor


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


@pytest.mark.extended
def test_speed_and_memory_of_a_process_of_its_own(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", reach=0)
    speed = measure_speed(tmp_path / "bundle")
    assert speed.engine == "keras with tensorflow, float32"
    assert speed.mpx_a_second > 0
    assert speed.peak_mib is None or 100 < speed.peak_mib < 4000


def test_what_goes_wrong_there_is_told_here(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a bundle"):
        measure_speed(tmp_path)
