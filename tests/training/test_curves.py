"""Curves of a training, as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.image import imread

from watermap.training.curves import plot_curves


def test_curves_are_drawn_with_and_without_validation(tmp_path: Path) -> None:
    row = {"loss": 0.5, "accuracy": 0.9, "mean_iou": 0.8, "water_iou": 0.7}
    history = [{"epoch": n, "stage": "a" if n < 3 else "b", **row} for n in range(1, 6)]
    with_validation = [entry | {f"val_{name}": value for name, value in row.items()} for entry in history]
    for name, rows in (("a.png", history), ("b.png", with_validation), ("c.png", history[:1])):
        picture = imread(plot_curves(rows, tmp_path / name))
        assert picture.shape[0] > 200
        assert picture.std() > 0.01
