"""Water rasters for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from watermap.geo.grid import Grid
from watermap.io.cog import write_raster
from watermap.io.layouts import LABEL_LAYOUT

CODES = (0, 1, 255)


def water_arrays(max_side: int = 30) -> st.SearchStrategy[npt.NDArray[np.uint8]]:
    """(rows, cols) of codes."""
    shapes = numpy_st.array_shapes(min_dims=2, max_dims=2, max_side=max_side)
    return numpy_st.arrays(np.uint8, shapes, elements=st.sampled_from(CODES))


def write_water(path: Path, codes: npt.NDArray[Any], grid: Grid, **tags: str) -> Path:
    """Write codes on a grid of their size that begins where the given one does."""
    rows, cols = codes.shape
    fitting = Grid(grid.crs, grid.transform, cols, rows)
    return write_raster(path, codes[None].astype(np.uint8), fitting, LABEL_LAYOUT, tags=tags)
