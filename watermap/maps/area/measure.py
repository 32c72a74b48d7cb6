"""What a water raster shows as a whole: the area of each stratum, of what was not seen, and a digest of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import code_areas_m2
from watermap.legend import NO_DATA, WATER
from watermap.maps.area.strata import MAPPED_AS, NAMES, strata_blocks
from watermap.progress import Progress, silent
from watermap.scenes.label import Label

_CODES: Final = np.array([*MAPPED_AS, *[NO_DATA] * (256 - len(MAPPED_AS))], dtype=np.uint8)
"""What each stratum was mapped as."""


@dataclass(frozen=True)
class Mapped:
    """What a water raster shows.

    Attributes:
        pixels: (strata,) how many each has.
        areas_m2: (strata,) of each.
        no_data_m2: area without data.
        digest: of the codes and of where they lie: another compression, or other tags, do not change it.
    """

    pixels: tuple[int, ...]
    areas_m2: tuple[float, ...]
    no_data_m2: float
    digest: str

    @property
    def water_m2(self) -> float:
        """Area that is mapped as water."""
        return mapped_m2(self.areas_m2, MAPPED_AS, WATER)

    @property
    def valid_m2(self) -> float:
        """Area of land and water."""
        return sum(self.areas_m2)


def mapped_m2(areas_m2: Sequence[float], mapped_as: Sequence[int], code: int) -> float:
    """Area of the strata that were mapped as a class."""
    return sum(area for area, own in zip(areas_m2, mapped_as, strict=True) if own == code)


def measure(label: Label, *, shore_px: int = 0, progress: Progress = silent) -> Mapped:
    """Measure a water raster from top to bottom.

    Args:
        label: the water raster, open.
        shore_px: width of the stratum beside water, in pixels; with 0 it is empty.
        progress: told by rows.

    Raises:
        DataError: it holds no pixel of land or water, it is damaged, or its CRS tells no areas.
        StorageError: it lies elsewhere and can no longer be reached.
    """
    grid = label.own_grid
    pixels, areas = np.zeros(256, dtype=np.int64), np.zeros(256)
    digest = hashlib.sha256(_place(grid).encode())
    for block, strata in strata_blocks(label, shore_px):
        digest.update(_CODES[strata].tobytes())
        pixels += np.bincount(strata.ravel(), minlength=256)
        areas += code_areas_m2(strata, grid, block)
        progress("rows measured", int(block.row_off + block.height), grid.height)
    count = len(NAMES)
    if not pixels[:count].sum():
        raise DataError(f"{label.path}: holds no data, there is nothing to sample")
    return Mapped(
        pixels=tuple(int(each) for each in pixels[:count]),
        areas_m2=tuple(float(each) for each in areas[:count]),
        no_data_m2=float(areas[NO_DATA]),
        digest=digest.hexdigest(),
    )


def _place(grid: Grid) -> str:
    return f"{grid.crs.to_string()} {grid.shape} {tuple(grid.transform)[:6]}"
