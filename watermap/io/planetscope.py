"""PlanetScope files as Planet delivers them: all bands in one file, in an order that its name tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from watermap.bands import SENSORS, Sensor
from watermap.errors import DataError
from watermap.io.band_files import BAND_SUFFIXES
from watermap.io.metadata import elements, read_xml, text_of, without_meaning
from watermap.io.scene_files import BandScaling, SceneFiles

_NAME: Final = re.compile(
    r"(?P<item>.+_(?:1B|3A|3B))_AnalyticMS(?P<kind>_SR|_DN)?(?P<eight>_8b)?"
    r"(?P<tools>(?:_(?:harmonized|toar|clip|reproject|file_format))*)",
    re.IGNORECASE,
)
"""Source: Planet, PlanetScope asset names and the ends that its tools add, such as
`..._3B_AnalyticMS_SR_8b_harmonized_clip`. Names that go on otherwise are of what somebody made of it."""

NO_IMAGE: Final = re.compile(r"_(?:1B|3A|3B)_(?:.*_)?udm2?(?:_|$)", re.IGNORECASE)
"""Names of what lies beside an image and is none: masks of usable data."""


def planetscope_scene(path: Path) -> SceneFiles | None:
    """The scene of a PlanetScope file, by its name; None where it is something else.

    Surface reflectance is one file that says by itself what it holds. Top-of-atmosphere files hold radiance, and each
    band has its own coefficient of reflectance in the metadata beside them.

    Raises:
        DataError: its numbers are not calibrated, or what they mean is not beside it.
        StorageError: it lies elsewhere and cannot be reached.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None or path.suffix.lower() not in BAND_SUFFIXES:
        return None
    sensor = SENSORS["planetscope-8-band" if match["eight"] else "planetscope-4-band"]
    kind, tools = (match["kind"] or "").upper(), match["tools"].lower()
    if kind == "_DN":
        raise DataError(f"{path}: holds numbers that are not calibrated", hint="order the surface reflectance (SR)")
    if kind == "_SR" or "_toar" in tools:
        return SceneFiles(path, sensor=sensor)
    clip = "_clip" if "_clip" in tools else ""
    ends = dict.fromkeys(
        f"{eight}_metadata{clipped}.xml" for eight in (match["eight"] or "", "") for clipped in (clip, "")
    )
    beside = [path.parent / f"{match['item']}_AnalyticMS{end}" for end in ends]
    metadata = next((file for file in beside if file.exists()), None)
    if metadata is None:
        raise DataError(
            f"{path}: holds radiance, and {beside[0].name}, which makes it reflectance, is not beside it",
            hint="download it too, or order the surface reflectance (SR)",
        )
    return SceneFiles(path, dict.fromkeys(sensor.bands.values(), path), metadata, sensor=sensor)


def planetscope_scaling(metadata: Path, sensor: Sensor) -> dict[str, BandScaling]:
    """What the metadata of a top-of-atmosphere file say of each band's numbers.

    Args:
        metadata: its XML.
        sensor: of the file.

    Raises:
        DataError: the file is damaged.
    """
    coefficients = {}
    try:
        for band in elements(read_xml(metadata), "bandSpecificMetadata"):
            (number,), (coefficient,) = elements(band, "bandNumber"), elements(band, "reflectanceCoefficient")
            coefficients[int(text_of(number))] = float(text_of(coefficient))
        return {
            band: BandScaling(coefficients[number], 0.0) for number, band in enumerate(sensor.bands.values(), start=1)
        }
    except (KeyError, ValueError) as error:
        raise without_meaning(metadata) from error
