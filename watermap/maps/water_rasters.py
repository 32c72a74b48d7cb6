"""Water rasters: which there are in a folder, what they say of themselves, and their codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from watermap.errors import DataError
from watermap.geo.grid import Grid, blocks
from watermap.geo.pixel_area import code_areas_m2
from watermap.io.gdal import open_dataset, read_from, small_cache
from watermap.io.raster import Raster, check_place
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.dates import sensed_on
from watermap.scenes.label import WATER_RASTER

WATER_SUFFIX: Final = "_water"
_PATTERN: Final = f"*{WATER_SUFFIX}.tif"
_BLOCK_ROWS: Final = 512

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class WaterRaster:
    """What a water raster says of itself.

    Attributes:
        path: the file.
        grid: its pixel grid.
        tags: metadata of the dataset: what made it.
        shown: the date that it shows, None where nothing tells it.
    """

    path: Path
    grid: Grid
    tags: Mapping[str, str]
    shown: date | None

    @property
    def name(self) -> str:
        """The name of the scene, that of the file without its end."""
        return self.path.stem.removesuffix(WATER_SUFFIX)


def find_water(folder: Path) -> list[WaterRaster]:
    """The water rasters NAME_water.tif of a folder, by name.

    Raises:
        DataError: no such folder, none there, or one that is no water raster.
    """
    if not folder.is_dir():
        wrong = "is no folder" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: {wrong}", hint="give the folder that watermap predict wrote to")
    paths = sorted(path for path in folder.glob(_PATTERN) if not path.name.startswith("."))
    if not paths:
        raise DataError(f"{folder}: no {_PATTERN} there", hint="give the folder that watermap predict wrote to")
    return [inspect_water(path) for path in paths]


def read_codes(path: Path, window: Window) -> Codes:
    """Codes (rows, cols) of a window of a water raster; what a mask hides is no data.

    Raises:
        DataError: the file is damaged, or holds other codes.
    """
    rows = f"rows {int(window.row_off)} to {int(window.row_off + window.height) - 1}"
    with open_dataset(path) as dataset:
        codes: Codes = read_from(path, lambda: dataset.read(1, window=window), what=rows)
        if MaskFlags.per_dataset in dataset.mask_flag_enums[0]:
            codes[read_from(path, lambda: dataset.read_masks(1, window=window), what=rows) == 0] = NO_DATA
    strange = (codes > WATER) & (codes != NO_DATA)
    if strange.any():
        raise WATER_RASTER.unknown_codes(path, codes[strange])
    return codes


def water_areas_m2(raster: WaterRaster) -> npt.NDArray[np.float64]:
    """The area on the ellipsoid of each code of a water raster; memory holds some of its rows.

    Returns:
        (256,) in m2, by code.

    Raises:
        DataError: as `read_codes`, or its CRS tells no areas.
    """
    found = np.zeros(NO_DATA + 1)
    with small_cache():
        for window in blocks(raster.grid, _BLOCK_ROWS):
            found += code_areas_m2(read_codes(raster.path, window), raster.grid, window)
    return found


def class_areas_m2(raster: Raster) -> npt.NDArray[np.float64]:
    """The area of each code of an open water raster on the ellipsoid, (256,) in m2.

    Raises:
        DataError: the file is damaged, or its CRS is not tied to the Earth.
    """
    found = np.zeros(NO_DATA + 1)
    for window in blocks(raster.grid, raster.block_rows):
        found += code_areas_m2(raster.read(window=window).values[0], raster.grid, window)
    return found


def inspect_water(path: Path) -> WaterRaster:
    """What a water raster says of itself.

    Raises:
        DataError: the file is missing, damaged or no water raster.
    """
    with open_dataset(path) as dataset:
        _check(dataset, path)
        tags = dataset.tags()
        grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        return WaterRaster(path, grid, tags, sensed_on(path, dataset.tags(ns="IMAGERY") | tags))


def _check(dataset: Any, path: Path) -> None:
    """Refuse what is no water raster."""
    if dataset.count != 1 or dataset.dtypes[0] != "uint8" or dataset.nodata not in (None, NO_DATA):
        found = f"{dataset.count} bands of {dataset.dtypes[0]}, no data {dataset.nodata}"
        raise DataError(
            f"{path}: no water raster ({found})",
            hint=f"one uint8 band is wanted, {LAND} land, {WATER} water, {NO_DATA} no data",
        )
    check_place(path, dataset)
