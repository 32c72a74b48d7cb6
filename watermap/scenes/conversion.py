"""A scene of any product as one image of reflectance x 10,000, under the names used everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from watermap.bands import REFLECTANCE_SCALE, SENTINEL2, Radiometry
from watermap.errors import DataError
from watermap.geo.grid import blocks
from watermap.io.cog import RasterWriter
from watermap.io.layouts import RasterLayout
from watermap.io.raster import open_raster
from watermap.io.scene_files import SceneFiles
from watermap.scenes.radiometry import to_expected

_NO_DATA: Final = -9999
_ROWS: Final = 512
_PLAIN: Final = Radiometry(REFLECTANCE_SCALE, 0.0)


def write_reflectance(scene: SceneFiles, path: Path) -> Path:
    """Write a scene as a GeoTIFF of int16 reflectance x 10,000, no data -9999.

    Bands that are no counterpart of a Sentinel-2 band are left out.

    Args:
        scene: its files.
        path: the GeoTIFF.

    Raises:
        DataError: the scene cannot be used, or the file cannot be written.
        StorageError: the scene lies elsewhere and cannot be reached.
    """
    with open_raster(scene) as raster:
        bands = tuple(band for band in SENTINEL2 if band in raster.bands)
        if not bands:
            raise DataError(f"{scene}: names no band", hint="state whose bands they are with --sensor")
        positions = raster.find(bands)
        stated = raster.radiometry(positions) or _PLAIN
        layout = RasterLayout("int16", bands, _NO_DATA, "average")
        read = raster.reader(positions)
        with RasterWriter(path, raster.grid, layout) as writer:
            for window in blocks(raster.grid, _ROWS):
                pixels = read(window)
                writer.write(_rounded(to_expected(pixels.values, stated, _PLAIN), pixels.valid))
    return path


def _rounded(values: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    rounded = np.clip(np.rint(np.where(valid, values, _NO_DATA)), limits.min, limits.max)
    return rounded.astype(np.int16)
