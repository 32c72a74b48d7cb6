"""The picture of a timeline."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from watermap.maps.timeline import Series, Timeline
from watermap.maps.timeline_plot import plot_timeline


def timeline(days: int, dates: int = 5, bodies: tuple[str, ...] = ("1", "2")) -> Timeline:
    """Water that grows over so many days."""
    shown = tuple(date(2022, 3, 7) + timedelta(round(days * share)) for share in np.linspace(0, 1, dates))

    def series(areas: int) -> Series:
        water = np.linspace(1e6, 2e6, dates)[:, None] * np.ones(areas)
        return Series(np.full(areas, 4e6), water, np.full((dates, areas), 3.9e6))

    return Timeline(shown, series(1), bodies, series(len(bodies)), 0.8, ())


@pytest.mark.parametrize("days", [40, 93, 370, 730, 900, 1090, 4000])
def test_any_period_has_dates_on_its_axis(days: int, tmp_path: Path) -> None:
    assert plot_timeline(timeline(days), tmp_path / "t.png").stat().st_size > 5000  # matplotlib's warnings are errors


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    name = r"50$\frac$ of $x^$"
    plot_timeline(timeline(90, bodies=(name, "b")), tmp_path / "t.png", title=name)
