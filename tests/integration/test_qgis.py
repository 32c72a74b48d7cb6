"""What an analyst sees who drags the outputs into QGIS: QGIS itself opens and draws them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.cli.main import run
from watermap.io.cog import RasterWriter
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.qgis_style import RAMP
from watermap.legend import LAND, WATER, WATER_COLORS
from watermap.maps.change import CHANGE

ROWS, COLS = 60, 80
SEA, FIELD, HOLE = (30, 10), (30, 70), (3, 3)
"""Pixels (row, col) of water, of land and without data."""

_PYTHON = shutil.which("python3", path="/usr/bin") or "python3"


def has_qgis() -> bool:
    asked = subprocess.run([_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False)
    return asked.returncode == 0


pytestmark = pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed (Debian's python3-qgis)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map with all that goes with it, and its change to a later one."""
    folder = tmp_path_factory.mktemp("qgis")
    make_bundle(folder / "bundle")
    values = np.full((6, ROWS, COLS), 400, dtype=np.uint16)
    values[STANDARD_BANDS.index("B3"), :, : COLS // 2] = 1500
    values[STANDARD_BANDS.index("B11"), :, COLS // 2 :] = 1500
    values[:, :10, :10] = 0
    scene = write_tif(folder / "sea_20230607.tif", values, make_grid(COLS, ROWS), names=STANDARD_BANDS, no_data=0)
    flags = ["--offset", "0", "--scale", "0.0001", "--probability", "--polygons"]
    assert run(["predict", str(scene), "--bundle", str(folder / "bundle"), "--out", str(folder / "maps"), *flags]) == 0
    later = np.zeros((1, ROWS, COLS), dtype=np.uint8)
    later[:, :, : COLS // 4] = WATER
    later[:, 50:, 70:] = WATER
    with RasterWriter(folder / "maps" / "sea_20230707_water.tif", make_grid(COLS, ROWS), LABEL_LAYOUT) as writer:
        writer.write(later)
    names = [str(folder / "maps" / f"sea_2023{month}07_water.tif") for month in ("06", "07")]
    assert run(["change", *names, "--out", str(folder / "change")]) == 0
    return folder


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, dict[str, Any]]:
    """What QGIS says of each file, and its picture (rows, cols, RGBA)."""
    maps = folder / "maps"
    (change,) = (folder / "change").glob("*.tif")
    files = [*(maps / f"sea_20230607_{kind}" for kind in ("water.tif", "probability.tif", "bodies.gpkg")), change]
    script = Path(__file__).with_name("qgis_render.py")
    pictures = folder / "pictures"
    pictures.mkdir()
    done = subprocess.run(
        [_PYTHON, str(script), str(pictures), *map(str, files)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    kinds = ("water", "probability", "bodies", "change")
    return {
        kind: said | {"picture": picture(pictures / f"{file.stem}.png")}
        for kind, said, file in zip(kinds, told, files, strict=True)
    }


def picture(path: Path) -> npt.NDArray[np.uint8]:
    shown: npt.NDArray[np.uint8] = np.rint(imread(path) * 255).astype(np.uint8)
    return shown


def at(said: dict[str, Any], place: tuple[int, int]) -> tuple[int, ...]:
    return tuple(int(part) for part in said["picture"][place])


def test_every_file_opens_where_it_lies(seen: dict[str, dict[str, Any]]) -> None:
    for said in seen.values():
        assert said["valid"]
        assert said["crs"] == "EPSG:32633"


def test_water_is_blue_land_is_sand_and_no_data_is_nothing(seen: dict[str, dict[str, Any]]) -> None:
    said = seen["water"]
    assert said["renderer"] == "paletted"
    assert said["legend"] == {"land": list(WATER_COLORS[LAND]), "water": list(WATER_COLORS[WATER])}
    assert at(said, SEA) == WATER_COLORS[WATER]
    assert at(said, FIELD) == WATER_COLORS[LAND]
    assert at(said, HOLE)[3] == 0


def test_probability_is_a_ramp(seen: dict[str, dict[str, Any]]) -> None:
    said = seen["probability"]
    assert said["renderer"] == "singlebandpseudocolor"
    assert said["legend"] == {f"{share}%": list(RAMP[step]) for step, share in enumerate((0, 25, 50, 75, 100))}
    assert at(said, SEA) == RAMP[-1]
    assert at(said, FIELD) == RAMP[0]
    assert at(said, HOLE)[3] == 0


def test_bodies_are_drawn_where_water_is(seen: dict[str, dict[str, Any]]) -> None:
    said = seen["bodies"]
    assert said["renderer"] == "singleSymbol"
    assert at(said, SEA)[3] == 128
    assert at(said, FIELD)[3] == at(said, HOLE)[3] == 0


def test_change_has_a_colour_for_what_came_went_and_stayed(seen: dict[str, dict[str, Any]]) -> None:
    said = seen["change"]
    assert said["renderer"] == "paletted"
    assert {"permanent water", "gained", "lost"} <= set(said["legend"])
    for place, name in {(30, 10): "permanent water", (30, 30): "lost", (55, 75): "gained"}.items():
        assert list(at(said, place)) == said["legend"][name]
        assert tuple(said["legend"][name]) in CHANGE.colors.values()
    assert at(said, HOLE)[3] == 0
