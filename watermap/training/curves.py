"""Curves of a training, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watermap.io.figure import save_figure


def plot_curves(history: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Draw loss, accuracy and IoU by epoch, for training and validation, with the stages marked.

    Args:
        history: one row an epoch, as the bundle's history.csv holds them.
        path: the PNG.
    """
    figure = Figure(figsize=(13, 3.8), layout="constrained")
    epochs = [row["epoch"] for row in history]
    titles = {"loss": "Loss", "accuracy": "Accuracy", "mean_iou": "Mean IoU", "water_iou": "Water IoU"}
    for axes, (name, title) in zip(figure.subplots(1, 4), titles.items(), strict=True):
        for key, label, color in ((name, "training", "#b07d2b"), (f"val_{name}", "validation", "#1f77c8")):
            values = [row.get(key) for row in history]
            if any(value is not None for value in values):
                axes.plot(epochs, values, label=label, color=color, marker="." if len(epochs) < 40 else "")
        _mark_stages(axes, history)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return save_figure(figure, path)


def _mark_stages(axes: Axes, history: Sequence[Mapping[str, Any]]) -> None:
    for before, after in pairwise(history):
        if before["stage"] != after["stage"]:
            axes.axvline(after["epoch"] - 0.5, color="grey", linestyle=":", linewidth=1)
            axes.annotate(
                after["stage"],
                (after["epoch"] - 0.5, 0.02),
                xycoords=("data", "axes fraction"),
                fontsize=7,
                rotation=90,
            )
