"""The picture of a change: before, after, and what came and went, with areas and a scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from watermap.cog import LAND, NO_DATA, WATER_COLORS, Rgba
from watermap.files import appearing
from watermap.grid import Grid
from watermap.labels import Codes
from watermap.maps.cartography import add_scale_bar
from watermap.maps.change import CHANGE_COLORS, CHANGE_NAMES, UNKNOWN, Change
from watermap.maps.pixelarea import pixel_size_m

_UNSEEN: Final[Rgba] = (158, 158, 158, 255)
"""On paper, where nothing lies below what is transparent in a map."""
_PANEL_INCHES: Final = 4.25
_TALLEST_INCHES: Final = 7.0
_NARROWEST_INCHES: Final = 3.2
"""Of a panel with the white beside it: titles and legend need as much."""
_FRAME_INCHES: Final = 1.45
"""Of titles, scale bar and legend."""
_DPI: Final = 150


def plot_change(change: Change, path: Path) -> Path:
    """Draw before, after and change side by side, with km2 by class and a scale bar; north is up.

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
    panels = (
        (views.before, water, change.before, f"water {_km2(change.water_before_m2, decimals)}"),
        (views.after, water, change.after, f"water {_km2(change.water_after_m2, decimals)}"),
        (views.change, {**CHANGE_COLORS, UNKNOWN: _UNSEEN}, "Change", _balance(change, decimals)),
    )
    for axes, (codes, colors, title, told) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        axes.imshow(_north_up(_painted(codes, colors), change.grid), aspect=height_m / width_m, interpolation="auto")
        axes.set(xticks=[], yticks=[])
        axes.set_title(_shortened(title), loc="left", fontsize=12, fontweight="bold", pad=20, parse_math=False)
        axes.annotate(told, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=10)
        for edge in axes.spines.values():
            edge.set(color="0.35", linewidth=0.6)
    add_scale_bar(figure.axes[0], views.before.shape[1], width_m * views.step)
    _add_legend(figure, change, decimals)
    with appearing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def _painted(codes: Codes, colors: Mapping[int, Rgba]) -> Any:
    """(rows, cols, 4) bytes."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for code, color in colors.items():
        palette[code] = color
    return palette[codes]


def _north_up(picture: Any, grid: Grid) -> Any:
    """A picture of a grid whose rows may run northwards, or columns westwards."""
    rows = slice(None, None, -1 if grid.transform.e > 0 else 1)
    cols = slice(None, None, -1 if grid.transform.a < 0 else 1)
    return picture[rows, cols]


def _add_legend(figure: Figure, change: Change, decimals: int) -> None:
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
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=10,
        title="Areas count only what was seen both times; the rest is unknown" if change.pixels[UNKNOWN] else None,
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
