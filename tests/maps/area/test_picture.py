"""The picture of an estimate: its numbers, and that they can be read."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.maps.area.test_estimate import FOUND
from watermap.maps.area.estimate import AreaEstimate, estimate
from watermap.maps.area.picture import plot_estimate

CASES = {
    "usual": estimate(FOUND),
    "all that can be told": estimate(
        replace(FOUND, unclear=(3, 20, 1), open=(5, 0, 130), in_order=True), no_data_m2=4e9
    ),
    "large": estimate(replace(FOUND, areas_m2=(123_456e6, 12_345e6, 2_345_678e6))),
    "tiny": estimate(replace(FOUND, areas_m2=(900.0, 400.0, 9000.0))),
    "no water": estimate(
        replace(FOUND, counts=np.array([[0, 0], [0, 0], [100, 0]]), areas_m2=(0.0, 0.0, 95e6), pixels=(0, 0, 950))
    ),
    "all right": estimate(replace(FOUND, counts=np.array([[0, 50], [50, 0], [100, 0]]))),
    "all wrong": estimate(replace(FOUND, counts=np.array([[50, 0], [0, 50], [0, 100]]))),
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *words: Any, **named: Any) -> None:
        figures.append(self)
        save(self, *words, **named)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


@pytest.mark.parametrize("case", CASES)
def test_nothing_overlaps_and_nothing_is_cut_off(case: str, figures: list[Figure], tmp_path: Path) -> None:
    path = plot_estimate(CASES[case], tmp_path / "a.png", title="Area of water: " + "lake_" * 8 + ", 2023-06-01")
    assert path.stat().st_size > 10_000
    (figure,) = figures
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # theirs
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]  # theirs
    shown = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text() and text.get_visible()]
    boxes = {text: text.get_window_extent(renderer) for text in shown}
    for text, box in boxes.items():
        assert figure.bbox.x0 <= box.x0, text
        assert box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0, text
        assert box.y1 <= figure.bbox.y1, text
    for one, other in combinations(boxes, 2):
        assert not boxes[one].shrunk(0.98, 0.9).overlaps(boxes[other].shrunk(0.98, 0.9)), (one, other)


def words(found: AreaEstimate, figures: list[Figure], path: Path) -> str:
    plot_estimate(found, path, title="Area of water: lake")
    return "\n".join(text.get_text() for text in figures[-1].findobj(Text) if isinstance(text, Text))


def test_its_numbers_are_those_of_the_estimate(figures: list[Figure], tmp_path: Path) -> None:
    told = words(CASES["usual"], figures, tmp_path / "a.png")
    water = CASES["usual"].areas_m2[1].scaled(1e-6)
    area = f"14.3 km²  ({water.low:.1f} to {water.high:.1f})"
    assert all(text in told for text in ("10.0 km²", area, "90.0 %  (78.6 to 95.7)", "200 interpreted samples"))
    rest = words(CASES["all that can be told"], figures, tmp_path / "a.png").replace("\n", " ")
    assert "4,000.0 km² without data are left out" in rest
    assert "without 24 of which nobody could tell; 135 have no answer yet" in rest
    assert "no sample tells" in words(CASES["no water"], figures, tmp_path / "a.png")


def test_what_no_sample_contradicts_is_not_drawn_as_certain(figures: list[Figure], tmp_path: Path) -> None:
    water = CASES["all right"].areas_m2[1].scaled(1e-6)
    told = words(CASES["all right"], figures, tmp_path / "a.png").replace("\n", " ")
    assert f"10.00 km²  ({water.low:.2f} to {water.high:.2f})" in told
    assert water.high > 12
    assert "100.0 %  (92.9 to 100.0)" in told
    known = replace(FOUND, counts=np.array([[0, 50], [50, 0], [100, 0]]), pixels=(50, 50, 100))
    assert "100.0 %  (known exactly)" in words(estimate(known), figures, tmp_path / "a.png")


def test_bars_reach_as_far_as_the_intervals_on_either_side(figures: list[Figure], tmp_path: Path) -> None:
    plot_estimate(CASES["usual"], tmp_path / "a.png", title="Area of water: lake")
    water = CASES["usual"].areas_m2[1].scaled(1e-6)
    (bars,) = (each for each in figures[-1].axes[0].containers if isinstance(each, ErrorbarContainer))
    (start, end) = bars.lines[2][0].get_segments()[0][:, 0]
    assert (start, end) == pytest.approx((water.low, water.high))
    assert water.high - water.value > 1.1 * (water.value - water.low)
