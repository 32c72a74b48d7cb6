"""A scene of lakes in varied land, and what numpy says of its indices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS

ROWS, COLS = 330, 210
LAND_DN = (400, 700, 600, 2600, 2200, 1500)
WATER_DN = (500, 700, 400, 250, 150, 100)


def lake_values(*, water: float = 0.3, seed: int = 0) -> npt.NDArray[np.uint16]:
    """(6, rows, cols) of Sentinel-2 numbers with lakes over a share of the scene, noise, and a wedge of no data, 0."""
    rng = np.random.default_rng(seed)
    height = ndimage.gaussian_filter(rng.normal(size=(ROWS, COLS)), 6)
    is_lake = height > np.quantile(height, 1 - water)
    values = np.where(is_lake, np.array(WATER_DN)[:, None, None], np.array(LAND_DN)[:, None, None])
    values = values * rng.lognormal(0, 0.08, (ROWS, COLS)) + rng.normal(0, 25, (6, ROWS, COLS))
    found = np.clip(np.rint(values), 1, 9000).astype(np.uint16)
    found[:, :40, :30] = 0
    return found


def write_lakes(path: Path, values: npt.NDArray[Any] | None = None, **options: Any) -> Path:
    """The scene as a file, with its bands named and 0 for no data."""
    lakes = lake_values() if values is None else values
    return write_tif(path, lakes, make_grid(COLS, ROWS), names=STANDARD_BANDS, no_data=0, **options)


def reflectance(values: npt.NDArray[Any], *bands: str) -> list[npt.NDArray[np.float32]]:
    """Of some bands."""
    return [values[STANDARD_BANDS.index(band)].astype(np.float32) * np.float32(1e-4) for band in bands]
