"""The commands one after the other, as a user types them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from tests.support.bundles import make_bundle
from tests.support.folders import listing, maps_of
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.cli.main import run
from watermap.scenes.stac import CATALOG_FILE


@pytest.mark.extended
def test_from_sample_scenes_to_water_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bands = ",".join(STANDARD_BANDS)
    assert run(["sample", "--out", "scenes", "--scenes", "6", "--size", "256", "--seed", "3"]) == 0
    assert (
        run(["tile", "scenes", "--out", "patches", "--patch-size", "64", "--bands", bands, "--min-water", "0.1"]) == 0
    )
    train = [
        "train",
        "patches",
        "--out",
        "data/models/lakes",
        "--encoder",
        "compact",
        "--epochs",
        "4",
        "--augment",
        "flips",
    ]
    assert run(train) == 0
    assert run(["evaluate", "data/models/lakes", "scenes"]) == 3
    assert "which it has seen" in capsys.readouterr().err
    assert run(["sample", "--out", "new", "--scenes", "6", "--size", "256", "--seed", "3", "--first-place", "3"]) == 0
    assert run(["evaluate", "data/models/lakes", "new", "--json", "new.json"]) == 0
    assert run(["evaluate", "data/models/lakes", "patches", "--json", "patches.json"]) == 0
    assert run(["predict", "scenes", "--out", "maps", "--probability"]) == 0
    assert "using bundle data/models/lakes" in capsys.readouterr().err

    assert pyogrio.read_info(tmp_path / "patches" / "patches.gpkg")["crs"] == "EPSG:4326"
    for name, least in (("new.json", 0.3), ("patches.json", 0.5)):  # four epochs do not carry far
        found = json.loads((tmp_path / name).read_text())
        pool = found["labels"]["exact"]
        scores = pool["scores"]
        assert {"water_iou", "mean_iou", "dice", "accuracy", "cross_entropy", "pixels"} <= set(scores)
        assert {"ndwi", "mndwi"} <= set(pool["baselines"])
        assert pool["baselines"]["ndwi"]["scores"]["pixels"] == scores["pixels"]
        assert all({"name", "water_iou", "accuracy"} <= set(scene) for scene in found["scenes"])
        assert sum(scene["pixels"] for scene in found["scenes"]) == scores["pixels"]
        assert scores["water_iou"] > least
    scenes = [name for name in listing(tmp_path / "scenes") if name != CATALOG_FILE]
    assert listing(tmp_path / "maps") == maps_of(*scenes, probability=True)
    for scene in scenes:
        assert cog_validate(tmp_path / "maps" / f"{scene}_water.tif", strict=True)[0]
        with rasterio.open(tmp_path / "maps" / f"{scene}_water.tif") as water:
            codes = water.read(1)
            with rasterio.open(tmp_path / "scenes" / scene / "image.tif") as image:
                assert (water.crs, water.transform, water.shape) == (image.crs, image.transform, image.shape)
                np.testing.assert_array_equal(codes == 255, (image.read() == 65535).all(axis=0))
    assert (tmp_path / "data" / "models" / "lakes_on_new.png").stat().st_size > 10_000


@pytest.mark.extended
def test_the_demo_ends_with_the_files_to_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["demo", "--out", "demo", "--scenes", "6", "--size", "256", "--epochs", "1"]
    assert run(command) == 0
    shown = capsys.readouterr().out
    paths = [Path(line.strip()) for line in shown.split("Open:\n")[1].splitlines()]
    assert [path.name for path in paths[2:]] == ["image.tif", "curves.png", "patches.gpkg"]
    assert all(path.is_file() for path in paths)
    assert paths[1].name.endswith("_water.tif")
    assert run(command) == 0  # again, over what is there


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a bundle, a scene and its map."""
    folder = tmp_path_factory.mktemp("mapped")
    make_bundle(folder / "bundle", radius=8)
    values = np.random.default_rng(0).integers(150, 3000, (6, 1500, 1500)).astype(np.uint16)
    write_tif(folder / "place.tif", values, make_grid(1500, 1500), names=STANDARD_BANDS)
    subprocess.run([*_PREDICT, "place.tif"], check=True, capture_output=True, cwd=folder)
    return folder


_RASTERS_ONLY = ["--no-style", "--no-quicklook", "--no-stac"]
_PREDICT = [sys.executable, "-m", "watermap", "predict", "--bundle", "bundle", "--out", "out", *_RASTERS_ONLY]


@pytest.mark.extended
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_prediction_stopped_at_any_moment_leaves_the_old_or_the_new_map(
    signal_number: signal.Signals, mapped: Path, tmp_path: Path
) -> None:
    shutil.copytree(mapped, tmp_path, dirs_exist_ok=True)
    command = [*_PREDICT, "place.tif"]
    out = tmp_path / "out"
    target = out / "place_water.tif"
    old = target.read_bytes()
    seen_parts = False
    for wait_s in (0.0, 0.6):
        process = subprocess.Popen([*command, "--threshold", "0.6"], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while listing(out) == ["place_water.tif"] and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(wait_s)
        seen_parts |= len(listing(out)) > 1
        process.send_signal(signal_number)
        _, errors = process.communicate()
        with rasterio.open(target) as dataset:
            assert dataset.tags()["WATERMAP_THRESHOLD"] in ("0.5", "0.6")
            dataset.read()
        if target.read_bytes() == old and signal_number != signal.SIGKILL:
            assert process.returncode == 130
            assert errors.splitlines()[-1].startswith("watermap: interrupted")
            assert listing(out) == ["place_water.tif"]
    assert seen_parts
    subprocess.run([*command, "--threshold", "0.7"], check=True, capture_output=True)
    assert listing(out) == ["place_water.tif"]
    with rasterio.open(target) as dataset:
        assert dataset.tags()["WATERMAP_THRESHOLD"] == "0.7"


def test_the_default_output_folder_is_data_predictions(tmp_path: Path) -> None:
    make_bundle(tmp_path / "data" / "models" / "known")
    values = np.random.default_rng(0).integers(150, 3000, (6, 40, 40)).astype(np.uint16)
    write_tif(tmp_path / "place.tif", values, make_grid(40, 40), names=STANDARD_BANDS)
    assert run(["predict", "place.tif"]) == 0
    assert listing(tmp_path / "data" / "predictions") == maps_of("place")
    assert os.environ.get("WATERMAP") is None
