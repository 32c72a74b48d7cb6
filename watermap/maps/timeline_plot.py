"""The picture of a timeline: water area by date, of the whole ground and of the largest bodies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import MONTHLY, AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from watermap.geo.area_text import km2
from watermap.geo.pixel_area import Areas
from watermap.io.files import writing
from watermap.legend import WATER, WATER_COLORS
from watermap.maps.timeline import Timeline

_BLUE: Final = "#" + bytes(WATER_COLORS[WATER][:3]).hex()
_GREY: Final = "#8a8a8a"
_MOST_BODIES: Final = 6
_COLUMNS: Final = 3
_HEADROOM: Final = 1.15
_BAND_LIMIT: Final = 2.0
"""The band may make an axis this many times as high as the water needs; what is not seen may be many times as much."""
_DPI: Final = 150
_ABOVE_AXES: Final[Mapping[str, Any]] = {"clip_on": False, "zorder": 5, "in_layout": False}

Mask = npt.NDArray[np.bool_]


def plot_timeline(timeline: Timeline, path: Path, *, title: str = "Water area") -> Path:
    """Draw water by date: the whole ground, and below it the bodies that held most water.

    Dates on which enough was seen are points on a line with a band, from the water that was seen to that plus all that
    was not seen; the others are hollow grey points with a dotted line for the same. Where the band or a dotted line
    reaches far above the water, the axis cuts it off.

    Args:
        timeline: what was measured.
        path: the PNG.
        title: of the picture.

    Raises:
        DataError: the picture cannot be written.
    """
    shown = _largest(timeline)
    rows = math.ceil(len(shown) / _COLUMNS)
    figure = Figure(figsize=(10, 4.6 + 2.1 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, _COLUMNS if shown else 1, height_ratios=[2.0] + [1.0] * rows)
    top = figure.add_subplot(grid[0, :])
    _plot_series(top, timeline, *_series(timeline, None), size=6)
    top.set_title(title, loc="left", fontsize=13, fontweight="bold", pad=24, parse_math=False)
    top.annotate(_subtitle(timeline, len(shown)), (0, 1), (0, 7), "axes fraction", "offset points", color="#444444")
    top.set_ylabel("water, km²")
    for number, index in enumerate(shown):
        axes = figure.add_subplot(grid[1 + number // _COLUMNS, number % _COLUMNS], sharex=top)
        _plot_series(axes, timeline, *_series(timeline, index), size=3.5)
        axes.set_title(f"body {timeline.ids[index]}", loc="left", fontsize=9, parse_math=False)
        axes.tick_params(labelsize=7)
        if number % _COLUMNS == 0:
            axes.set_ylabel("km²", fontsize=8)
    _add_legend(figure, timeline)
    with writing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def _subtitle(timeline: Timeline, shown: int) -> str:
    first, last = (day.isoformat() for day in (timeline.dates[0], timeline.dates[-1]))
    period = first if first == last else f"{first} to {last}, {len(timeline.dates)} dates"
    bodies = f"; below: the {shown} of {len(timeline.ids)} bodies with most water" if shown < len(timeline.ids) else ""
    return f"{km2(timeline.whole.area_m2[0])} km² of ground, {period}{bodies}"


def _largest(timeline: Timeline) -> list[int]:
    """Indexes of the bodies that held most water on any date, the largest first."""
    if not timeline.ids:
        return []
    most = timeline.bodies.water_m2.max(axis=0)
    return [int(index) for index in np.argsort(-most, kind="stable")[:_MOST_BODIES]]


def _series(timeline: Timeline, body: int | None) -> tuple[Areas, Areas, Mask]:
    """Low and high (dates,) in km2 and where enough was seen, of a body or of the whole."""
    series, index = (timeline.whole, 0) if body is None else (timeline.bodies, body)
    enough = series.valid_fraction[:, index] >= timeline.min_valid
    return series.low_km2[:, index], series.high_km2[:, index], enough


def _plot_series(axes: Axes, timeline: Timeline, low: Areas, high: Areas, enough: Mask, *, size: float) -> None:
    days: Any = np.array(timeline.dates, dtype="datetime64[D]")
    axes.fill_between(days[enough], low[enough], high[enough], color=_BLUE, alpha=0.18, linewidth=0)
    axes.vlines(days[enough], low[enough], high[enough], color=_BLUE, alpha=0.5, linewidth=1)
    axes.vlines(days[~enough], low[~enough], high[~enough], color=_GREY, alpha=0.6, linewidth=1, linestyles=":")
    axes.plot(days[enough], low[enough], color=_BLUE, marker="o", markersize=size, linewidth=1.6, **_ABOVE_AXES)
    hollow: dict[str, Any] = {"marker": "o", "markersize": size, "markerfacecolor": "white", "linestyle": ""}
    axes.plot(days[~enough], low[~enough], color=_GREY, **hollow, **_ABOVE_AXES)
    axes.set_ylim(0, _top(low, high, enough))
    axes.set_xlim(*_span(timeline.dates))
    locator = AutoDateLocator(minticks=3, maxticks=9 if size > 5 else 5)  # type: ignore[no-untyped-call]  # theirs
    locator.intervald[MONTHLY] = [*locator.intervald[MONTHLY], 12]  # it knows no step for a little over two years
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # theirs
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _top(low: Areas, high: Areas, enough: Mask) -> float:
    """The end of the axis: above all water, and above the band of what was well seen unless that dwarfs the water."""
    water = float(low.max())
    band = float(high[enough].max()) if enough.any() else float(high.max())
    top = max(water, min(band, _BAND_LIMIT * water)) if water else band
    return _HEADROOM * top or 1.0


def _span(dates: tuple[date, ...]) -> tuple[Any, Any]:
    """Ends of the time axis, a little beyond the dates."""
    margin = max(timedelta(days=3), (dates[-1] - dates[0]) * 0.03)
    return dates[0] - margin, dates[-1] + margin


def _add_legend(figure: Figure, timeline: Timeline) -> None:
    hollow: dict[str, Any] = {"marker": "o", "markersize": 5, "markerfacecolor": "white", "linestyle": ":"}
    handles = [
        Line2D([], [], color=_BLUE, marker="o", markersize=5, label="water seen"),
        Patch(facecolor=_BLUE, alpha=0.25, label="up to all that was not seen"),
        Line2D([], [], color=_GREY, label=f"less than {timeline.min_valid:.0%} seen", **hollow),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
