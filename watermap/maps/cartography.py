"""What makes a picture a map: a scale bar, an arrow to the north, round lengths."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import OffsetFrom
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from watermap.errors import DataError
from watermap.geo.crs import LON_LAT, transform_points
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_size_m

_BAR_SHARE: Final = 0.3
"""A scale bar is no longer than this share of the map's width."""
_ARROW_DEGREES: Final = 0.01
_ARROW_POINTS: Final = 30.0
_ARROW_PLACE: Final = (-25.0, -32.0)
"""Of its middle, in points to the right of a map's upper right corner, and upwards."""
_HALO: Final = [withStroke(linewidth=2.5, foreground="white")]


def add_scale_bar(axes: Axes, width: float, pixel_m: float) -> None:
    """Draw a bar of a round length below a map.

    Args:
        axes: of the map.
        width: of the map in shown pixels.
        pixel_m: width of a shown pixel on the ground.
    """
    length_m = round_length(width * pixel_m * _BAR_SHARE)
    bar = AnchoredSizeBar(
        axes.transData,
        length_m / pixel_m,
        f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m",
        loc="upper left",
        pad=0,
        borderpad=0.6,
        sep=3,
        frameon=False,
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes,
        fontproperties=FontProperties(size=9),
    )
    bar.size_bar.get_children()[0].set(linewidth=2.5, edgecolor="0.1")
    axes.add_artist(bar)


def add_north_arrow(axes: Axes, grid: Grid) -> None:
    """Draw an arrow to the north in the upper right corner of a map that shows a grid as it is, first row on top."""
    width_m, height_m = pixel_size_m(grid)
    across, down = north(grid)
    east, up = across * width_m, -down * height_m
    half = _ARROW_POINTS / 2 / math.hypot(east, up)
    (x, y), corner = _ARROW_PLACE, OffsetFrom(axes.patch, (1, 1))
    axes.annotate(
        "N",
        (x + half * east, y + half * up),
        (x - half * east, y - half * up),
        xycoords=corner,
        textcoords=corner,
        ha="center",
        va="center",
        fontsize=9,
        fontweight="bold",
        color="0.1",
        path_effects=_HALO,
        arrowprops={"arrowstyle": "-|>", "color": "0.1", "path_effects": _HALO, "shrinkB": 0},
    )


def north(grid: Grid) -> tuple[float, float]:
    """Direction of true north in the middle of a grid, as (columns, rows) of length one; rows count downwards."""
    middle = np.array([grid.transform @ (grid.width / 2, grid.height / 2)])
    try:
        ((lon, lat),) = transform_points(middle, grid.crs, LON_LAT)
        step = -_ARROW_DEGREES if lat > 90 - 2 * _ARROW_DEGREES else _ARROW_DEGREES
        (away,) = transform_points(np.array([(lon, lat + step)]), LON_LAT, grid.crs)
    except DataError:  # where its CRS does not reach
        return 0.0, -1.0
    col, row = ~grid.transform @ (away[0], away[1])
    across, down = (col - grid.width / 2) / step, (row - grid.height / 2) / step
    length = math.hypot(across, down)
    return (across / length, down / length) if math.isfinite(length) and length else (0.0, -1.0)


def round_length(most: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a length."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= most * (1 + 1e-9))
