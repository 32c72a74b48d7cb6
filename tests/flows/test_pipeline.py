"""The whole pipeline under a real Prefect server: what it makes, what it does not make twice, what its page shows."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import rasterio
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from flows.pipeline import pipeline
from flows.policy import EARTH_ENGINE, GPU
from tests.earthengine.asking import CLEAR, config
from tests.flows.conftest import SETTINGS
from tests.folders import listing
from watermap.bands import STANDARD_BANDS
from watermap.config import PredictConfig, TileConfig, TrainConfig
from watermap.grid import Grid


def run(folder: Path) -> dict[str, int]:
    """How many things each step made."""
    return {row["step"]: row["made now"] for row in pipeline(folder, **SETTINGS)}


def files(folder: Path) -> dict[str, bytes]:
    """Every file that a user meets, but for the index and the course of a training, which hold times."""
    found = [path for name in ("scenes", "predictions") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.suffix != ".png"}


def test_all_of_it_is_there(undisturbed: Path) -> None:
    assert {"scenes", "held_out", "patches", "models", "predictions"} <= set(listing(undisturbed))
    maps = [name for name in listing(undisturbed / "predictions") if name.endswith("_water.tif")]
    assert len(maps) == 6
    assert (undisturbed / "models" / "current.json").exists()


def test_run_again_nothing_is_made(undisturbed: Path) -> None:
    before = files(undisturbed)
    assert run(undisturbed) == {"scenes": 0, "patches": 0, "model": 0, "maps": 0}
    assert files(undisturbed) == before


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


def ask(path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What the server says."""
    answer: list[dict[str, Any]] = httpx.post(f"{PREFECT_API_URL.value()}{path}", json=body).raise_for_status().json()
    return answer


def test_the_page_shows_tables_pictures_and_links(undisturbed: Path) -> None:
    with get_client(sync_client=True) as client:
        limits = {limit.name: limit.limit for limit in client.read_global_concurrency_limits()}
    assert limits == {EARTH_ENGINE: 1, GPU: 1}
    run(undisturbed)
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
