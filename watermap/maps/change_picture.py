"""The picture of a change: before, after, and what came and went, with areas and a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from affine import Affine
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from watermap.cog import LAND, NO_DATA, WATER_COLORS, Rgba
from watermap.files import appearing
from watermap.grid import Grid
from watermap.labels import Codes
from watermap.maps.cartography import add_north_arrow, add_scale_bar
from watermap.maps.change import CHANGE_COLORS, CHANGE_NAMES, UNKNOWN, Change
from watermap.maps.pixelarea import pixel_size_m

_UNSEEN: Final[Rgba] = (158, 158, 158, 255)
"""On paper, where nothing lies below what is transparent in a map."""
_FADED: Final = 0.3
"""How much is left of the colour of what was seen only once."""
_PANEL_INCHES: Final = 4.25
_TALLEST_INCHES: Final = 7.0
_NARROWEST_INCHES: Final = 3.2
"""Of a panel with the white beside it: titles and legend need as much."""
_FRAME_INCHES: Final = 1.45
"""Of titles, scale bar and legend."""
_DPI: Final = 150


def plot_change(change: Change, path: Path) -> Path:
    """Draw before, after and change side by side, with km2 by class, a scale bar and an arrow to the north.

    What was seen only once counts in no area, and is faded. Rows run southwards and columns eastwards, as far as the
    raster is not turned.

    Args:
        change: what came of a comparison.
        path: the PNG.

    Raises:
        DataError: the picture cannot be written.
    """
    width_m, height_m = pixel_size_m(change.grid)
    ground_ratio = change.grid.height * height_m / (change.grid.width * width_m)
    tall = min(_PANEL_INCHES * ground_ratio, _TALLEST_INCHES)
    wide = max(tall / ground_ratio, _NARROWEST_INCHES)
    figure = Figure(figsize=(3 * wide + 0.2, tall + _FRAME_INCHES), layout="constrained")
    views = change.views
    water = {**WATER_COLORS, NO_DATA: _UNSEEN}
    decimals = _decimals(max(change.water_before_m2, change.water_after_m2) / 1e6)
    once = views.change == UNKNOWN
    before, after = (_faded(_painted(codes, water), once) for codes in (views.before, views.after))
    panels = (
        (before, change.before, f"water {_km2(change.water_before_m2, decimals)}"),
        (after, change.after, f"water {_km2(change.water_after_m2, decimals)}"),
        (_painted(views.change, {**CHANGE_COLORS, UNKNOWN: _UNSEEN}), "Change", _balance(change, decimals)),
    )
    turn, grid = _upright(change.grid)
    for axes, (picture, title, told) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        axes.imshow(picture[turn], aspect=height_m / width_m, interpolation="auto")
        axes.set(xticks=[], yticks=[])
        axes.set_title(_shortened(title), loc="left", fontsize=12, fontweight="bold", pad=20, parse_math=False)
        axes.annotate(told, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=10)
        for edge in axes.spines.values():
            edge.set(color="0.35", linewidth=0.6)
    add_scale_bar(figure.axes[0], views.before.shape[1], width_m * views.step)
    add_north_arrow(figure.axes[0], grid)
    has_faded = bool((once & ((views.before != UNKNOWN) | (views.after != UNKNOWN))).any())
    _add_legend(figure, change, decimals, has_faded=has_faded)
    with appearing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def _painted(codes: Codes, colors: Mapping[int, Rgba]) -> Any:
    """(rows, cols, 4) bytes."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for code, color in colors.items():
        palette[code] = color
    return palette[codes]


def _faded(picture: Any, where: npt.NDArray[np.bool_]) -> Any:
    """A picture that shows some pixels as if behind what was not seen."""
    result = picture.copy()
    result[where] = np.rint(_FADED * picture[where] + (1 - _FADED) * np.array(_UNSEEN))
    return result


def _upright(grid: Grid) -> tuple[tuple[slice, slice], Grid]:
    """What turns a picture whose rows run northwards, or columns westwards; and the grid that it then shows."""
    flips_rows, flips_cols = grid.transform.e > 0, grid.transform.a < 0
    transform = grid.transform
    if flips_rows:
        transform = transform @ Affine(1, 0, 0, 0, -1, grid.height)
    if flips_cols:
        transform = transform @ Affine(-1, 0, grid.width, 0, 1, 0)
    turn = slice(None, None, -1 if flips_rows else 1), slice(None, None, -1 if flips_cols else 1)
    return turn, replace(grid, transform=transform)


def _add_legend(figure: Figure, change: Change, decimals: int, *, has_faded: bool) -> None:
    colors = {**CHANGE_COLORS, UNKNOWN: _UNSEEN}
    handles = [
        Patch(
            facecolor=_hex(colors[code]),
            edgecolor="0.35",
            linewidth=0.6,
            label=f"{name} {_km2(change.areas_m2[code], decimals)}",
        )
        for code, name in CHANGE_NAMES.items()
        if change.pixels[code] or code not in (LAND, UNKNOWN)
    ]
    told = "Areas count only what was seen both times; " + (
        "what was seen once is faded" if has_faded else "the rest is unknown"
    )
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=10,
        title=told if change.pixels[UNKNOWN] else None,
        title_fontsize=9,
    )


def _hex(color: Rgba) -> str:
    return "#" + bytes(color[:3]).hex()


def _balance(change: Change, decimals: int) -> str:
    net = change.water_after_m2 - change.water_before_m2
    share = f" ({net / change.water_before_m2:+.1%})" if change.water_before_m2 else ""
    return f"net {net / 1e6:+,.{decimals}f} km²{share}".replace("-", "\N{MINUS SIGN}")


def _decimals(largest_km2: float) -> int:
    """Digits after the point that show three or more of the largest area."""
    return min(6, max(1, 3 - math.ceil(math.log10(largest_km2)))) if largest_km2 > 0 else 2


def _km2(area_m2: float, decimals: int) -> str:
    return f"{area_m2 / 1e6:,.{decimals}f} km²"


def _shortened(title: str, *, longest: int = 38) -> str:
    half = longest // 2 - 1
    return title if len(title) <= longest else f"{title[:half]}…{title[-half:]}"
