"""The codes of a label and of a water raster."""

from __future__ import annotations

from typing import Final

LAND: Final = 0
WATER: Final = 1
NO_DATA: Final = 255
