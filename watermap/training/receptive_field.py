"""How far a trained model sees: up to which distance from a window's edge it misses what lies beyond."""

from __future__ import annotations

from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.legend import WATER
from watermap.models.resize import resize
from watermap.patches.store import PatchStore
from watermap.scenes.filling import Filling, fill_in

_PATCHES: Final = 48
_BATCH: Final = 8
_TOLERANCE: Final = 0.005
"""What a raster of whole percents rounds away."""
_QUANTILE: Final = 0.999


def measure_receptive_field(model: keras.Model, store: PatchStore, split: str, filling: Filling) -> int | None:
    """Pixels from a window's edge beyond which the model says the same whether or not it sees what lies outside.

    Each patch is predicted twice: by itself, and inside its own mirror image, where nothing is cut off. The reach is
    the distance from which on 99.9 % of pixels differ by less than 0.005, at most half a patch.

    Args:
        model: for patches of the store's size.
        store: the patches.
        split: of them.
        filling: what the model is given in place of what is not there.

    Returns:
        Pixels, or None where the split is empty.
    """
    if not store.count(split):
        return None
    patches = store.read(split, store.spread(split, _PATCHES))
    images = fill_in(patches.image, patches.valid, patches.present, filling)
    half = store.patch_size // 2
    whole = np.pad(images, ((0, 0), (half, half), (half, half), (0, 0)), mode="symmetric")
    alone = _water(model, images)
    inside = _water(resize(model, 2 * store.patch_size), whole)[:, half:-half, half:-half]
    return receptive_field_of(np.abs(alone - inside))


def receptive_field_of(difference: FloatArray) -> int:
    """The distance from the edge from which on differences (n, side, side) are small."""
    side = difference.shape[1]
    from_edge = np.minimum(np.arange(side), np.arange(side)[::-1])
    distance = np.minimum.outer(from_edge, from_edge)
    for receptive_field_px in range(side // 2, 0, -1):
        if np.quantile(difference[:, distance == receptive_field_px - 1], _QUANTILE) >= _TOLERANCE:
            return receptive_field_px
    return 0


def _water(model: keras.Model, images: npt.NDArray[np.float32]) -> FloatArray:
    batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    found = [keras.ops.convert_to_numpy(model(batch, training=False))[..., WATER] for batch in batches]
    return np.concatenate(found)
