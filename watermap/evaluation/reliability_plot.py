"""The reliability diagram: what a model says, and how often it is true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from watermap.evaluation.reliability import BINS, Reliability
from watermap.io.figure import save_figure

_COLORS: Final = ("#1f77c8", "#b07d2b", "#3d7d4a", "#8a4f9e")


def plot_reliability(found: Mapping[str, Reliability], path: Path, *, title: str) -> Path:
    """Draw how often pixels are water by the probability that they were said to have.

    Args:
        found: by name, e.g. before and after a calibration; those without pixels are left out.
        path: the PNG.
        title: what was scored.
    """
    figure = Figure(figsize=(6.4, 7.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    above.plot((0, 1), (0, 1), color="grey", linestyle=":", linewidth=1.2, label="means what it says")
    shown = {name: each for name, each in found.items() if each.error is not None}
    width = 1 / BINS / max(1, len(shown))
    for place, ((name, each), color) in enumerate(zip(shown.items(), _COLORS, strict=False)):
        predicted, true, _ = (np.array(values) for values in zip(*each.curve(), strict=True))
        above.plot(predicted, true, marker="o", markersize=4, color=color, label=f"{name}, error {each.error:.3f}")
        shares = each.pixels.sum(axis=1) / each.pixels.sum()
        below.bar(np.arange(BINS) / BINS + (place + 0.5) * width, shares, width=width * 0.9, color=color)
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is water")
    above.set_title(title, parse_math=False, fontsize=11)
    above.legend(frameon=False, loc="upper left")
    below.set(yscale="log", xlabel="P(water) that the model says", ylabel="share of pixels")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    return save_figure(figure, path)
