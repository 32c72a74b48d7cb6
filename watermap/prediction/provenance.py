"""What a raster says it was made of: by which bundle, with which settings, from which scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from watermap.errors import DataError
from watermap.io.gdal import open_dataset

BUNDLE_TAG: Final = "WATERMAP_BUNDLE_ID"
"""The metadata of a raster that says which bundle made it."""
THRESHOLD_TAG: Final = "WATERMAP_THRESHOLD"
"""The metadata of a water raster that says from which probability on a pixel is water."""
CALIBRATION_TAG: Final = "WATERMAP_CALIBRATION"
"""How the bundle's probabilities were made to mean what they say: temperature, platt, isotonic or none."""
CLOUDS_TAG: Final = "WATERMAP_CLOUDS"
"""What the cloud mask holds, where there was one."""
MIN_AREA_TAG: Final = "WATERMAP_MIN_AREA_M2"
"""Below which area bodies of water were made land."""
CONFIG_TAG: Final = "WATERMAP_CONFIG"
SCENE_DIGEST_TAG: Final = "WATERMAP_SCENE_"
"""How the metadata that say what a scene holds begin; they end in the kind of the digest."""


def min_area_tag(min_area_m2: float) -> dict[str, str]:
    """What a water raster says of the least area of its bodies; nothing where there is none."""
    return {MIN_AREA_TAG: f"{min_area_m2:g}"} if min_area_m2 else {}


def provenance(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Of a raster's metadata those that decide its pixels; none where no bundle made it."""
    if BUNDLE_TAG not in tags:
        return {}
    names = (BUNDLE_TAG, THRESHOLD_TAG, CLOUDS_TAG, CONFIG_TAG)
    return {tag: text for tag, text in tags.items() if tag in names or tag.startswith(SCENE_DIGEST_TAG)}


def stated_provenance(raster: Path) -> Mapping[str, str]:
    """The provenance of a raster; none where there is no raster that can be read."""
    try:
        with open_dataset(raster) as dataset:
            return provenance(dataset.tags())
    except DataError:
        return {}


def contradiction(tags: Mapping[str, str], others: Mapping[str, str]) -> str | None:
    """What two rasters say differently of bundle or scene, as far as both say it; None where nothing."""
    for tag, text in tags.items():
        if (tag == BUNDLE_TAG or tag.startswith(SCENE_DIGEST_TAG)) and others.get(tag, text) != text:
            return "bundle" if tag == BUNDLE_TAG else "scene"
    return None
