"""A lake, as it is, as a coarse label has it, and as a satellite sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tests.support.rasters import make_grid, write_tif
from tests.support.waters import write_water
from watermap.bands import STANDARD_BANDS

SIDE = 180
GRID = make_grid(SIDE, SIDE)
WATER_DN = {"B3": 500.0, "B8": 200.0, "B11": 100.0}
LAND_DN = {"B3": 700.0, "B8": 2800.0, "B11": 2200.0}


def shares(side: int = SIDE) -> npt.NDArray[np.float64]:
    """(rows, cols) of water in each pixel: a round lake with a shore of mixed pixels, and a pond."""
    rows, cols = np.mgrid[:side, :side]
    lake = np.clip(side * 0.3 - np.hypot(rows - side / 2, cols - side / 2) + 0.5, 0, 1)
    lake[5:15, 5:15] = 1
    return np.asarray(lake)


def coarse(share: npt.NDArray[Any], *, block: int = 3) -> npt.NDArray[np.uint8]:
    """Its label in coarse pixels, the lake displaced by one pixel, without the pond."""
    water = np.roll(share, 1, axis=1) >= 0.5
    water[:20, :20] = False
    middles = water[block // 2 :: block, block // 2 :: block]
    label: npt.NDArray[np.uint8] = middles.repeat(block, axis=0).repeat(block, axis=1).astype(np.uint8)
    return label


def seen(share: npt.NDArray[Any], *, seed: int = 0, offset: float = 0) -> npt.NDArray[np.uint16]:
    """(6, rows, cols): linear mixtures of water and land in digital numbers, with noise."""
    rng = np.random.default_rng(seed)
    cube = [
        WATER_DN.get(band, 300.0) * share + LAND_DN.get(band, 1500.0) * (1 - share) + rng.normal(0, 15, share.shape)
        for band in STANDARD_BANDS
    ]
    return (np.clip(cube, 1, None) + offset).astype(np.uint16)


def write_lake(folder: Any, *, offset: float = 0) -> tuple[Any, Any, Any]:
    """Write image, coarse label and truth, and return their paths."""
    share = shares()
    image = write_tif(folder / "image.tif", seen(share, offset=offset), GRID, names=STANDARD_BANDS)
    label = write_water(folder / "coarse.tif", coarse(share), GRID)
    truth = write_water(folder / "truth.tif", (share >= 0.5).astype(np.uint8), GRID)
    return image, label, truth
