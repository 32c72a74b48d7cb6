"""Sentinel-2 products as they are downloaded: SAFE folders, and archives of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from xml.etree import ElementTree as Xml

from watermap.bands import SENSORS, SENTINEL2
from watermap.errors import DataError
from watermap.io.archive import archived
from watermap.io.band_files import by_band, classes_of, finest
from watermap.io.metadata import DOWNLOAD_AGAIN, elements, read_xml, text_of, without_meaning
from watermap.io.scene_files import BandScaling, SceneFiles, files_in

SAFE: Final = ".safe"

_METADATA: Final = re.compile(r"MTD_MSIL(1C|2A)\.xml")
_GRANULES: Final = "GRANULE"
_IMAGES: Final = "IMG_DATA"
_SAFE_DEPTH: Final = 4
"""Folders from a band file's own up to the SAFE folder."""

_QUANTIFICATION: Final = ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE")
_OFFSET: Final = ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
_IMAGE_FILE: Final = ("IMAGE_FILE", "IMAGE_FILE_2A")
"""Names of the elements that tell; `L2A_` and `_2A` in products of 2017 and 2018."""


def safe_scene(path: Path, folder: Path, inside: Mapping[str, Path]) -> SceneFiles | None:
    """The scene of a SAFE folder; None where it is something else.

    Args:
        path: the folder, or the archive that holds it.
        folder: the folder, or it in the archive.
        inside: what the folder holds, by name.

    Raises:
        DataError: a file is missing, or it holds several granules.
    """
    metadata = safe_metadata(inside)
    if folder.suffix.lower() != SAFE and (_GRANULES not in inside or metadata is None):
        return None
    if metadata is None:
        raise DataError(f"{path}: has no MTD_MSIL2A.xml or MTD_MSIL1C.xml", hint=DOWNLOAD_AGAIN)
    granules = files_in(inside[_GRANULES]).values() if _GRANULES in inside else ()
    images = [found for granule in granules if (found := files_in(granule / _IMAGES))]
    if len(images) != 1:
        raise DataError(
            f"{path}: holds band files of {len(images)} granules, not of one",
            hint=f"give the {_IMAGES} folder of one granule" if images else DOWNLOAD_AGAIN,
        )
    resolutions = [each for each in images[0].values() if not each.suffix]
    folders = [images[0], *map(files_in, resolutions)]
    named, others = by_band(each for folder in folders for each in folder.values())
    files = finest(path, named)
    for band, promised in _promised(path, metadata).items():
        if band not in files or files[band].stem != promised.stem:
            raise DataError(f"{path}: {promised.name}, which its metadata name, is missing", hint=DOWNLOAD_AGAIN)
    if not files:
        raise DataError(f"{path}: holds no band files", hint=DOWNLOAD_AGAIN)
    classes = classes_of(others)
    return SceneFiles(
        path,
        {band: archived(file) for band, file in files.items()},
        archived(metadata),
        classes=None if classes is None else archived(classes),
        sensor=SENSORS["sentinel-2"],
    )


def safe_metadata(inside: Mapping[str, Path]) -> Path | None:
    """The product's metadata among a folder's files."""
    return next((path for name, path in inside.items() if _METADATA.fullmatch(name)), None)


def metadata_above(path: Path) -> Path | None:
    """The metadata of the SAFE folder that a folder of bands is part of."""
    folder = path.resolve()
    for _ in range(_SAFE_DEPTH):
        folder = folder.parent
        if folder.suffix.lower() == SAFE:
            return safe_metadata(files_in(folder))
    return None


def safe_scaling(metadata: Path) -> dict[str, BandScaling]:
    """What a product's metadata say of each band's numbers.

    Products before baseline 04.00 state no offset, and have none.

    Args:
        metadata: MTD_MSIL2A.xml or MTD_MSIL1C.xml.

    Raises:
        DataError: the file is damaged.
    """
    root = read_xml(metadata)
    try:
        quantification = float(next(_texts(root, *_QUANTIFICATION))[1])
        offsets = {int(number): float(text) for number, text in _texts(root, *_OFFSET)}
        stated = offsets or dict.fromkeys(range(len(SENTINEL2)), 0.0)
        return {
            band: BandScaling(1 / quantification, stated[number] / quantification)
            for number, band in enumerate(SENTINEL2)
            if number in stated
        }
    except (StopIteration, ValueError, ZeroDivisionError) as error:
        raise without_meaning(metadata) from error


def _promised(path: Path, metadata: Path) -> dict[str, PurePosixPath]:
    """The finest file of each band that the metadata name, of which they leave the suffix out."""
    named, _ = by_band(PurePosixPath(f"{text}.jp2") for _, text in _texts(read_xml(metadata), *_IMAGE_FILE))
    return finest(path, named)


def _texts(root: Xml.Element, *names: str) -> Iterator[tuple[str, str]]:
    """`band_id` and text of every element that has one of the names."""
    return ((element.get("band_id", ""), text_of(element)) for element in elements(root, *names))
