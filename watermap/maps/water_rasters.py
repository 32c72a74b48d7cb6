"""Water rasters: which there are in a folder, what they say of themselves, and their codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.arrays import Codes
from watermap.errors import DataError
from watermap.geo.grid import Grid, blocks
from watermap.geo.pixel_area import code_areas_m2
from watermap.io.gdal import open_dataset, small_cache
from watermap.io.raster import check_place
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.dates import sensed_on
from watermap.scenes.label import WATER_RASTER, open_label

WATER_SUFFIX: Final = "_water"
_PATTERN: Final = f"*{WATER_SUFFIX}.tif"
_BLOCK_ROWS: Final = 512


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
    return [_inspect(path) for path in paths]


def read_codes(path: Path, window: Window) -> Codes:
    """Codes (rows, cols) of a window of a water raster; what a mask hides is no data.

    Raises:
        DataError: the file is damaged, or holds other codes.
    """
    with open_label(path, kind=WATER_RASTER) as label:
        return label.read(window)


def water_areas_m2(water: Path) -> npt.NDArray[np.float64]:
    """The area on the ellipsoid of each code of a water raster; memory holds some of its rows.

    Returns:
        (256,) in m2, by code.

    Raises:
        DataError: the file is missing, damaged or no water raster, or its CRS tells no areas.
        StorageError: it lies elsewhere and cannot be reached.
    """
    found = np.zeros(NO_DATA + 1)
    with small_cache(), open_label(water, kind=WATER_RASTER) as label:
        for window in blocks(label.own_grid, _BLOCK_ROWS):
            found += code_areas_m2(label.read(window), label.own_grid, window)
    return found


def ground_km2(water: Path) -> dict[str, float]:
    """The area on the ellipsoid of `water`, `land` and `no_data` of a water raster in km2.

    Raises:
        DataError: as `water_areas_m2`.
    """
    areas_m2 = water_areas_m2(water)
    codes = (("water", WATER), ("land", LAND), ("no_data", NO_DATA))
    return {name: float(areas_m2[code]) / 1e6 for name, code in codes}


def _inspect(path: Path) -> WaterRaster:
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
