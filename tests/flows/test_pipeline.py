"""The whole pipeline under a real Prefect server: what it makes, what it does not make twice, what its page shows."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from flows.pipeline import main, pipeline
from flows.policy import EARTH_ENGINE, GPU
from tests.earthengine.asking import CLEAR, config
from tests.support.folders import listing
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.bundles.registry import default_bundle
from watermap.config import PredictConfig, SampleConfig, TileConfig, TrainConfig
from watermap.errors import ModelError, UsageError
from watermap.geo.grid import Grid
from watermap.models.weights import load
from watermap.prediction.engines.converted import is_converted

SETTINGS: dict[str, Any] = {
    "sample": SampleConfig(scenes=6, size=128),
    "tile": TileConfig(patch_size=32, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=2),
    "train": TrainConfig(encoder="compact", epochs=1, augment="none", batch_size=32),
    "predict": PredictConfig(window=128, overlap=32),
}
"""Of a pipeline that takes seconds."""

STAGES: dict[str, Callable[[Path], bool]] = {
    "scenes": lambda folder: any(folder.glob("scenes/*/image.tif")),
    "patches": lambda folder: any(folder.glob("*patches*/*")),
    "training": lambda folder: any(folder.glob("models/*/.training*")),
    "promotion": lambda folder: any(folder.glob("models/*/bundle.json")),
    "maps": lambda folder: any(folder.glob("predictions/*_water.tif")),
}
"""What shows that a run has come so far."""

PATIENCE_S = 120


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline that ran once, from nothing."""
    folder = tmp_path_factory.mktemp("pipeline") / "data"
    made = {row["step"]: row["made now"] for row in pipeline(folder, **SETTINGS)}
    assert made == {"scenes": 6, "patches": 1, "model": 1, "maps": 6}
    return folder


def run(folder: Path) -> dict[str, int]:
    """How many things each step made."""
    return {row["step"]: row["made now"] for row in pipeline(folder, **SETTINGS)}


def files(folder: Path) -> dict[str, bytes]:
    """Every file that a user meets, but for the index and the course of a training, which hold times."""
    found = [path for name in ("scenes", "predictions") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.suffix != ".png"}


