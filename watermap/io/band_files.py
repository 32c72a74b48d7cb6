"""Files of one band each, by what their names say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from watermap.bands import SENSORS, SENTINEL2, STANDARD_BANDS, Sensor
from watermap.errors import DataError

BAND_SUFFIXES: Final = (".jp2", ".tif", ".tiff", ".vrt")

CLASSES: Final = "scl"
"""The word in the name of a scene classification."""

_NO_BAND: Final = frozenset(
    {"cld", "cloud", "clouds", "detfoo", "mask", "msk", "preview", "probability", "qa", "qualit", CLASSES, "water"}
)
"""Words in the names of files that tell of a band, or were made of it, and do not hold it."""

_OTHER_SENSOR: Final = re.compile(r"L[COTEM]\d\d_|HLS\.L30|.*landsat", re.IGNORECASE)
"""Names whose B2 is of another wavelength."""

_File = TypeVar("_File", Path, PurePosixPath)


def band_of(name: str, sensor: Sensor | None = None) -> str | None:
    """The one band that a file's name, without its suffix, tells; None where it tells none or several.

    `B02`, `T32TPT_20230607T101559_B02_10m`, `S2A_32TPT_20230607_0_L2A_red` and `red` do.

    Args:
        name: of the file.
        sensor: whose bands its numbers are; None: Sentinel-2's, but for names of another sensor.

    Returns:
        The canonical name.
    """
    words = _words(name)
    if (sensor is None and _OTHER_SENSOR.match(name)) or not _NO_BAND.isdisjoint(words):
        return None
    own = sensor or SENSORS["sentinel-2"]
    coded = {band for word in words if re.search(r"\d", word) and (band := own.band(word)) is not None}
    if coded:
        return _canonical(coded.pop()) if len(coded) == 1 else None
    while len(words) > 1 and re.search(r"\d", words[0]):  # dates and places in front
        words = words[1:]
    return _canonical(own.band(" ".join(words)))


def by_band(files: Iterable[_File], sensor: Sensor | None = None) -> tuple[dict[str, list[_File]], list[_File]]:
    """The rasters that name a band, by it, and those that do not.

    Args:
        files: of a folder.
        sensor: as for `band_of`.
    """
    named: dict[str, list[_File]] = {}
    others: list[_File] = []
    for file in files:
        if file.suffix.lower() in BAND_SUFFIXES:
            band = band_of(file.stem, sensor)
            (others if band is None else named.setdefault(band, [])).append(file)
    return named, others


def finest(path: Path, named: Mapping[str, list[_File]]) -> dict[str, _File]:
    """One file of each band: the one of the smallest pixels, as its name states them; the standard bands first.

    Args:
        path: where they lie, for the message.
        named: by band.

    Raises:
        DataError: several files hold one band.
    """
    chosen = {}
    for band in sorted(named, key=_place):
        sizes = [_pixel_size_m(band, file.stem) for file in named[band]]
        best = [file for file, size in zip(named[band], sizes, strict=True) if size == min(sizes)]
        if len(best) > 1:
            listed = ", ".join(file.name for file in best)
            raise DataError(
                f"{path}: several files hold {band} ({listed})", hint="keep the bands of one scene in a folder"
            )
        chosen[band] = best[0]
    return chosen


def classes_of(others: Iterable[Path]) -> Path | None:
    """The scene classification, of the smallest pixels that its names state."""
    found = [file for file in others if CLASSES in _words(file.stem)]
    return min(found, key=lambda file: (_pixel_size_m("B11", file.stem), file.name), default=None)


def _canonical(band: str | None) -> str | None:
    return band if band in SENTINEL2 else None


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())


def _place(band: str) -> tuple[bool, int, int]:
    """Where a band stands: standard bands first, then fine ones."""
    return band not in STANDARD_BANDS, SENTINEL2[band].pixel_size_m, list(SENTINEL2).index(band)


def _pixel_size_m(band: str, name: str) -> int:
    stated = re.search(r"_(\d+)m$", name)
    return int(stated[1]) if stated else SENTINEL2[band].pixel_size_m
