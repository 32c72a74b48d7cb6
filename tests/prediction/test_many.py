"""Many scenes: one that fails does not stop the others."""

import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.prediction.test_scene import GRIDS, scene_values, write_image
from tests.support.bundles import make_bundle
from tests.support.folders import listing
from tests.support.scenes import single
from tests.support.waters import write_water
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import DataError, DefectError, UsageError
from watermap.geo.grid import Grid
from watermap.io.products import SceneFiles
from watermap.io.raster import Raster
from watermap.prediction.many import predict_scenes
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import Prediction, predict_scene


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


def test_one_bad_scene_does_not_stop_the_others(bundle: Bundle, tmp_path: Path) -> None:
    grid = Grid(*GRIDS["north_up"], 64, 64)
    good = [write_image(tmp_path / f"{name}.tif", scene_values(64, 64), grid) for name in "ac"]
    bad = tmp_path / "b.tif"
    bad.write_text("no raster")
    results = predict_scenes(single([good[0], bad, good[1]]), Predictor(bundle, PredictConfig()), tmp_path / "out")
    assert [type(result) for _, result in results] == [Prediction, DataError, Prediction]
    assert listing(tmp_path / "out") == ["a_water.tif", "c_water.tif"]


def test_no_map_takes_the_place_of_a_scene_or_of_the_cloud_mask(bundle: Bundle, tmp_path: Path) -> None:
    grid = Grid(*GRIDS["north_up"], 64, 64)
    scenes = [write_image(tmp_path / f"{name}.tif", scene_values(64, 64), grid) for name in ("a", "a_water")]
    predictor = Predictor(bundle, PredictConfig())
    with pytest.raises(UsageError, match=r"a_water\.tif: is one of the files that are read"):
        predict_scenes(single(scenes), predictor, tmp_path)
    mask = write_water(tmp_path / "a_reason.tif", np.zeros((64, 64)), grid)
    with pytest.raises(UsageError, match=r"a_reason\.tif: is one of the files that are read"):
        predict_scene(scenes[0], predictor, tmp_path, clouds=mask)
    assert listing(tmp_path) == ["a.tif", "a_reason.tif", "a_water.tif"]


def test_a_scene_that_goes_away_does_not_stop_the_others(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Grid(*GRIDS["north_up"], 64, 64)
    scenes = [write_image(tmp_path / f"{name}.tif", scene_values(64, 64), grid) for name in "ab"]

    def identify(scene: SceneFiles) -> str:
        if scene.path.stem == "a":
            raise FileNotFoundError(2, "No such file or directory")
        return "sha256:0"

    monkeypatch.setattr("watermap.prediction.provenance.content", identify)
    predictor = Predictor(bundle, PredictConfig(engine="keras"))
    (_, first), (_, second) = predict_scenes(single(scenes), predictor, tmp_path / "out")
    assert isinstance(first, DataError)
    assert isinstance(second, Prediction)
    assert listing(tmp_path / "out") == ["b_water.tif"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_that_nobody_foresaw_does_not_stop_the_others(jobs: int, bundle: Bundle, tmp_path: Path) -> None:
    grid = Grid(*GRIDS["north_up"], 64, 64)
    scenes = [write_image(tmp_path / f"{name}.tif", scene_values(64, 64), grid) for name in "ab"]

    def then(raster: Raster, made: Prediction) -> Prediction:
        if raster.path.stem == "a":
            raise TypeError("contour of a line")
        return made

    predictor = Predictor(bundle, PredictConfig(engine="keras"))
    (_, first), (_, second) = predict_scenes(single(scenes), predictor, tmp_path / "out", jobs=jobs, then=then)
    assert isinstance(first, DefectError)
    assert isinstance(first.__cause__, TypeError)
    assert str(first).startswith(f"{scenes[0]}: unexpected TypeError: contour of a line: ")
    assert isinstance(second, Prediction)


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_is_no_fault_of_a_scene_ends_the_run(error: BaseException, bundle: Bundle, tmp_path: Path) -> None:
    scene = write_image(tmp_path / "a.tif", scene_values(64, 64), Grid(*GRIDS["north_up"], 64, 64))

    def then(raster: Raster, made: Prediction) -> Prediction:
        if not isinstance(error, KeyboardInterrupt):
            raise error
        try:
            raise error
        except KeyboardInterrupt as interruption:
            raise RuntimeError("a callback failed") from interruption  # as native code tells it

    with pytest.raises((type(error), RuntimeError)):
        predict_scenes(single([scene]), Predictor(bundle, PredictConfig(engine="keras")), tmp_path / "out", then=then)


def test_an_interruption_does_not_wait_for_the_scenes_that_run(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Grid(*GRIDS["north_up"], 512, 512)
    scenes = [write_image(tmp_path / f"{name}.tif", scene_values(512, 512), grid) for name in "abc"]
    predictor = Predictor(bundle, PredictConfig(engine="keras", window=64, overlap=0, batch_size=1))
    started, main = threading.Event(), threading.get_ident()

    def slow(windows: np.ndarray) -> np.ndarray:
        started.set()
        time.sleep(0.3)
        return np.zeros(windows[:, 0].shape, dtype=np.float32)

    monkeypatch.setattr(predictor.engine, "compute", slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it

    def interrupt() -> None:
        started.wait()
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            predict_scenes(single(scenes), predictor, tmp_path / "out", jobs=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - begun < 15  # 64 windows of each would take 19 s and more
    assert not list((tmp_path / "out").glob("*"))
