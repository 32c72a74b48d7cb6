"""What a raster says it was made of: by which bundle or index, with which settings, from which scene."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from watermap import __version__
from watermap.errors import DataError
from watermap.io.files import identity
from watermap.io.gdal import open_dataset
from watermap.io.products import SceneFiles
from watermap.scenes.clouds import CloudMask
from watermap.scenes.dates import DATE_TAG
from watermap.scenes.find import output_name
from watermap.scenes.identity import content

BUNDLE_TAG: Final = "WATERMAP_BUNDLE_ID"
"""The metadata of a raster that says which bundle made it."""
THRESHOLD_TAG: Final = "WATERMAP_THRESHOLD"
"""The metadata of a water raster that says from which probability on a pixel is water."""
INDEX_TAG: Final = "WATERMAP_INDEX"
"""Of a raster that no bundle made: the name of the index that did."""
INDEX_THRESHOLD_TAG: Final = "WATERMAP_INDEX_THRESHOLD"
"""Above which value of an index a pixel of a water raster is water; of an index that is low over water, below it."""
INDEX_RULE_TAG: Final = "WATERMAP_INDEX_RULE"
"""Where that threshold is from: stated, otsu, edge-otsu."""
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


def scene_tags(scene: SceneFiles, day: datetime.date | None, mask: CloudMask | None) -> dict[str, str]:
    """What any raster says of the scene that it was made of: its name, what it holds, its day, and its clouds.

    Of a remote scene it tells what its store says of the content, so that it is not read twice.

    Args:
        scene: its files; all of each is read.
        day: on which its ground was seen, if known.
        mask: what hides a part of it, if anything.

    Raises:
        DataError: a file cannot be read any more.
        StorageError: one lies elsewhere and cannot be reached.
    """
    try:
        kind, _, value = content(scene).partition(":")
    except OSError as error:
        raise DataError(
            f"{scene}: cannot be read any more ({error.strerror})", hint="leave it there until the end"
        ) from error
    return (
        ({} if day is None else {DATE_TAG: day.isoformat()})
        | ({} if mask is None else {CLOUDS_TAG: identity(mask.path)})
        | {
            "WATERMAP_VERSION": __version__,
            "WATERMAP_SCENE": output_name(scene),
            f"{SCENE_DIGEST_TAG}{kind.upper()}": value,
        }
    )


def provenance(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Of a raster's metadata those that decide its pixels; none where neither a bundle nor an index made it."""
    if BUNDLE_TAG not in tags and INDEX_TAG not in tags:
        return {}
    names = (BUNDLE_TAG, INDEX_TAG, THRESHOLD_TAG, INDEX_THRESHOLD_TAG, CLOUDS_TAG, CONFIG_TAG)
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
