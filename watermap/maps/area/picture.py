"""The picture of an estimate: water as it was mapped and as it is, and how far the map can be trusted."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from watermap.io.files import writing
from watermap.legend import WATER, WATER_COLORS
from watermap.maps.area.estimate import CLASSES, AreaEstimate, interval_text
from watermap.maps.area.olofsson import Estimate

_BLUE: Final = "#" + bytes(WATER_COLORS[WATER][:3]).hex()
_INK: Final = "#222222"
_GREY: Final = "#666666"
_PALE: Final = "#a9cbe9"
_DPI: Final = 200
_WHISKER: Final[dict[str, Any]] = {
    "fmt": "o",
    "markersize": 6,
    "capsize": 4,
    "elinewidth": 1.8,
    "capthick": 1.8,
    "zorder": 4,
}
_BESIDE: Final[dict[str, Any]] = {
    "textcoords": "offset points",
    "va": "center",
    "annotation_clip": False,
    "fontsize": 10,
}
_TENTH: Final = 10.0
"""Percent between marks."""
_MARKS: Final = 6
"""Along an axis at most: the areas of tiny lakes have many digits."""
_FOOTER_LETTERS: Final = 138


def plot_estimate(found: AreaEstimate, path: Path, *, title: str) -> Path:
    """Draw the area of water by counting pixels and as it is estimated, and the map's accuracies, with 95 % intervals.

    Args:
        found: the estimate.
        path: the PNG.
        title: of the picture.

    Raises:
        UsageError: the picture would not lie on this machine.
        DataError: it cannot be written.
    """
    figure = Figure(figsize=(9, 6), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
    top, bottom = figure.subplots(2, 1, height_ratios=[2, 5])
    _plot_areas(top, found)
    _plot_accuracies(bottom, found)
    figure.suptitle(title, x=0.012, ha="left", fontsize=14, fontweight="bold", parse_math=False)
    figure.supxlabel("\n".join(_footer(found)), x=0.012, ha="left", fontsize=8.5, color=_GREY)
    with writing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def _plot_areas(axes: Axes, found: AreaEstimate) -> None:
    digits, water = found.decimals, found.areas_m2[WATER].scaled(1e-6)
    mapped = found.mapped_m2[WATER] / 1e6
    axes.barh([0, 1], [mapped, water.value], height=0.62, color=[_PALE, _BLUE])
    axes.errorbar(water.value, 1, xerr=_whiskers(water), color=_INK, **_WHISKER)
    _beside(axes, 0, f"{mapped:,.{digits}f} km²")
    _beside(axes, 1, f"{water.value:,.{digits}f} km²  ({interval_text(water, f',.{digits}f')})")
    axes.set_yticks([0, 1], ["by counting pixels", "estimated, with 95 % interval"])
    axes.set_xlim(0, max(mapped, water.high) * 1.05 or 1)
    axes.set_ylim(1.6, -0.6)
    _tidy(axes, "water, km²")


def _plot_accuracies(axes: Axes, found: AreaEstimate) -> None:
    rows = _accuracies(found)
    lowest = 100.0
    for row, (_, value) in enumerate(rows):
        if value is None:
            _beside(axes, row, "no sample tells")
            continue
        percent = value.scaled(100)
        axes.errorbar(percent.value, row, xerr=_whiskers(percent), color=_BLUE, clip_on=False, **_WHISKER)
        _beside(axes, row, f"{percent.value:.1f} %  ({interval_text(percent, '.1f')})")
        lowest = min(lowest, percent.low)
    axes.set_yticks(range(len(rows)), [text for text, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(max(0.0, (lowest // _TENTH - 1) * _TENTH), 100)
    _tidy(axes, "%")


def _accuracies(found: AreaEstimate) -> list[tuple[str, Estimate | None]]:
    """What each is called, in plain words and by its name, and how high it is."""
    users, producers = found.assessment.users, found.assessment.producers
    rows: list[tuple[str, Estimate | None]] = [
        ("share of the ground that is mapped right\n(overall accuracy)", found.assessment.overall)
    ]
    for code, name in CLASSES.items():
        rows.append((f"share of mapped {name} that is {name}\n(user's accuracy)", users[code]))
        rows.append((f"share of the {name} that is mapped\n(producer's accuracy)", producers[code]))
    return rows


def _whiskers(estimate: Estimate) -> list[list[float]]:
    """An interval as matplotlib takes it: how far it goes to either side."""
    return [[max(0.0, estimate.value - estimate.low)], [max(0.0, estimate.high - estimate.value)]]


def _beside(axes: Axes, row: int, text: str) -> None:
    """Write to the right of a row, clear of what is drawn."""
    axes.annotate(text, (1, row), (14, 0), ("axes fraction", "data"), color=_INK, **_BESIDE)


def _footer(found: AreaEstimate) -> list[str]:
    sample, digits = found.interpreted, found.decimals
    ground = f"Of {found.valid_m2 / 1e6:,.{digits}f} km² that the map shows"
    ground += f"; {found.no_data_m2 / 1e6:,.{digits}f} km² without data are left out. " if found.no_data_m2 else ". "
    ground += f"From {int(sample.counts.sum())} interpreted samples"
    if unclear := sum(sample.unclear):
        ground += f", without {unclear} of which nobody could tell"
    if waiting := sum(sample.open):
        ground += f"; {waiting} have no answer yet"
    method = "Stratified estimator of Olofsson et al. 2014, 95 % intervals of score intervals of the strata."
    return [line for text in (f"{ground}.", method) for line in textwrap.wrap(text, _FOOTER_LETTERS)]


def _tidy(axes: Axes, unit: str) -> None:
    axes.set_xlabel(unit, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(_MARKS, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.tick_params(axis="x", labelsize=9)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
