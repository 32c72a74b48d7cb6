import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import watermap
from tests.support.environments import make_environment
from tests.support.workspace import run_example

HEAVY = ("keras", "matplotlib", "numpy", "pandas", "prefect", "pydantic", "rasterio", "tensorflow", "xarray")
FUNCTIONS = [name for name in watermap.__all__ if inspect.isfunction(getattr(watermap, name))]


def test_the_public_names_are_there() -> None:
    assert watermap.__all__ == sorted(watermap.__all__)
    for name in watermap.__all__:
        assert getattr(watermap, name).__name__ == name
    assert set(watermap.__all__) <= set(dir(watermap))
    assert {"predict", "predict_array", "open_bundle", "tile", "train", "evaluate", "vectorize"} <= set(FUNCTIONS)
    assert {"change", "index", "timeline", "mosaic"} <= set(FUNCTIONS)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'watermap' has no attribute 'predct'"):
        getattr(watermap, "predct")  # noqa: B009 (mypy would see that it is not there)
    assert not hasattr(watermap, "predct")


def test_where_a_library_is_missing_functions_are_listed_and_refuse_in_one_line() -> None:
    script = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pyogrio", "keras"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

sys.meta_path.insert(0, Absent())
import watermap
from watermap import *
print(vectorize.__name__, "Not available here" in train.__doc__)
try:
    watermap.vectorize("a_water.tif")
except watermap.WatermapError as error:
    print(error.exit_code, error.message, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    named, refused = done.stdout.splitlines()
    assert named == "vectorize True"
    assert refused.startswith("2 vectorize needs pyogrio, which is not installed | pip install ")


def test_importing_it_costs_nothing() -> None:
    script = "import sys, json; before = set(sys.modules); import watermap; dir(watermap); " + (
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script], check=True, capture_output=True, text=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & set(HEAVY)
    assert [name for name in json.loads(done.stdout) if name.startswith("watermap")] == ["watermap"]
    times = [int(found[1]) for found in re.finditer(r"\| +(\d+) \| watermap$", done.stderr, flags=re.MULTILINE)]
    assert len(times) == 1
    assert times[0] < 100_000  # microseconds


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.extended] if name == "train" else []) for name in FUNCTIONS]
)
def test_what_a_functions_docstring_shows_is_so(name: str, workspace: Path) -> None:
    run_example(getattr(watermap, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_two_arguments_by_position_at_most(name: str) -> None:
    kinds = [each.kind for each in inspect.signature(getattr(watermap, name)).parameters.values()]
    assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) <= 2


def test_the_two_lines_of_the_readme_map_a_scene(workspace: Path) -> None:
    maps = watermap.predict("scene.tif", bundle="data/demo/model", out="maps")
    assert maps.water == Path("maps/scene_water.tif")
    assert maps.water.is_file()


SCRIPT = """
from pathlib import Path

import numpy as np
import watermap

maps: watermap.Maps = watermap.predict("scene.tif", bundle="model", out="maps", probability=True)
water: Path = maps.water
km2: float = maps.areas_km2["water"]
maps.plot().savefig("map.png")
bundle: watermap.Bundle = watermap.open_bundle("model")
codes, probability = watermap.predict_array(np.zeros((6, 4, 4)), bands=bundle.contract.bands, bundle=bundle)
share: float = float((codes == 1).mean())
made = watermap.tile("scenes", "patches", bands=["B3", "B8"])
training = watermap.train("patches", "trained", epochs=1)
scores = watermap.evaluate(training.bundle, "scenes").as_dict()
indices: watermap.IndexMaps = watermap.index("scene.tif", "mndwi", threshold="otsu")
least: float | None = indices.threshold
bodies = watermap.vectorize(maps.water, min_area_m2=100)
count: int = bodies.count
change = watermap.change("a_water.tif", Path("b_water.tif"))
series = watermap.timeline(".")
mosaic = watermap.mosaic(["a_water.tif"], "all.tif")
try:
    watermap.open_bundle("nowhere")
except watermap.WatermapError as error:
    hint: str = error.hint
"""


@pytest.mark.extended
def test_a_strict_type_checker_takes_a_script_that_uses_it(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "installed").with_name("python")  # what is edited in place, checkers overlook

    def checked(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "script.py").write_text(text)
        command = [sys.executable, "-m", "mypy", "--strict", f"--python-executable={python}", "script.py"]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)

    done = checked(SCRIPT)
    assert done.returncode == 0, done.stdout
    wrong = checked("import watermap\nnumber: int = watermap.vectorize('a.tif').path\n")
    assert 'expression has type "Path"' in wrong.stdout  # it saw the annotations
