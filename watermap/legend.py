"""The codes of a label and of a water raster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LAND: Final = 0
WATER: Final = 1
NO_DATA: Final = 255


Rgba = tuple[int, int, int, int]


WATER_COLORS: Final[Mapping[int, Rgba]] = {
    LAND: (236, 226, 198, 255),
    WATER: (31, 119, 200, 255),
    NO_DATA: (0, 0, 0, 0),
}
"""Sand, water blue, transparent."""
