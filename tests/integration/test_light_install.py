"""What people who only map scenes install: little, and it says what it lacks."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.prediction.engines.conftest import PATCH, make_unet
from tests.support.environments import make_environment, pip_install, run
from tests.support.folders import listing, maps_of
from tests.support.onnx_networks import make_network
from tests.support.rasters import make_grid, write_tif
from tests.support.waters import write_water
from watermap.bands import STANDARD_BANDS
from watermap.config import PredictConfig, SampleConfig, TileConfig
from watermap.config.extras import requirements
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.prediction.engines.conversion import convert
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.scenes.sample import write_samples

pytestmark = pytest.mark.extended

MOST_MB = 700
HEAVY = ("albumentations", "cv2", "jax", "keras", "pyogrio", "scipy", "sklearn", "tensorflow", "torch")


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The command `watermap` of an environment that has the extra `fast` and no other."""
    folder = tmp_path_factory.mktemp("light")
    yield make_environment(folder, "[fast]")
    shutil.rmtree(folder)  # pytest would keep three of them


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Path]:
    """The command of an environment that has no extra, which a test may add to."""
    yield make_environment(tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare")


def test_it_is_small(light: Path) -> None:
    sizes = [path.stat().st_size for path in light.parents[1].rglob("*") if path.is_file() and not path.is_symlink()]
    print(f"the environment is {sum(sizes) / 1e6:.0f} MB in {len(sizes)} files")
    assert sum(sizes) / 1e6 < MOST_MB


def test_nothing_of_training_is_there(light: Path) -> None:
    script = (
        "import sys; from importlib.util import find_spec; print([name for name in sys.argv[1:] if find_spec(name)])"
    )
    assert run(light.with_name("python"), "-c", script, *HEAVY, "openvino").stdout == "['openvino']\n"


def test_what_maps_scenes_can_be_imported(light: Path) -> None:
    script = "import watermap.prediction.skip, watermap.bundles.registry, watermap.scenes.folder"
    done = run(light.with_name("python"), "-c", script)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_explains_itself(light: Path) -> None:
    for words in (["--help"], ["predict", "--help"], ["sample", "--help"]):
        done = run(light, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Usage: watermap")


def test_the_documentation_came_along(light: Path) -> None:
    for path in (Path(__file__).parents[2] / "watermap" / "cli" / "help").glob("*.md"):
        done = run(light, "help", path.stem)
        assert (done.returncode, done.stdout, done.stderr) == (0, path.read_text(encoding="utf-8"), "")


def test_the_doctor_says_what_is_missing(light: Path) -> None:
    done = run(light, "doctor", "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^ok +OpenVINO +20", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^missing +training +.*scikit-learn.*\n.*'scikit-learn>=", done.stdout, flags=re.MULTILINE)
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["sample", "--out", "scenes"], "train"),
        (["tile", "scenes", "--out", "patches"], "train"),
        (["train", "patches", "--out", "model"], "tensorflow"),
        (["demo"], "tensorflow"),
        (["export", "1,2,3,4", "--start", "2024-05-01", "--end", "2024-06-01", "--out", "scenes"], "earthengine"),
        (["predict", "s3://bucket/scene.tif"], "cloud"),
        (["predict", "scene.tif", "--polygons"], "polygons"),
        (["vectorize", "lake_water.tif"], "polygons"),
        (["change", "one_water.tif", "other_water.tif"], "polygons"),
    ],
)
def test_a_command_that_lacks_libraries_names_them(light: Path, words: list[str], extra: str, tmp_path: Path) -> None:
    assert_names_what_it_lacks(run(light, *words), extra)
    assert not list(tmp_path.iterdir())


def test_evaluation_lacks_keras_only_where_the_bundle_needs_it(light: Path, tmp_path: Path) -> None:
    bundle = make_unet(tmp_path / "bundle")
    assert_names_what_it_lacks(run(light, "evaluate", bundle.folder, "patches"), "tensorflow")
    assert listing(tmp_path) == ["bundle"]


def assert_names_what_it_lacks(done: subprocess.CompletedProcess[str], extra: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    missing = {
        str(each) for each in requirements(extra) if each.name not in ("openvino", "gcsfs")
    }  # there; not asked for
    assert re.fullmatch(r"watermap: .+ not installed: pip install( '[^ ']+')+(; .+)?\n", done.stderr)
    assert set(re.findall(r" '([^ ']+)'", done.stderr)) == missing


def test_what_a_hint_says_is_enough(bare: Path, tmp_path: Path) -> None:
    codes = np.zeros((64, 64), "uint8")
    codes[20:40, 20:40] = 1
    water = write_water(tmp_path / "lake_water.tif", codes, make_grid())
    done = run(bare, "vectorize", water)
    assert done.returncode == 2
    pip, install, *libraries = shlex.split(done.stderr.split("not installed: ")[1])
    assert (pip, install, libraries) == ("pip", "install", ["pyogrio>=0.10"])
    pip_install(bare, *libraries)
    done = run(bare, "vectorize", water)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lake_bodies.gpkg").is_file()


def test_it_imports_other_peoples_networks_and_maps_with_them(light: Path, tmp_path: Path) -> None:
    network = make_network(tmp_path / "n.onnx", ends_with="Softmax")
    values = np.random.default_rng(0).integers(100, 3000, (6, 150, 201)).astype(np.uint16)
    scene = write_tif(tmp_path / "scene.tif", values, make_grid(201, 150), names=STANDARD_BANDS)
    words = ["--bands", ",".join(STANDARD_BANDS), "--scale", "0.0001", "--water-class", "1"]
    done = run(light, "bundles", "import", network, *words, "--out", tmp_path / "n")
    assert done.returncode == 0, done.stderr
    done = run(light, "predict", scene, "--bundle", tmp_path / "n", "--out", tmp_path / "maps")
    assert done.returncode == 0, done.stderr
    assert listing(tmp_path / "maps") == maps_of("scene")


def test_it_maps_what_the_whole_install_maps(light: Path, tmp_path: Path) -> None:
    write_samples(tmp_path / "scenes", SampleConfig(scenes=2, size=128))
    config = TileConfig(patch_size=PATCH, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=1)
    store = PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", config).folder)
    bundle = make_unet(tmp_path / "bundle")
    convert(bundle, store)
    done = run(light, "predict", tmp_path / "scenes", "--bundle", bundle.folder, "--out", tmp_path / "maps")
    assert done.returncode == 0, done.stderr
    scenes = sorted((tmp_path / "scenes").glob("*/image.tif"))
    assert listing(tmp_path / "maps") == maps_of(*(scene.parent.name for scene in scenes))
    done = run(light, "report", tmp_path / "maps", "--out", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    predictor = Predictor(bundle, PredictConfig())
    for scene in scenes:
        here = predict_scene(scene, predictor, tmp_path / "here").water
        with rasterio.open(here) as whole, rasterio.open(tmp_path / "maps" / here.name) as light_one:
            assert light_one.tags()["WATERMAP_ENGINE"].startswith("openvino")
            assert light_one.tags() == whole.tags()
            np.testing.assert_array_equal(light_one.read(), whole.read())
    shutil.rmtree(bundle.folder / "openvino")
    done = run(light, "predict", scenes[0], "--bundle", bundle.folder, "--out", tmp_path / "maps")
    assert done.returncode == 2, done.stderr
    assert "pip install 'pyogrio>=0.10'" in done.stderr
    assert "'tensorflow>=2.18'" in done.stderr
