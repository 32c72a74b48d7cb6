"""Test-time augmentation: a window seen in all eight ways in which a square can lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final

import numpy as np

from watermap.arrays import FloatArray

TRANSFORMS: Final = 8
"""Four turns, each as it is and mirrored."""


def augmented(compute: Callable[[FloatArray], FloatArray], windows: FloatArray) -> Iterator[FloatArray]:
    """What a model says of windows in each of their eight symmetries, turned back.

    Args:
        compute: maps (n, bands, rows, cols) to (n, rows, cols), for rows and cols in either order.
        windows: (n, bands, rows, cols).

    Yields:
        (n, rows, cols), eight times.
    """
    for symmetry in product((1, -1), (1, -1), (False, True)):
        yield _turned_back(compute(np.ascontiguousarray(_turned(windows, *symmetry))), *symmetry)


def _turned(images: FloatArray, down: int, right: int, swapped: bool) -> FloatArray:
    """Images (..., rows, cols), each axis taken forwards or backwards (1 or -1), and then perhaps swapped."""
    flipped = images[..., ::down, ::right]
    return np.swapaxes(flipped, -1, -2) if swapped else flipped


def _turned_back(images: FloatArray, down: int, right: int, swapped: bool) -> FloatArray:
    return (np.swapaxes(images, -1, -2) if swapped else images)[..., ::down, ::right]
