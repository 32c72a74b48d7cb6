"""The picture of a comparison of labels: both, and where they differ."""

from __future__ import annotations

from pathlib import Path

from watermap.labels.compare import (
    BOTH_WATER,
    DISAGREEMENT_COLORS,
    DISAGREEMENT_NAMES,
    EITHER_UNKNOWN,
    ONLY_FIRST,
    ONLY_SECOND,
    SHORE_PX,
    LabelComparison,
)
from watermap.legend import NO_DATA, WATER_COLORS
from watermap.maps.panels import NO_DATA_COLOR, Panel, decimals_for, faded, km2, painted, plot_panels


def plot_label_comparison(comparison: LabelComparison, path: Path) -> Path:
    """Draw two labels and their disagreement side by side, with km2, a scale bar and an arrow to the north.

    What only one of them knows is faded, and counts in no area.

    Args:
        comparison: what came of it.
        path: the PNG.

    Raises:
        DataError: the picture cannot be written.
    """
    views, areas = comparison.views, {code: comparison.of(code)[1] for code in DISAGREEMENT_NAMES}
    water = {**WATER_COLORS, NO_DATA: NO_DATA_COLOR}
    colors = {**DISAGREEMENT_COLORS, EITHER_UNKNOWN: NO_DATA_COLOR}
    waters = [areas[BOTH_WATER] + areas[only] for only in (ONLY_FIRST, ONLY_SECOND)]
    decimals = decimals_for(max(waters) / 1e6)
    is_unknown = views.disagreement == EITHER_UNKNOWN
    labels = [
        Panel(faded(painted(codes, water), is_unknown), name, f"water {km2(area, decimals)}")
        for codes, name, area in zip((views.first, views.second), comparison.names, waters, strict=True)
    ]
    panels = (*labels, Panel(painted(views.disagreement, colors), "Disagreement", _summary(comparison)))
    legend = {
        f"{_called(code, comparison.names)} {km2(areas[code], decimals)}": colors[code]
        for code in DISAGREEMENT_NAMES
        if code in (BOTH_WATER, ONLY_FIRST, ONLY_SECOND) or areas[code]
    }
    has_faded = bool((is_unknown & ((views.first != NO_DATA) | (views.second != NO_DATA))).any())
    caption = "Areas count only what both labels know" + ("; what one of them knows is faded" if has_faded else "")
    return plot_panels(
        panels, comparison.grid, views.step, legend, path, remark=caption if areas[EITHER_UNKNOWN] else None
    )


def _summary(comparison: LabelComparison) -> str:
    """How much differs, and how much of that is not the shoreline's."""
    agreement = comparison.scores.accuracy
    if agreement is None:
        return "they know no pixel in common"
    if not comparison.differing:
        return "none"
    far = 1 - comparison.near_shore[max(SHORE_PX)] / comparison.differing
    return f"{1 - agreement:.2%} of pixels, {far:.0%} of it beyond {max(SHORE_PX)} px of a shore"


def _called(code: int, names: tuple[str, str]) -> str:
    """What a class is called in the legend: with the labels' own names where they are short."""
    only = {ONLY_FIRST: names[0], ONLY_SECOND: names[1]}
    if code in only and max(map(len, names)) <= 16:
        return f"water in {only[code]} only"
    return DISAGREEMENT_NAMES[code]
