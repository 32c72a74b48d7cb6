"""Sentinel-2 bands: their names, the names others give them, and what their numbers mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watermap.errors import DataError, UsageError, did_you_mean

REFLECTANCE_SCALE: Final = 1e-4
"""Reflectance of one digital number (DN) in every Sentinel-2 product."""

BASELINE_0400_OFFSET: Final = -1000
"""DN to add to raw L2A of processing baseline 04.00 and later (BOA_ADD_OFFSET). Source: ESA, S2 PDGS, 2022."""

IMAGE_NO_DATA: Final = 65535
"""The no-data DN of the images that watermap writes: 0 may be a dark lake."""

TRUE_COLOR: Final = ("B4", "B3", "B2")

STANDARD_BANDS: Final = ("B2", "B3", "B4", "B8", "B11", "B12")
"""The bands that carry the water signal at 10 and 20 m."""


@dataclass(frozen=True)
class Band:
    """One band of the Sentinel-2 MSI instrument.

    Attributes:
        name: Earth Engine's name, used everywhere in watermap.
        common_name: the STAC `eo:common_name`.
        wavelength_nm: centre wavelength in nm (S2A).
        pixel_size_m: native pixel size in m.
    """

    name: str
    common_name: str
    wavelength_nm: float
    pixel_size_m: int


SENTINEL2: Final = {
    band.name: band
    for band in (
        Band("B1", "coastal", 442.7, 60),
        Band("B2", "blue", 492.4, 10),
        Band("B3", "green", 559.8, 10),
        Band("B4", "red", 664.6, 10),
        Band("B5", "rededge071", 704.1, 20),
        Band("B6", "rededge075", 740.5, 20),
        Band("B7", "rededge078", 782.8, 20),
        Band("B8", "nir", 832.8, 10),
        Band("B8A", "nir08", 864.7, 20),
        Band("B9", "nir09", 945.1, 60),
        Band("B10", "cirrus", 1373.5, 60),
        Band("B11", "swir16", 1613.7, 20),
        Band("B12", "swir22", 2202.4, 20),
    )
}
"""Source: ESA, Sentinel-2 MSI user guide, spectral resolution table."""

_COMMON: Final = {band.common_name: band.name for band in SENTINEL2.values()} | {
    "rededge1": "B5",
    "rededge2": "B6",
    "rededge3": "B7",
    "aerosol": "B1",
    "nirnarrow": "B8A",
    "narrownir": "B8A",
    "watervapour": "B9",
    "watervapor": "B9",
    "swir1": "B11",
    "swir2": "B12",
}

_FILLERS: Final = frozenset(
    {"band", "central", "wavelength", "surface", "reflectance", "sr", "toa", "boa", "s2", "vegetation", "visible"}
)
"""Words beside a band's common name that do not change what it means."""


def canonical_name(text: str) -> str | None:
    """The Sentinel-2 band that a description means, or None.

    `B4`, `B04`, `b4`, `red`, `Red`, `B4 (665 nm)`, `B04, central wavelength 665 nm`, `T32UPU_B04_10m` and
    `SR_B4` all mean `B4`.
    """
    words = re.split(r"[^a-z0-9]+", text.lower())
    for word in words:
        match = re.fullmatch(r"b(?:and)?0*(\d{1,2}a?)", word)
        if match and f"B{match[1].upper()}" in SENTINEL2:
            return f"B{match[1].upper()}"
    telling = [word for word in words if word not in _FILLERS]
    names = [word for word in telling if not re.fullmatch(r"\d*(?:nm|um|m)?", word)]
    return _COMMON.get("".join(telling)) or _COMMON.get("".join(names))


def parse_bands(text: str) -> tuple[str, ...]:
    """Band names from a comma-separated list such as `B4,B3,B2` or `red,green,blue`.

    Raises:
        UsageError: an empty list, a name that is no Sentinel-2 band, or one that comes twice.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    names = tuple(canonical_name(word) or "" for word in words)
    choices = f"choose from {', '.join(SENTINEL2)}"
    if not words:
        raise UsageError("the list of bands is empty", hint=choices)
    if "" in names:
        wrong = words[names.index("")]
        near = did_you_mean(wrong, (*SENTINEL2, *_COMMON))
        raise UsageError(f"{wrong!r} is not a Sentinel-2 band", hint=f"{near} {choices}" if near else choices)
    if len(set(names)) < len(names):
        raise UsageError(f"a band comes twice in {text!r}", hint="name each band once")
    return names


def find_bands(descriptions: Sequence[str | None], wanted: Sequence[str], *, where: str) -> tuple[int, ...]:
    """Positions (from 0) of the wanted bands among a raster's band descriptions.

    Args:
        descriptions: the raster's band descriptions, in file order.
        wanted: canonical names, in the order in which they are needed.
        where: the file's name, for the message.

    Raises:
        DataError: a wanted band is missing or comes twice, or the raster describes no bands at all.
    """
    numbered = [f"b{number + 1}" for number in range(len(descriptions))]
    is_numbered = len(descriptions) < len(SENTINEL2) and list(descriptions) == numbered  # says nothing of wavelengths
    names = [canonical_name(text) if text and not is_numbered else None for text in descriptions]
    if not any(names):
        raise DataError(
            f"{where}: its {len(names)} bands have no names, so which is {', '.join(wanted)} is unknown",
            hint="name all of the file's bands in file order, e.g. with --bands B2,B3,B4,B8,B11,B12",
        )
    missing = [name for name in wanted if name not in names]
    if missing:
        present = ", ".join(name or text or "?" for name, text in zip(names, descriptions, strict=True))
        near = [
            did_you_mean(text, missing) for name, text in zip(names, descriptions, strict=True) if text and not name
        ]
        hint = next(filter(None, near), "use a scene with these bands, or a model trained on others")
        raise DataError(f"{where}: {_listed(missing)} missing (it has {present})", hint=hint)
    twice = [name for name in wanted if names.count(name) > 1]
    if twice:
        raise DataError(
            f"{where}: {_listed(twice)} there more than once",
            hint="name all of the file's bands in file order with --bands",
        )
    return tuple(names.index(name) for name in wanted)


def present_bands(
    descriptions: Sequence[str | None], wanted: Sequence[str], optional: Sequence[str]
) -> tuple[str, ...]:
    """The wanted bands but for those that are optional and not among a raster's band descriptions; in their order."""
    there = {canonical_name(text) for text in descriptions if text}
    return tuple(name for name in wanted if name not in optional or name in there)


def _listed(bands: Sequence[str]) -> str:
    return f"band {bands[0]} is" if len(bands) == 1 else f"bands {', '.join(bands)} are"


@dataclass(frozen=True)
class Radiometry:
    """How stored numbers become reflectance: `(value + offset) * scale`."""

    scale: float
    offset: float
