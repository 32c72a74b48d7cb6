"""The reliability diagram."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from watermap.evaluation import reliability_plot
from watermap.evaluation.reliability import BINS, Reliability
from watermap.evaluation.reliability_plot import plot_reliability


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that would be saved."""
    figures: list[Figure] = []
    monkeypatch.setattr(reliability_plot, "save_figure", lambda figure, _: figures.append(figure))
    return figures


def reliability(shift: float) -> Reliability:
    """Of pixels said to be water too rarely by so much."""
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, 1 - shift, 30_000).astype(np.float32)
    found = Reliability()
    found.add((rng.random(len(predicted)) < predicted + shift).astype(np.uint8), predicted)
    return found


def test_curves_bars_and_errors_are_those_of_what_was_found(drawn: list[Figure], tmp_path: Path) -> None:
    found = {"before": reliability(0.3), "after": reliability(0.0), "nothing": Reliability()}
    plot_reliability(found, tmp_path / "r.png", title="lakes of $x^$")
    (figure,) = drawn
    above, below = figure.axes
    _, before, after = above.get_lines()
    assert [line.get_label() for line in (before, after)] == [
        f"{name}, error {found[name].error:.3f}" for name in ("before", "after")
    ]
    for line, each in ((before, found["before"]), (after, found["after"])):
        points: Any = line.get_xydata()
        np.testing.assert_allclose(points, [(said, true) for said, true, _ in each.curve()])
    bars: Any = below.patches
    heights = [bar.get_height() for bar in bars]
    assert len(heights) == 2 * BINS
    assert sum(heights[:BINS]) == pytest.approx(1)
    assert sum(heights[BINS:]) == pytest.approx(1)


def test_a_picture_is_written(tmp_path: Path) -> None:
    path = plot_reliability({"all": reliability(0.1)}, tmp_path / "r.png", title="lakes of $x^$")
    assert path.read_bytes().startswith(b"\x89PNG")
