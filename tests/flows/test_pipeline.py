"""The whole pipeline under a real Prefect server: what it makes, what it does not make twice, what its page shows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from flows.pipeline import pipeline
from flows.policy import EARTH_ENGINE, GPU
from tests.folders import listing
from watermap.bands import STANDARD_BANDS
from watermap.config import PredictConfig, SampleConfig, TileConfig, TrainConfig

SETTINGS: dict[str, Any] = {
    "sample": SampleConfig(scenes=6, size=128),
    "tile": TileConfig(patch_size=32, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=2),
    "train": TrainConfig(encoder="compact", epochs=1, augment="none", batch_size=32),
    "predict": PredictConfig(window=128, overlap=32),
}


def run(folder: Path) -> dict[str, int]:
    """How many things each step made."""
    return {row["step"]: row["made now"] for row in pipeline(folder, **SETTINGS)}


def files(folder: Path) -> dict[str, bytes]:
    """Every file that a user meets, but for the index and the course of a training, which hold times."""
    found = [path for name in ("scenes", "predictions") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.suffix != ".png"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline") / "data"
    assert run(folder) == {"scenes": 6, "patches": 1, "model": 1, "maps": 6}
    return folder


def test_all_of_it_is_there(done: Path) -> None:
    assert {"scenes", "held_out", "patches", "models", "predictions"} <= set(listing(done))
    maps = [name for name in listing(done / "predictions") if name.endswith("_water.tif")]
    assert len(maps) == 6
    assert (done / "models" / "current.json").exists()


def test_run_again_nothing_is_made(done: Path) -> None:
    before = files(done)
    assert run(done) == {"scenes": 0, "patches": 0, "model": 0, "maps": 0}
    assert files(done) == before


def test_what_is_deleted_or_damaged_is_made_again(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(done, folder)
    maps = sorted((folder / "predictions").glob("*_water.tif"))
    maps[0].unlink()
    content = bytearray(maps[1].read_bytes())
    content[-2] ^= 1
    maps[1].write_bytes(content)
    assert run(folder) == {"scenes": 0, "patches": 0, "model": 0, "maps": 2}
    (sorted((folder / "scenes").glob("*/image.tif"))[0]).write_bytes(b"damaged")
    assert run(folder) == {"scenes": 1, "patches": 0, "model": 0, "maps": 0}
    assert files(folder) == files(done)


def test_the_page_shows_tables_pictures_and_links(done: Path) -> None:
    with get_client(sync_client=True) as client:
        limits = {limit.name: limit.limit for limit in client.read_global_concurrency_limits()}
    assert limits == {EARTH_ENGINE: 1, GPU: 1}
    keys = ["pipeline", "scenes", "training-curves", "promotion", "bundles", "predictions", "quicklooks"]
    asked = {"artifacts": {"key": {"any_": keys}}, "sort": "CREATED_DESC", "limit": 200}
    answer = httpx.post(f"{PREFECT_API_URL.value()}/artifacts/filter", json=asked)
    found = {each["key"]: str(each["data"]) for each in answer.json()}
    assert set(found) == set(keys)
    assert "data:image/png;base64," in found["training-curves"]
    assert "data:image/png;base64," in found["quicklooks"]
    assert "water km" in found["predictions"]
    assert "first bundle" in found["promotion"] or "in use already" in found["promotion"]
