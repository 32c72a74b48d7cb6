"""Whether a bundle is meant for the scene that it is to map, as far as its contract and the scene tell."""

from __future__ import annotations

import math
from typing import Final

from watermap.bundles.bundle import Bundle
from watermap.bundles.contract import Contract
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_size_m
from watermap.io.raster import Raster
from watermap.scenes.synthetic import are_synthetic, is_synthetic

TRAINED_ON_TAG: Final = "WATERMAP_TRAINED_ON"
"""The metadata of a real scene's map that says what made it was trained on synthetic scenes only."""
SYNTHETIC_ONLY: Final = "synthetic scenes only"

_OTHER_SIZE: Final = 1.5
"""Factor between the sides of pixels from which they show another ground than the model learned from."""
_TRAINING: Final = ("train", "validation")


def knows_synthetic_only(contract: Contract) -> bool:
    """Whether a network learned from synthetic scenes and nothing else."""
    splits = {} if contract.data is None else contract.data.splits
    labels = {kind for name in _TRAINING if name in splits for kind in splits[name].labels}
    return are_synthetic(contract.trained_on.get("scenes", {}), labels)


def synthetic_note(bundle: Bundle) -> str | None:
    """What to tell of any real image that a bundle maps; None where there is nothing to tell."""
    if not knows_synthetic_only(bundle.contract):
        return None
    return (
        f"bundle {bundle.folder.name} was trained on invented scenes only, so that its map of a real one is not to be "
        "trusted"
    )


def size_note(contract: Contract, size_m: float | None) -> str | None:
    """What is doubtful about pixels of a size; None where nothing is, or nothing is known."""
    sizes = contract.pixel_sizes_m
    if size_m is None or sizes is None or sizes[0] / _OTHER_SIZE <= size_m <= sizes[1] * _OTHER_SIZE:
        return None
    low, high = (f"{size:.3g}" for size in sizes)
    known = low if low == high else f"{low} to {high}"
    source = "the model learned from pixels" if contract.imported_from is None else "the network is meant for pixels"
    return f"its pixels are {size_m:.3g} m wide, but {source} of {known} m"


def remark_on(raster: Raster, bundle: Bundle, *, averaged: int = 1) -> dict[str, str]:
    """Remark what is doubtful about a bundle on a scene.

    Args:
        raster: the scene.
        bundle: that is to map it.
        averaged: pixels of the scene, along a side, that the model is given the mean of.

    Returns:
        The metadata that tell it in the scene's rasters.
    """
    side_m = _side_m(raster.grid)
    size = None if side_m is None else size_note(bundle.contract, side_m * averaged)
    synthetic = None if is_synthetic(raster.dataset.tags()) else synthetic_note(bundle)
    for note in (synthetic, size):
        if note is not None:
            raster.remark(note)
    return {} if synthetic is None else {TRAINED_ON_TAG: SYNTHETIC_ONLY}


def _side_m(grid: Grid) -> float | None:
    """Of a pixel; None where its CRS does not tell."""
    try:
        return math.sqrt(math.prod(pixel_size_m(grid)))
    except DataError:
        return None
