"""Test-time augmentation: a window seen in all eight ways in which a square can lie, and the mean of what is said."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Final

import numpy as np

from watermap.engines.engine import Engine
from watermap.radiometry import FloatArray

SYMMETRIES: Final = 8
"""Four turns, each as it is and mirrored."""


class SymmetricEngine:
    """An engine that computes each window in its eight symmetries: eight times the work, the same memory.

    Args:
        engine: what computes one of them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = f"{engine.name}, {SYMMETRIES} symmetries"
        self.batch_size = engine.batch_size
        self.window_pixels = engine.window_pixels
        self.bytes_per_pixel = engine.bytes_per_pixel

    @property
    def flops_per_pixel(self) -> float:
        """See `Engine`."""
        return SYMMETRIES * self._engine.flops_per_pixel

    def warm(self, shape: tuple[int, int]) -> None:
        """See `Engine`."""
        self._engine.warm(shape)

    def compute(self, windows: FloatArray) -> FloatArray:
        """See `Engine`."""
        return mean_over_symmetries(self._engine.compute, windows)


def mean_over_symmetries(compute: Callable[[FloatArray], FloatArray], windows: FloatArray) -> FloatArray:
    """What a model says of windows, on average over their eight symmetries.

    Args:
        compute: maps (n, bands, rows, cols) to (n, rows, cols), for rows and cols in either order.
        windows: (n, bands, rows, cols).

    Returns:
        (n, rows, cols) float32.
    """
    total = np.zeros((len(windows), *windows.shape[2:]), dtype=np.float32)
    for symmetry in product((1, -1), (1, -1), (False, True)):
        total += _turned_back(compute(np.ascontiguousarray(_turned(windows, *symmetry))), *symmetry)
    total /= SYMMETRIES
    return total


def _turned(images: FloatArray, down: int, right: int, swapped: bool) -> FloatArray:
    """Images (..., rows, cols), each axis taken forwards or backwards (1 or -1), and then perhaps swapped."""
    flipped = images[..., ::down, ::right]
    return np.swapaxes(flipped, -1, -2) if swapped else flipped


def _turned_back(images: FloatArray, down: int, right: int, swapped: bool) -> FloatArray:
    return (np.swapaxes(images, -1, -2) if swapped else images)[..., ::down, ::right]
