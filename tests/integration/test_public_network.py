"""A network that others trained and published: that of ukis-csmask 0.2.1, read from its wheel (Apache-2.0, DLR)."""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.environments import UNREACHABLE
from tests.support.environments import run as run_process
from tests.support.folders import listing
from tests.support.onnx_networks import by_runtime, runtime
from watermap.bundles.bundle import open_bundle
from watermap.cli.main import run

pytestmark = pytest.mark.extended

BANDS = "B2,B3,B4,B8,B11,B12"
MEAN = (0.19312, 0.18659, 0.18899, 0.30362, 0.23085, 0.16216)
STD = (0.16431, 0.16762, 0.18230, 0.17409, 0.16020, 0.14164)
"""As `ukis_csmask/mask.py` states them."""
WATER = 1
"""Of shadow, water, snow, land and cloud."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its file; skips where pip reaches no package index."""
    folder = tmp_path_factory.mktemp("ukis")
    words: list[str | Path] = ["download", "--no-deps", "--quiet", "ukis-csmask==0.2.1", "-d", folder]
    done = run_process(sys.executable, "-m", "pip", *words)
    if done.returncode and UNREACHABLE.search(done.stdout + done.stderr):
        pytest.skip("pip reaches no package index, which has the network")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return Path(wheel.extract("ukis_csmask/model_6b.onnx", folder))


def test_it_maps_and_scores_as_its_own_runtime_does(
    network: Path, real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = ["--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD))]
    words = ["--bands", BANDS, "--scale", "0.0001", *moments, "--water-class", str(WATER), "--pixel-size-m", "30"]
    assert run(["bundles", "import", str(network), *words, "--out", "models/ukis"]) == 0
    bundle = open_bundle("models/ukis")
    assert bundle.contract.fixed_window_px == 256
    scene = real_data / "spain_flood" / "image.tif"
    assert run(["predict", str(scene), "--bundle", "models/ukis", "--out", "maps"]) == 0
    assert "but the network is meant for pixels of 30 m" in capsys.readouterr().err
    run_windows = runtime(network, layout="nhwc", mean=MEAN, std=STD)
    expected = by_runtime(run_windows, lambda found: found.argmax(axis=-1) == WATER, bundle, scene)
    with rasterio.open("maps/spain_flood_water.tif") as raster:
        found = raster.read(1)
    print(f"{(found == expected).mean():.4%} of the pixels get the class of ONNX Runtime")
    assert (found == expected).mean() >= 0.999
    assert 0.2 < np.mean(found == 1) < 0.3
    assert {"spain_flood_water.qml", "spain_flood_quicklook.png", "spain_flood_item.json"} <= set(listing(Path("maps")))
    label = ["--label", str(scene.with_name("label_hand.tif")), "--codes", "-1=255,0=0,1=1", "--name", "s"]
    assert run(["scenes", "add", str(scene), "--out", "scenes", *label, "--kind", "hand"]) == 0
    assert run(["evaluate", "models/ukis", "scenes", "--json", "s.json", "--picture", "s.png"]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())["labels"]["hand"]["scores"]
    print(f"water IoU {scores['water_iou']:.3f}")
    assert scores["water_iou"] == pytest.approx(0.655, abs=0.01)
