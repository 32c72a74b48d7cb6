"""Landsat products of Collection 2 as USGS gives them: a folder of band files and `_MTL` metadata."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from watermap.bands import SENSORS, SENTINEL2, Sensor
from watermap.errors import DataError
from watermap.io.band_files import BAND_SUFFIXES, finest
from watermap.io.metadata import damaged, read_text, read_xml, text_of, without_meaning
from watermap.io.scene_files import BandScaling, SceneFiles

_PRODUCT: Final = re.compile(
    r"(?P<product>L(?P<kind>[COTEM])0(?P<number>\d)_L(?P<level>[12])\w\w_\d{6}_\d{8}_\d{8}_(?P<collection>\d\d)_\w\w)"
    r"(?:_(?P<rest>.*))?",
    re.IGNORECASE,
)
"""Source: USGS, Landsat Collection 2 product identifiers."""

_BAND: Final = re.compile(r"(?:SR_)?(B\d{1,2})", re.IGNORECASE)
_METADATA: Final = re.compile(r".*_MTL\.(txt|json|xml)", re.IGNORECASE)
_OLI_NUMBERS: Final = ("8", "9")
_COLLECTION: Final = "02"
_SURFACE: Final = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"
_TOP: Final = "LEVEL1_RADIOMETRIC_RESCALING"
_SUN: Final = ("IMAGE_ATTRIBUTES", "SUN_ELEVATION")

Groups = Mapping[str, Mapping[str, str]]
"""Values of a metadata file by group and name."""


def landsat_scene(path: Path, inside: Mapping[str, Path]) -> SceneFiles | None:
    """The scene of a Landsat product's folder; None where it is something else.

    Args:
        path: the folder.
        inside: what it holds, by name.

    Raises:
        DataError: it holds several products, one that is not supported, or numbers without what they mean.
    """
    found: dict[str, list[Path]] = {}
    products: dict[str, re.Match[str]] = {}
    for file in inside.values():
        match = _PRODUCT.fullmatch(file.stem)
        if match and file.suffix.lower() in BAND_SUFFIXES and (band := _BAND.fullmatch(match["rest"] or "")):
            products[match["product"].upper()] = match
            found.setdefault(band[1].upper(), []).append(file)
    if not products:
        return None
    if len(products) > 1:
        raise DataError(
            f"{path}: holds band files of {len(products)} Landsat products ({', '.join(sorted(products))})",
            hint="keep those of one product in a folder",
        )
    ((product, match),) = products.items()
    sensor = _sensor(path, match)
    metadata = landsat_metadata(inside, product)
    if match["level"] == "1" and metadata is None:
        raise DataError(
            f"{path}: the numbers of {product} are of Level 1, and mean reflectance only with its metadata",
            hint=f"put {product}_MTL.txt beside the bands, or give the Level-2 product",
        )
    named = {sensor.bands[code]: files for code, files in found.items() if sensor.bands.get(code, "") in SENTINEL2}
    return SceneFiles(path, finest(path, named), metadata, sensor=sensor)


def landsat_named(path: Path) -> Sensor | None:
    """The sensor of a file whose name begins like a Landsat product's; its numbers are known only of Level 2.

    Raises:
        DataError: its product is not supported.
    """
    match = _PRODUCT.match(path.stem)
    if match is None:
        return None
    sensor = _sensor(path, match)
    return sensor if match["level"] == "2" else replace(sensor, radiometry=None)


def landsat_metadata(inside: Mapping[str, Path], product: str) -> Path | None:
    """The metadata of a product among a folder's files."""
    files = [file for name, file in inside.items() if _METADATA.fullmatch(name)]
    return next((file for file in files if file.name.upper().startswith(product)), None)


def landsat_scaling(metadata: Path, sensor: Sensor) -> dict[str, BandScaling]:
    """What a product's metadata say of each band's numbers.

    Level 2 is surface reflectance, Level 1 that at the top of the atmosphere, which is divided by the sine of the sun's
    elevation over the middle of the scene.

    Args:
        metadata: `_MTL.txt`, `.json` or `.xml`.
        sensor: of the product.

    Raises:
        DataError: the file is damaged.

    Source: USGS, Landsat 8-9 Calibration and Validation Algorithm Description; Using the USGS Landsat Level-1 Data
    Product.
    """
    groups = read_groups(metadata)
    try:
        if _SURFACE in groups:
            values, sine = groups[_SURFACE], 1.0
        else:
            values, sine = groups[_TOP], math.sin(math.radians(float(groups[_SUN[0]][_SUN[1]])))
        if sine <= 0:
            raise without_meaning(metadata)
        return {
            band: BandScaling(
                float(values[f"REFLECTANCE_MULT_BAND_{code[1:]}"]) / sine,
                float(values[f"REFLECTANCE_ADD_BAND_{code[1:]}"]) / sine,
            )
            for code, band in sensor.bands.items()
            if f"REFLECTANCE_MULT_BAND_{code[1:]}" in values
        }
    except (KeyError, ValueError) as error:
        raise without_meaning(metadata) from error


def read_groups(metadata: Path) -> Groups:
    """The values of an `_MTL` file, in whichever of its three forms.

    Raises:
        DataError: it is damaged.
    """
    suffix = metadata.suffix.lower()
    if suffix == ".xml":
        return {group.tag: {value.tag: text_of(value) for value in group} for group in read_xml(metadata)}
    text = read_text(metadata)
    if suffix != ".json":
        return _groups_of(text)
    try:
        (content,) = json.loads(text).values()
        return {group: {name: str(value) for name, value in values.items()} for group, values in content.items()}
    except (AttributeError, ValueError) as error:
        raise damaged(metadata) from error


def _groups_of(text: str) -> Groups:
    groups: dict[str, dict[str, str]] = {}
    inside: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition("="))
        if name == "GROUP":
            inside = groups.setdefault(value, {})
        elif value and name != "END_GROUP":
            inside[name] = value.strip('"')
    return groups


def _sensor(path: Path, match: re.Match[str]) -> Sensor:
    kind, number, product = match["kind"].upper(), match["number"], match["product"]
    if match["collection"] != _COLLECTION:
        raise DataError(
            f"{path}: {product} is of Landsat Collection {int(match['collection'])}", hint="download it of Collection 2"
        )
    if kind in "CO" and number in _OLI_NUMBERS:
        return SENSORS["landsat-8-9"]
    if kind in "ET" and number not in _OLI_NUMBERS:
        return SENSORS["landsat-4-7"]
    raise DataError(
        f"{path}: {product} is of {'MSS' if kind == 'M' else 'a Landsat sensor'} without the bands that show water",
        hint="give a product of TM, ETM+ or OLI, whose name begins with LT04, LT05, LE07, LC08 or LC09",
    )
