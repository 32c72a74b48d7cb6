"""Contrast of pictures, and their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from tests.support.folders import listing
from watermap.io.figure import save_figure, true_color


def test_true_colour_is_stretched_and_no_data_is_grey() -> None:
    rgb = np.random.default_rng(0).uniform(0.02, 0.3, (50, 50, 3)).astype(np.float32)
    rgb[0, 0] = 6.5535
    rgb[1, 1] = 0
    picture = true_color(rgb)
    assert picture.shape == rgb.shape
    assert picture[0, 0].tolist() == picture[1, 1].tolist() == [0.75] * 3
    assert picture.min() == 0
    assert picture.max() == 1
    assert (true_color(np.zeros((2, 2, 3), np.float32)) == 0.75).all()


def test_a_figure_appears_complete_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure(figsize=(1, 1))
    assert imread(save_figure(figure, tmp_path / "p.png")).shape == (110, 110, 4)
    before = (tmp_path / "p.png").read_bytes()

    def half(file: Path, **_: object) -> None:
        file.write_bytes(b"half a picture")
        raise KeyboardInterrupt

    monkeypatch.setattr(figure, "savefig", half)
    with pytest.raises(KeyboardInterrupt):
        save_figure(figure, tmp_path / "p.png")
    assert listing(tmp_path) == ["p.png"]
    assert (tmp_path / "p.png").read_bytes() == before
