"""Area on the ellipsoid of the pixels of a grid."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyproj
from pyproj.exceptions import ProjError
from rasterio.windows import Window

from watermap.errors import DataError
from watermap.grid import Grid

FloatArray = npt.NDArray[np.float64]

_CELL_PIXELS: Final = 64
_CELL_M: Final = 2000.0
"""Areas are measured in cells of at most so many pixels and metres a side, and change linearly from one to the next."""
_DEGREE_M: Final = 111_320.0
_EDGE_STEPS: Final = 4


def pixel_area_m2(grid: Grid, window: Window) -> FloatArray:
    """Area in square metres on the ellipsoid of the pixels of some rows of a grid.

    Args:
        grid: geographic or projected, of any orientation.
        window: rows of it, in full width.

    Returns:
        (rows, cols) in m2.

    Raises:
        DataError: the CRS does not lie on the Earth, or does not reach there.
    """
    try:
        crs = pyproj.CRS.from_user_input(grid.crs.to_wkt())
        geodetic = crs.geodetic_crs
        if geodetic is None:
            raise DataError(
                f"{grid.crs}: is tied to no place on the Earth", hint="set the CRS with gdal_edit.py -a_srs"
            )
        to_lon_lat = pyproj.Transformer.from_crs(crs, geodetic, always_xy=True)
        geod = geodetic.get_geod()
    except ProjError as error:
        raise DataError(f"{grid.crs}: no areas can be had in it", hint="reproject the rasters") from error
    metres = _DEGREE_M if crs.is_geographic else crs.axis_info[0].unit_conversion_factor
    cell = max(1, min(_CELL_PIXELS, int(_CELL_M / metres / max(grid.pixel_width, grid.pixel_height))))
    is_same_along_rows = crs.is_geographic and not grid.transform.d
    rows = range(int(window.row_off), int(window.row_off + window.height))
    row_nodes = _nodes(rows.start, rows.stop, cell)
    col_nodes = _nodes(0, 1 if is_same_along_rows else grid.width, cell)
    areas = np.array([[_cell_area(grid, r, c, cell, to_lon_lat, geod) for c in col_nodes] for r in row_nodes])
    if not np.isfinite(areas).all():
        raise DataError(f"{grid.crs}: does not reach all of the raster", hint="choose a CRS for that place")
    along_rows = _weights(np.arange(rows.start, rows.stop, dtype=np.float64) + 0.5, row_nodes)
    found: FloatArray = along_rows @ areas @ _weights(np.arange(grid.width, dtype=np.float64) + 0.5, col_nodes).T
    return found


def _nodes(start: int, stop: int, cell: int) -> FloatArray:
    """Positions at most a cell apart from the first pixel's middle to the last one's."""
    count = 1 + -(-(stop - start - 1) // cell)
    return np.linspace(start + 0.5, stop - 0.5, count)


def _cell_area(grid: Grid, row: float, col: float, cell: int, to_lon_lat: Any, geod: Any) -> float:
    """Mean area of the pixels of a square cell around a position, its edges followed in steps."""
    steps = np.arange(_EDGE_STEPS) / _EDGE_STEPS * cell
    back, zero, full = cell - steps, np.zeros(_EDGE_STEPS), np.full(_EDGE_STEPS, float(cell))
    cols = np.concatenate([steps, full, back, zero]) + (col - cell / 2)
    rows = np.concatenate([zero, steps, full, back]) + (row - cell / 2)
    t = grid.transform
    xs, ys = t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f
    area, _ = geod.polygon_area_perimeter(*to_lon_lat.transform(xs, ys))
    return abs(float(area)) / cell**2


def _weights(positions: FloatArray, nodes: FloatArray) -> FloatArray:
    """(positions, nodes) of linear interpolation."""
    return np.stack([np.interp(positions, nodes, unit) for unit in np.eye(len(nodes))], axis=1)
