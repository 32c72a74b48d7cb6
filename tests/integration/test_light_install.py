"""What people who only map scenes install: little, and it says what it lacks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.prediction.engines.conftest import PATCH, make_unet
from tests.support.folders import listing, maps_of
from watermap.bands import STANDARD_BANDS
from watermap.config import PredictConfig, SampleConfig, TileConfig
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.prediction.engines.conversion import convert
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.scenes.sample import write_samples

pytestmark = pytest.mark.extended

PROJECT = Path(__file__).parents[2]
MOST_MB = 700
HEAVY = ("albumentations", "cv2", "jax", "keras", "pyogrio", "scipy", "sklearn", "tensorflow", "torch")
UNREACHABLE = re.compile(r"connection broken by|Could not fetch URL|Max retries exceeded")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A command, without what this process's own environment tells Python."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    environment |= {"PIP_RETRIES": "2", "PIP_DEFAULT_TIMEOUT": "30"}
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The command `watermap` of an environment that has the extra `fast` and no other."""
    folder = tmp_path_factory.mktemp("light")
    source = folder / "source"  # a copy: a build leaves its files beside what it builds
    for name in ("watermap", "flows"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", f"{source}[fast]")
    if done.returncode and UNREACHABLE.search(done.stdout + done.stderr):
        pytest.skip("pip reaches no package index")
    assert done.returncode == 0, done.stderr
    yield python.with_name("watermap")
    shutil.rmtree(folder)  # pytest would keep three of them


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
    for path in (PROJECT / "watermap" / "cli" / "help").glob("*.md"):
        done = run(light, "help", path.stem)
        assert (done.returncode, done.stdout, done.stderr) == (0, path.read_text(encoding="utf-8"), "")


def test_the_doctor_says_what_is_missing(light: Path) -> None:
    done = run(light, "doctor", "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^ok +OpenVINO +20", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^missing +training +.*scikit-learn.*\n.*'watermap\[train\]'", done.stdout, flags=re.MULTILINE)
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["sample", "--out", "scenes"], "train"),
        (["tile", "scenes", "--out", "patches"], "train"),
        (["train", "patches", "--out", "model"], "tensorflow"),
        (["evaluate", "model", "patches"], "tensorflow"),
        (["demo"], "tensorflow"),
        (["export", "1,2,3,4", "--start", "2024-05-01", "--end", "2024-06-01", "--out", "scenes"], "earthengine"),
        (["predict", "s3://bucket/scene.tif"], "cloud"),
        (["predict", "scene.tif", "--polygons"], "polygons"),
        (["vectorize", "lake_water.tif"], "polygons"),
        (["change", "one_water.tif", "other_water.tif"], "polygons"),
    ],
)
def test_a_command_that_lacks_its_extra_names_it(light: Path, words: list[str], extra: str, tmp_path: Path) -> None:
    done = run(light, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"watermap: .+ not installed: pip install 'watermap\[{extra}\]'.*\n", done.stderr)
    assert not list(tmp_path.iterdir())


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
    assert "pip install 'watermap[tensorflow]'" in done.stderr
