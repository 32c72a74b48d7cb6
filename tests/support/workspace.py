"""A working folder with all that the examples of the Python API name, and what runs them."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, shore_label, write_scene, write_tif
from tests.support.waters import write_water
from watermap.bands import STANDARD_BANDS
from watermap.config import TileConfig
from watermap.patches.tile import tile

LAND_DN = (400, 600, 700, 1800, 2200, 1800)
WATER_DN = (500, 700, 400, 300, 200, 160)


def image_of(label: npt.NDArray[Any], *, seed: int = 0) -> npt.NDArray[np.uint16]:
    """(bands, rows, cols) of the standard bands, which the known network maps as a label (rows, cols) says."""
    bands = np.where(label[None] == 1, np.array(WATER_DN)[:, None, None], np.array(LAND_DN)[:, None, None])
    return (bands + np.random.default_rng(seed).integers(0, 40, bands.shape)).astype(np.uint16)


def make_workspace(folder: Path) -> Path:
    """A bundle, an unlabelled scene, labelled scenes, their patches, and two dates of a lake; returns the folder.

    model, data/demo/model    the known network
    scene.tif                 120 x 160 pixels of 10 m, water in their left half
    scenes/, patches/         six striped scenes, and patches of 32 pixels
    lake_20230601_water.tif   1600 pixels of water, 900 a year later
    """
    make_bundle(folder / "model")
    make_bundle(folder / "data" / "demo" / "model")
    label = np.zeros((120, 160), np.uint8)
    label[:, :80] = 1
    write_tif(folder / "scene.tif", image_of(label), make_grid(160, 120), names=STANDARD_BANDS, no_data=65535)
    for number in range(6):
        grid = make_grid(96, 96, left=300_000 + 40_000 * number)
        striped = shore_label(grid.shape, seed=number)
        write_scene(folder / "scenes", f"place_{number}", grid, label=striped, image=image_of(striped, seed=number))
    settings = TileConfig(patch_size=32, bands=STANDARD_BANDS, density=0.5)
    tile(folder / "scenes", folder / "patches", settings)
    for year, side in ((2023, 40), (2024, 30)):
        lake = np.zeros((64, 64), np.uint8)
        lake[8 : 8 + side, 8 : 8 + side] = 1
        write_water(folder / f"lake_{year}0601_water.tif", lake, make_grid())
    return folder


def run_example(function: Callable[..., Any]) -> None:
    """Run what a function's docstring shows in the working folder; fails unless it shows something, and shows it so."""
    (found,) = doctest.DocTestFinder(recurse=False).find(function, function.__name__, globs={})
    assert found.examples, f"{function.__name__} shows no example"
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(found, out=told.append)
    assert not runner.failures, "".join(told)
