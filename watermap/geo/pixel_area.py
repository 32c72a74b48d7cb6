"""Areas of pixels on the ellipsoid: what a map is to be added up with, whatever its projection does to sizes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.geo.ellipsoid import Ellipsoid, to_map
from watermap.geo.grid import Grid

Areas = npt.NDArray[np.float64]
"""(rows, cols) in m2."""

_CODES: Final = 256
_NODE_M: Final = 5_000.0
"""The size of a pixel on the ground bends so little over this length that a straight line is right to 1e-6."""
_EDGE_POINTS: Final = 4
"""Of a pixel's edge, which is no geodesic: of pixels of a whole degree the area is then right to 2e-6."""
_STRIP_ROWS: Final = 64
"""Rows that are added up at once: areas take eight times the memory of codes."""


def pixel_area_m2(grid: Grid, window: Window) -> Areas:
    """Areas of the pixels of a window on the ellipsoid of the grid's CRS.

    Every so many-th pixel of the grid, and its last, is measured as a geodesic polygon; those between lie on straight
    lines. What a pixel gets does not depend on the window.

    Args:
        grid: any orientation, geographic or projected.
        window: part of the grid, in whole pixels.

    Returns:
        (rows, cols) in m2.

    Raises:
        DataError: the grid's CRS is not tied to the Earth, or does not reach all of the grid.
    """
    by_row, measured, by_col = _factors(grid, window)
    return np.asarray(by_row @ measured @ by_col.T)


def code_areas_m2(codes: npt.NDArray[np.uint8], grid: Grid, window: Window) -> npt.NDArray[np.float64]:
    """The area of each code in a window of a raster of classes.

    Args:
        codes: (rows, cols) of the window.
        grid: of the raster.
        window: which part of the grid the codes are.

    Returns:
        (256,) in m2, by code.

    Raises:
        DataError: as `pixel_area_m2`.
    """
    by_row, measured, by_col = _factors(grid, window)
    total = np.zeros(_CODES)
    for start in range(0, len(codes), _STRIP_ROWS):
        strip = codes[start : start + _STRIP_ROWS]
        weights = by_row[start : start + _STRIP_ROWS].T
        for code in np.flatnonzero(np.bincount(strip.ravel(), minlength=_CODES)):
            here = (strip == code).astype(np.float64)
            total[code] += np.sum((weights @ here @ by_col) * measured)  # what each node weighs in all these pixels
    return total


def pixel_size_m(grid: Grid) -> tuple[float, float]:
    """Width and height of the grid's middle pixel on the ground.

    Raises:
        DataError: as `pixel_area_m2`.
    """
    ellipsoid = _ellipsoid(grid)
    middle = np.array([grid.width / 2, grid.height / 2])
    ends = middle + np.array([(-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)])
    lons, lats = ellipsoid.degrees(to_map(ends, grid.transform))
    _, _, lengths = ellipsoid.geod.inv(lons[::2], lats[::2], lons[1::2], lats[1::2])
    return float(lengths[0]), float(lengths[1])


def _factors(grid: Grid, window: Window) -> tuple[Areas, Areas, Areas]:
    """Areas of a window as a product: (rows, row nodes), (row nodes, col nodes) in m2, (cols, col nodes)."""
    ellipsoid = _ellipsoid(grid)
    step = _node_step(grid, ellipsoid)
    rows = np.arange(int(window.row_off), int(window.row_off + window.height))
    cols = np.arange(int(window.col_off), int(window.col_off + window.width))
    row_nodes = _nodes(rows, grid.height, step)
    is_upright = ellipsoid.is_geographic and grid.transform.b == 0 and grid.transform.d == 0
    col_nodes = (
        np.zeros(1, dtype=np.int64) if is_upright else _nodes(cols, grid.width, step)
    )  # a parallel's pixels are all alike
    return _between(rows, row_nodes), _measured(grid, ellipsoid, row_nodes, col_nodes), _between(cols, col_nodes)


def _ellipsoid(grid: Grid) -> Ellipsoid:
    return Ellipsoid(grid.crs, f"a raster in {grid.crs}")


def _node_step(grid: Grid, ellipsoid: Ellipsoid) -> int:
    """Pixels from one that is measured to the next."""
    return max(1, int(_NODE_M / (max(grid.pixel_width, grid.pixel_height) * ellipsoid.unit_m)))


def _nodes(pixels: npt.NDArray[np.int64], length: int, step: int) -> npt.NDArray[np.int64]:
    """The pixels of an axis that are measured, as far as some pixels in a row need them."""
    first, last = int(pixels[0]) // step * step, -(-int(pixels[-1]) // step) * step
    return np.unique(np.minimum(np.arange(first, last + 1, step), length - 1))


def _between(pixels: npt.NDArray[np.int64], nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(pixels, nodes): what each node weighs in each pixel."""
    return np.stack([np.interp(pixels, nodes, one) for one in np.eye(len(nodes))], axis=1)


def _measured(grid: Grid, ellipsoid: Ellipsoid, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]) -> Areas:
    """Areas of the pixels where some rows and columns cross, each as a polygon."""
    along = np.arange(_EDGE_POINTS) / _EDGE_POINTS
    zeros, ones = np.zeros(_EDGE_POINTS), np.ones(_EDGE_POINTS)
    across = np.concatenate([along, ones, 1 - along, zeros])
    down = np.concatenate([zeros, along, ones, 1 - along])
    all_rows, all_cols = np.meshgrid(rows, cols, indexing="ij")
    points = np.stack([all_cols[..., None] + across, all_rows[..., None] + down], axis=-1)
    lons, lats = ellipsoid.degrees(to_map(points.reshape(-1, 2), grid.transform))
    rings = zip(lons.reshape(-1, len(across)), lats.reshape(-1, len(across)), strict=True)
    areas = [abs(ellipsoid.geod.polygon_area_perimeter(*ring)[0]) for ring in rings]
    return np.array(areas).reshape(len(rows), len(cols))
