"""What an interpreter sees who drags a sample into QGIS: QGIS itself opens, edits and saves it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest

from tests.integration.test_qgis import _PYTHON, has_qgis
from tests.support.interpreters import edit
from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.cli.main import run
from watermap.maps.area.samples import ANSWERS, read_samples

pytestmark = pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed (Debian's python3-qgis)")

CODES = np.zeros((90, 110), np.uint8)
CODES[20:60, 30:80] = 1
TRUTH = np.roll(CODES, 2, axis=1)
TRUTH[:, :6] = 255


def interpreted(samples: Path, truth: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("qgis_interpret.py")
    done = subprocess.run([_PYTHON, str(script), str(samples), str(truth)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("{"))
    told: dict[str, Any] = json.loads(line)
    return told


@pytest.mark.parametrize("where", ["both", "inside", "beside"])
def test_a_sample_is_interpreted_in_qgis_and_read_again(where: str, tmp_path: Path) -> None:
    water = write_water(tmp_path / "lake_water.tif", CODES, make_grid(110, 90))
    truth = write_water(tmp_path / "truth.tif", TRUTH, make_grid(110, 90))
    assert run(["sample-design", str(water), "--n", "200"]) == 0
    samples = tmp_path / "lake_samples.gpkg"
    if where == "inside":  # a GeoPackage that was sent alone
        samples.with_suffix(".qml").unlink()
    if where == "beside":
        edit(samples, "DELETE FROM layer_styles")
    told = interpreted(samples, truth)
    assert (told["valid"], told["crs"], told["renderer"]) == (True, "EPSG:32633", "categorizedSymbol")
    assert list(told["legend"]) == [*ANSWERS, "open"]
    assert told["layers"] == ["GeometryGenerator", "GeometryGenerator", "SimpleMarker", "SimpleMarker"]
    assert told["widget"] == "ValueMap"
    assert told["choices"] == {**ANSWERS, "open": None}
    assert told["form"] == told["columns"] == ["id", "truth", "remark"]
    assert told["read_only"] == ["id", "stratum"]
    assert told["sorted"] == '"id"'
    assert (told["editable"], told["saved"]) == (True, True)
    found = read_samples(samples)
    assert (sum(found.open), found.in_order) == (134, False)
    _, _, points, (ids, answers, *_) = pyogrio.raw.read(samples, layer="samples")
    for number, point, answer in zip(ids.tolist(), points, answers.tolist(), strict=True):
        col, row = ~make_grid().transform @ tuple(np.frombuffer(point[5:], dtype="<f8"))
        assert number % 3 or answer == TRUTH[int(row), int(col)]
    assert run(["area", str(water), "--reference", str(samples)]) == 0
