"""Figures, saved."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from watermap.arrays import FloatArray
from watermap.io.files import writing

GREY: Final = (0.75, 0.75, 0.75)


_BRIGHTEST: Final = 1.5
"""Reflectance above which a pixel is no data or a fault, and does not set a picture's contrast."""


_DPI: Final = 110


def true_color(rgb: FloatArray) -> FloatArray:
    """Reflectance (rows, cols, 3) stretched between its 2nd and 98th percentiles, in [0, 1]; no data is grey."""
    shown = np.isfinite(rgb).all(axis=-1) & (rgb < _BRIGHTEST).all(axis=-1) & (rgb != 0).any(axis=-1)
    return stretched(rgb, shown)


def stretched(values: FloatArray, shown: npt.NDArray[np.bool_]) -> FloatArray:
    """Numbers (rows, cols, 3) of any unit, from the 2nd percentile of what is shown to its 98th, in [0, 1].

    Args:
        values: what is brighter or darker than that becomes white or black.
        shown: (rows, cols); all else is grey.
    """
    if not shown.any():
        return np.full(values.shape, GREY[0], dtype=np.float32)
    low, high = np.percentile(values[shown], (2, 98))
    span = max(high - low, abs(high) * 1e-6, np.finfo(np.float32).tiny)
    bright = np.clip((values - low) / span, 0, 1) ** 0.8
    picture: FloatArray = np.where(shown[..., None], bright, GREY[0]).astype(np.float32)
    return picture


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as a PNG that appears complete or not at all."""
    with writing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path
