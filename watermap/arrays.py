"""Types of arrays and of coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Shapes = npt.NDArray[Any]
"""(n,) shapely geometries."""


Points = npt.NDArray[np.float64]
"""(n, 2): (col, row) positions on some grid; (0, 0) is the corner of its first pixel."""


Codes = npt.NDArray[np.uint8]
"""(rows, cols): 0 land, 1 water, 255 unknown."""


FloatArray = npt.NDArray[np.float32]


Array = npt.NDArray[Any]


Mask = npt.NDArray[np.bool_]
