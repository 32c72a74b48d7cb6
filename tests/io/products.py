"""Products in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import Resampling
from rasterio.warp import reproject

from tests.support.rasters import UTM32
from tests.support.safes import (
    SIZE,
    Bands,
    transform_of,
)
from watermap.bands import SENTINEL2
from watermap.geo.grid import Grid
from watermap.io.raster import Pixels, open_raster

GRID = Grid(UTM32, transform_of(10), SIZE, SIZE)


def at_10_m(values: npt.NDArray[Any], pixel: float) -> npt.NDArray[Any]:
    """What GDAL's warper makes of a band on the grid of 10 m."""
    found = np.zeros(GRID.shape, values.dtype)
    reproject(
        values,
        found,
        src_transform=transform_of(pixel),
        dst_transform=transform_of(10),
        src_crs=UTM32,
        dst_crs=UTM32,
        resampling=Resampling.bilinear,
    )
    return found


def stacked(bands: Bands) -> npt.NDArray[Any]:
    """(bands, rows, cols) at 10 m."""
    return np.stack([at_10_m(values, SENTINEL2[band].pixel_size_m) for band, values in bands.items()])


def read(path: Path) -> Pixels:
    with open_raster(path) as raster:
        return raster.read()
