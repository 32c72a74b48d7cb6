"""Under which conditions a map is wrong: beside shores, in small water, on dark ground, beside clouds.

What a condition asks of a pixel is seen within `CONTEXT_PX` of it, so that scenes can be scored in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from scipy import ndimage

from watermap.arrays import Mask
from watermap.evaluation.blocks import ScoredBlock
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.neighbourhood import dilate

CONTEXT_PX: Final = 8

_SHORE_PX: Final = 2
_NARROW_PX: Final = 5
_DARK: Final = 0.05
"""Reflectance of green below which ground is dark: shadow, clear deep water, lava, burnt ground."""
_ROUNDING: Final = 1e-6
"""What float32 makes of 500 x 0.0001 is a little less than 0.05."""


def _beside_shore(block: ScoredBlock) -> Mask:
    land, water = (dilate(block.label == code, _SHORE_PX, metric="euclidean") for code in (LAND, WATER))
    return land & water


def _away_from_shore(block: ScoredBlock) -> Mask:
    return ~_beside_shore(block)


def _narrow(block: ScoredBlock) -> Mask:
    """Water without a square of `_NARROW_PX` around it; what is unknown counts as water, for it may be."""
    maybe = np.pad(block.label != LAND, _NARROW_PX, constant_values=True)  # and so may what lies beyond the scene be
    widest = ndimage.maximum_filter(ndimage.minimum_filter(maybe, _NARROW_PX), _NARROW_PX)
    inner = slice(_NARROW_PX, -_NARROW_PX)
    mask: Mask = (block.label == WATER) & ~widest[inner, inner]
    return mask


def _dark(block: ScoredBlock) -> Mask | None:
    green = block.reflectance.get("B3")
    return None if green is None else green < _DARK - _ROUNDING


def _turbid(block: ScoredBlock) -> Mask | None:
    green, red = block.reflectance.get("B3"), block.reflectance.get("B4")
    return None if green is None or red is None else (block.label == WATER) & (red >= green)


def _beside_unknown(block: ScoredBlock) -> Mask:
    return dilate(block.label == NO_DATA, CONTEXT_PX, metric="euclidean")


CONDITIONS: Final[Mapping[str, Callable[[ScoredBlock], Mask | None]]] = {
    f"within {_SHORE_PX} px of the shore": _beside_shore,
    "away from the shore": _away_from_shore,
    f"water narrower than {_NARROW_PX} px": _narrow,
    f"dark (green below {_DARK:g})": _dark,
    "turbid water (red at least green)": _turbid,
    f"within {CONTEXT_PX} px of no data or cloud": _beside_unknown,
}
"""By name, the pixels of a piece that it is true of; None where the piece lacks a band to tell."""
