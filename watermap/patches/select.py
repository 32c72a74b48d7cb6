"""Where patches may be cut from a block, and which of them hold enough data and water. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import Codes
from watermap.config import TileConfig
from watermap.legend import NO_DATA, WATER
from watermap.patches.blocks import Box

Starts = npt.NDArray[np.intp]
"""(n, 2): first row and first col of patches, in pixels of their scene."""

TRIED: Final = "tried"
TOO_FEW_VALID: Final = "too few valid pixels"
TOO_LITTLE_WATER: Final = "too little water"
TOO_MUCH_WATER: Final = "too much water"


@dataclass(frozen=True)
class Selection:
    """Patches that passed.

    Attributes:
        starts: (n, 2) first row and col.
        water: (n,) fraction of the pixels with image and label that is water.
        valid: (n,) fraction of the pixels with image and label.
    """

    starts: Starts
    water: npt.NDArray[np.float64]
    valid: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Patches."""
        return len(self.starts)


def regular_starts(box: Box, size: int) -> Starts:
    """Patches side by side from the top left corner of a box."""
    rows = np.arange(box.top, box.bottom - size + 1, size)
    cols = np.arange(box.left, box.right - size + 1, size)
    return np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.intp)


def random_starts(box: Box, size: int, *, density: float, seed: int, name: str) -> Starts:
    """Patches at random corners inside a box, sorted, none twice.

    Args:
        box: where they must lie.
        size: rows and cols of a patch.
        density: corners tried for each patch area.
        seed: of the corners.
        name: of scene and block; each name has its own corners, whatever others there are.
    """
    height, width = box.bottom - box.top, box.right - box.left
    if height < size or width < size:
        return np.empty((0, 2), dtype=np.intp)
    key = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    rng = np.random.default_rng([seed, *key.tolist()])
    count = math.ceil(density * height * width / size**2)
    starts = rng.integers((box.top, box.left), (box.bottom - size + 1, box.right - size + 1), (count, 2))
    unique: Starts = np.unique(starts, axis=0).astype(np.intp)
    return unique


def passing(starts: Starts, label: Codes, box: Box, config: TileConfig, tally: Counter[str]) -> Selection:
    """Those patches whose valid fraction and water fraction are within the bounds.

    Args:
        starts: of patches inside the box.
        label: (rows, cols) of the box; 255 where image or label hold no data.
        box: pixels that the label covers.
        config: bounds and patch size.
        tally: counts what was tried and why it failed.
    """
    size = config.patch_size
    corners = starts - (box.top, box.left)
    valid_count = _sums(label != NO_DATA, corners, size)
    water_count = _sums(label == WATER, corners, size)
    valid = valid_count / size**2
    water = water_count / np.maximum(valid_count, 1)
    enough = valid >= config.min_valid
    dry, wet = enough & (water < config.min_water), enough & (water > config.max_water)
    kept = enough & ~dry & ~wet
    tally[TRIED] += len(starts)
    for reason, failed in ((TOO_FEW_VALID, ~enough), (TOO_LITTLE_WATER, dry), (TOO_MUCH_WATER, wet)):
        tally[reason] += int(failed.sum())
    return Selection(starts[kept], water[kept], valid[kept])


def _sums(mask: npt.NDArray[np.bool_], corners: Starts, size: int) -> npt.NDArray[Any]:
    """(n,) true pixels of each square, from a summed-area table."""
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    np.cumsum(mask, axis=0, out=table[1:, 1:])
    np.cumsum(table[1:, 1:], axis=1, out=table[1:, 1:])
    rows, cols = corners[:, 0], corners[:, 1]
    total: npt.NDArray[Any] = (
        table[rows + size, cols + size] - table[rows, cols + size] - table[rows + size, cols] + table[rows, cols]
    )
    return total
