"""Work on many scenes gives the same files wherever it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from distributed import LocalCluster

from flows.predict import _predictor, predict_flow
from flows.rows import FAILED, KEPT, MADE
from flows.runners import RunnerConfig, executor, task_runner
from flows.tile import tile_flow
from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.ports import free_port
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig, SampleConfig, TileConfig
from watermap.config.extras import install_command
from watermap.errors import PartialFailureError, StorageError, UsageError
from watermap.patches.store import PatchStore
from watermap.scenes.sample import write_samples

PREDICT = PredictConfig(window=128, overlap=32, probability="percent")
TILE = TileConfig(patch_size=32, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=2)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runners") / "scenes"
    write_samples(folder, SampleConfig(scenes=8, size=128))
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known", radius=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Address of a cluster that is there already."""
    local: Any = LocalCluster
    with local(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as running:
        yield running.scheduler_address


def maps(scenes: Path, bundle: Bundle, out: Path, runner: RunnerConfig) -> dict[str, bytes]:
    """All files of a prediction by name."""
    rows = predict_flow([str(scenes)], bundle.folder.parent, out, str(bundle.folder), PREDICT, runner)
    assert [row.state for row in rows] == [MADE] * 8
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix != ".png"}


@pytest.mark.extended
def test_a_cluster_makes_the_same_maps(scenes: Path, bundle: Bundle, cluster: str, tmp_path: Path) -> None:
    one_by_one = maps(scenes, bundle, tmp_path / "one", RunnerConfig(workers=1))
    assert len(one_by_one) == 8 * 6  # two rasters with a style each, the item, the record
    assert maps(scenes, bundle, tmp_path / "dask", RunnerConfig(kind="dask", dask_address=cluster)) == one_by_one
    assert maps(scenes, bundle, tmp_path / "processes", RunnerConfig(kind="processes")) == one_by_one


@pytest.mark.extended
def test_a_cluster_cuts_the_same_patches(scenes: Path, cluster: str, tmp_path: Path) -> None:
    made = [RunnerConfig(workers=1), RunnerConfig(kind="dask", dask_address=cluster), RunnerConfig(kind="dask")]
    for number, runner in enumerate(made):
        assert tile_flow(str(scenes), tmp_path / str(number), TILE, runner)
    stores = [PatchStore.open(tmp_path / str(number)) for number in range(len(made))]
    assert len({store.digest for store in stores}) == 1
    first, second, third = (store.read("train", range(store.count("train"))) for store in stores)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.image, third.image)


def test_a_changed_scene_alone_is_mapped_again(bundle: Bundle, tmp_path: Path) -> None:
    scenes, out = tmp_path / "scenes", tmp_path / "maps"
    write_samples(scenes, SampleConfig(scenes=4, size=128))

    def states() -> list[str]:
        rows = predict_flow([str(scenes)], bundle.folder.parent, out, str(bundle.folder), PREDICT, allowed_failures=0.5)
        return [row.state for row in rows]

    assert states() == [MADE] * 4
    first, second, *_ = sorted(scenes.glob("*/image.tif"))
    first.write_bytes(second.read_bytes())
    assert states() == [MADE, KEPT, KEPT, KEPT]
    second.write_bytes(b"damaged")
    assert states() == [KEPT, FAILED, KEPT, KEPT]
    sorted(scenes.glob("*/image.tif"))[3].write_bytes(b"damaged")
    assert states() == [KEPT, FAILED, KEPT, FAILED]
    first.write_bytes(b"damaged")
    with pytest.raises(PartialFailureError) as error:
        states()
    assert "3 of 4 scenes failed" in one_line(error)


def test_a_worker_loads_a_model_once(bundle: Bundle) -> None:
    loaded = _predictor(bundle.folder, bundle.id, PREDICT)
    assert _predictor(bundle.folder, bundle.id, PREDICT) is loaded
    assert _predictor(bundle.folder, "another", PREDICT) is not loaded


def test_without_dask_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UsageError) as error, executor(RunnerConfig(kind="dask")):
        pass
    assert f"{install_command('dask')}, on the workers too" in one_line(error)
    with pytest.raises(UsageError) as error:
        RunnerConfig.load(None, kind="threads", dask_address="tcp://host:8786")
    assert "a dask_address needs kind dask" in str(error.value)


@pytest.mark.parametrize("use", [task_runner, executor])
def test_a_scheduler_that_does_not_answer_is_one_line(use: Any) -> None:
    nobody = RunnerConfig(kind="dask", dask_address=f"tcp://127.0.0.1:{free_port()}")
    impatient = dask.config.set({"distributed.comm.timeouts.connect": "1s"})
    with impatient, pytest.raises(StorageError) as error, use(nobody):
        pass
    assert f"{nobody.dask_address}: no Dask scheduler answers" in one_line(error)