def ask(path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What the server says."""
    answer: list[dict[str, Any]] = httpx.post(f"{PREFECT_API_URL.value()}{path}", json=body).raise_for_status().json()
    return answer


def assert_the_page_shows_tables_pictures_and_links() -> None:
    """Of the newest run."""
    with get_client(sync_client=True) as client:
        limits = {limit.name: limit.limit for limit in client.read_global_concurrency_limits()}
    assert limits == {EARTH_ENGINE: 1, GPU: 1}
    (newest,) = ask(
        "/flow_runs/filter", {"flows": {"name": {"any_": ["watermap-pipeline"]}}, "sort": "START_TIME_DESC", "limit": 1}
    )
    today = datetime.datetime.now(datetime.UTC).date()
    assert newest["name"] == f"sample scenes, {today}"
    shown = ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [newest["id"]]}}, "limit": 100})
    assert all(json.loads(each["data"]) for each in shown if each["type"] == "table")
    assert all(each["data"].startswith("### ") for each in shown if each["type"] == "markdown")
    found = {each["key"]: str(each["data"]) for each in shown}
    links = {"scenes-files", "patches-files", "bundle-files", "prediction-files"}
    tables = {"pipeline", "scenes", "tiled-scenes", "patches", "promotion", "bundles", "predictions"}
    assert set(found) == {"training-curves", "quicklooks"} | tables | links
    assert "data:image/png;base64," in found["training-curves"]
    assert "data:image/png;base64," in found["quicklooks"]
    assert "water km" in found["predictions"]
    assert "in use already" in next(each["description"] for each in shown if each["key"] == "promotion")
    assert "kept" in found["scenes"]
    assert "_water.tif" in found["prediction-files"]


def test_all_of_it_is_there(undisturbed: Path) -> None:
    assert {"scenes", "held_out", "patches", "models", "predictions"} <= set(listing(undisturbed))
    maps = [name for name in listing(undisturbed / "predictions") if name.endswith("_water.tif")]
    assert len(maps) == 6
    assert (undisturbed / "models" / "current.json").exists()


def test_run_again_nothing_is_made_and_its_page_shows_tables_pictures_and_links(undisturbed: Path) -> None:
    before = files(undisturbed)
    assert run(undisturbed) == {"scenes": 0, "patches": 0, "model": 0, "maps": 0}
    assert files(undisturbed) == before
    assert_the_page_shows_tables_pictures_and_links()


@pytest.mark.extended
def test_what_is_deleted_or_damaged_is_made_again(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(undisturbed, folder)
    maps = sorted((folder / "predictions").glob("*_water.tif"))
    maps[0].unlink()
    content = bytearray(maps[1].read_bytes())
    content[-2] ^= 1
    maps[1].write_bytes(content)
    assert run(folder) == {"scenes": 0, "patches": 0, "model": 0, "maps": 2}
    (sorted((folder / "scenes").glob("*/image.tif"))[0]).write_bytes(b"damaged")
    assert run(folder) == {"scenes": 1, "patches": 0, "model": 0, "maps": 0}
    assert files(folder) == files(undisturbed)


def assert_same_weights(*bundles: Bundle) -> None:
    weights = [load(each.folder / each.contract.model_file).get_weights() for each in bundles]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.extended
def test_a_damaged_model_is_trained_again(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(undisturbed, folder)
    bundle = default_bundle(folder / "models")
    (bundle.folder / "curves.png").unlink()  # a picture of the past: nothing is trained for it
    assert run(folder) == {"scenes": 0, "patches": 0, "model": 0, "maps": 0}
    (bundle.folder / "openvino" / "model.bin").write_bytes(b"damaged")
    assert run(folder) == {"scenes": 0, "patches": 0, "model": 0, "maps": 0}
    assert is_converted(bundle)
    (bundle.folder / bundle.contract.model_file).write_bytes(b"damaged")
    assert run(folder)["model"] == 1
    (bundle.folder / "bundle.json").unlink()
    assert run(folder)["model"] == 1
    again = default_bundle(folder / "models")
    assert again.folder == bundle.folder
    assert_same_weights(again, default_bundle(undisturbed / "models"))
    assert run(folder) == {"scenes": 0, "patches": 0, "model": 0, "maps": 0}


@pytest.mark.extended
def test_from_an_area_to_maps(given: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    settings: dict[str, Any] = {
        "export": config(),
        "tile": TileConfig(patch_size=16, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=1),
        "train": TrainConfig(encoder="compact", epochs=1, augment="none"),
        "predict": PredictConfig(window=32, overlap=0),
        **given,
    }

    def made(**more: Any) -> dict[str, int]:
        return {row["step"]: row["made now"] for row in pipeline(folder, **settings, **more)}

    assert made() == {"scenes": 4, "patches": 1, "model": 1, "maps": 4}
    for name in CLEAR:
        with rasterio.open(folder / "scenes" / name / "image.tif") as image:
            seen = Grid(image.crs, image.transform, image.width, image.height)
        with rasterio.open(folder / "predictions" / f"{name}_water.tif") as water:
            assert Grid(water.crs, water.transform, water.width, water.height) == seen
    shutil.rmtree(folder / "scenes" / CLEAR[0])
    assert made(retrain=False) == {"scenes": 1, "maps": 0}


def write_settings(path: Path) -> None:
    """The settings of the undisturbed run, as a file."""
    tables = [f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in toml(name)) for name in SETTINGS]
    path.write_text("\n".join(tables))


def toml(name: str) -> list[tuple[str, str]]:
    stated = SETTINGS[name].model_dump(exclude_unset=True)
    return [(key, str(list(value) if isinstance(value, tuple) else repr(value))) for key, value in stated.items()]


def start(folder: Path, settings: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "flows.pipeline", "--folder", str(folder), "--config", str(settings)]
    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    with settings.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log)


def contents(folder: Path) -> dict[str, bytes]:
    """Scenes, patches and their index without its times: what has to be the same to the last bit."""
    found = [*folder.glob("scenes/**/*"), *folder.glob("held_out/**/*"), *folder.glob("patches/*.npy")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


@pytest.mark.extended
def test_killed_in_each_stage_and_run_again(undisturbed: Path, tmp_path: Path) -> None:
    folder, settings = tmp_path / "data", tmp_path / "watermap.toml"
    write_settings(settings)
    for stage, reached in STAGES.items():
        running = start(folder, settings)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not reached(folder):
                assert running.poll() is None, f"it ended before {stage}"
                assert time.monotonic() < deadline, f"it never came to {stage}"
                time.sleep(0.02)
        finally:
            running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL, f"it had ended before it was killed in {stage}"
    assert start(folder, settings).wait(PATIENCE_S) == 0, settings.with_suffix(".log").read_text()[-3000:]
    assert contents(folder) == contents(undisturbed)
    for name in ("scenes", "held_out", "patches", "models", "predictions"):
        visible = [[each for each in listing(top / name) if not each.startswith(".")] for top in (folder, undisturbed)]
        assert visible[0] == visible[1]
    assert_same_weights(*(default_bundle(top / "models") for top in (undisturbed, folder)))
    for path in sorted((undisturbed / "predictions").glob("*_water.tif")):
        with rasterio.open(path) as one, rasterio.open(folder / "predictions" / path.name) as other:
            np.testing.assert_array_equal(one.read(), other.read())


def test_what_could_not_be_mapped_is_told_before_scenes_are_made(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no bundle was given"):
        pipeline(tmp_path / "data", **SETTINGS, retrain=False)
    assert not (tmp_path / "data" / "scenes").exists()


def test_days_need_an_area() -> None:
    with pytest.raises(UsageError, match="--last-days needs --area"):
        main(["--last-days", "14"], standalone_mode=False)
