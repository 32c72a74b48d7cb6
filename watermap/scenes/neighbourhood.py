"""What lies near marked pixels. Pure."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from watermap.arrays import Mask

Metric = Literal["chessboard", "euclidean"]
"""How far two pixels lie apart: the larger of their distances in rows and in columns, or the straight line."""


def dilate(mask: Mask, px: int, *, metric: Metric) -> Mask:
    """Pixels that lie no farther than a distance from one that is marked.

    Args:
        mask: (rows, cols), True where marked.
        px: the distance, from the middle of a pixel to that of another; 0 for the mask itself.
        metric: how it is measured: a square of 2 px + 1 pixels around each marked one, or a disc.

    Returns:
        (rows, cols), an array of its own.
    """
    if metric == "euclidean":
        return _disc(mask, px)
    return _along_rows(_along_rows(mask.T, px).T, px)


def _along_rows(mask: Mask, px: int) -> Mask:
    """Dilated along the first axis: twice as far each time, no farther, or pixels beside the edge would be lost."""
    found, width = mask.copy(), 0
    while width < px:
        step = min(width + 1, px - width)
        wider = found.copy()
        wider[step:] |= found[:-step]
        wider[:-step] |= found[step:]
        found, width = wider, width + step
    return found


def _disc(mask: Mask, px: int) -> Mask:
    """Dilated by a disc, one row of it after the other, from the narrowest on."""
    found = np.zeros_like(mask)
    line = mask.copy()  # the mask, ever wider along its columns
    width = 0
    for step in range(px, -1, -1):
        wanted = math.isqrt(px**2 - step**2)
        for shift in range(width + 1, wanted + 1):
            line[:, shift:] |= mask[:, :-shift]
            line[:, :-shift] |= mask[:, shift:]
        width = wanted
        rest = max(0, len(mask) - step)
        found[step:] |= line[:rest]
        found[:rest] |= line[step:]
    return found
