"""The picture of a change: before, after, and what came and went, with areas and a scale."""

from __future__ import annotations

from pathlib import Path

from watermap.legend import LAND, NO_DATA, WATER_COLORS
from watermap.maps.change import CHANGE_COLORS, CHANGE_NAMES, UNKNOWN, Change
from watermap.maps.panels import NO_DATA_COLOR, Panel, decimals_for, faded, km2, painted, plot_panels


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
    views = change.views
    water = {**WATER_COLORS, NO_DATA: NO_DATA_COLOR}
    decimals = decimals_for(max(change.water_before_m2, change.water_after_m2) / 1e6)
    once = views.change == UNKNOWN
    before, after = (faded(painted(codes, water), once) for codes in (views.before, views.after))
    colors = {**CHANGE_COLORS, UNKNOWN: NO_DATA_COLOR}
    panels = (
        Panel(before, change.before, f"water {km2(change.water_before_m2, decimals)}"),
        Panel(after, change.after, f"water {km2(change.water_after_m2, decimals)}"),
        Panel(painted(views.change, colors), "Change", _balance(change, decimals)),
    )
    legend = {
        f"{name} {km2(change.areas_m2[code], decimals)}": colors[code]
        for code, name in CHANGE_NAMES.items()
        if change.pixels[code] or code not in (LAND, UNKNOWN)
    }
    has_faded = bool((once & ((views.before != UNKNOWN) | (views.after != UNKNOWN))).any())
    caption = "Areas count only what was seen both times; " + (
        "what was seen once is faded" if has_faded else "the rest is unknown"
    )
    remark = caption if change.pixels[UNKNOWN] else None
    return plot_panels(panels, change.grid, views.step, legend, path, remark=remark)


def _balance(change: Change, decimals: int) -> str:
    net = change.water_after_m2 - change.water_before_m2
    share = f" ({net / change.water_before_m2:+.1%})" if change.water_before_m2 else ""
    return f"net {net / 1e6:+,.{decimals}f} km²{share}".replace("-", "\N{MINUS SIGN}")
