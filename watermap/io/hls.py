"""Granules of Harmonized Landsat Sentinel-2 as LP DAAC gives them: a folder of band files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from watermap.bands import SENSORS, SENTINEL2, Sensor
from watermap.errors import DataError
from watermap.io.band_files import BAND_SUFFIXES, finest
from watermap.io.scene_files import SceneFiles

_NAME: Final = re.compile(
    r"(?P<granule>HLS\.(?P<kind>[LS]30)\.T\w{5}\.\d{7}T\d{6}\.v\d\.\d)(?:\.(?P<band>B\w\w))?", re.IGNORECASE
)
"""Source: NASA, HLS product user guide v2.0, naming."""


_NIR: Final = "B8"
_NARROW_NIR: Final = "B8A"
"""Of S30, the one that is like L30's; it stands for the other where that was not downloaded."""


def hls_scene(path: Path, inside: Mapping[str, Path]) -> SceneFiles | None:
    """The scene of a granule's folder; None where it is something else.

    Args:
        path: the folder.
        inside: what it holds, by name.

    Raises:
        DataError: it holds several granules.
    """
    named: dict[str, list[Path]] = {}
    sensors: dict[str, Sensor] = {}
    for file in inside.values():
        match = _NAME.fullmatch(file.stem)
        if match is None or match["band"] is None or file.suffix.lower() not in BAND_SUFFIXES:
            continue
        sensor = sensors.setdefault(match["granule"], _sensor(match))
        if (band := sensor.band(match["band"])) in SENTINEL2:
            named.setdefault(band, []).append(file)
    if not sensors:
        return None
    if len(sensors) > 1:
        raise DataError(
            f"{path}: holds band files of {len(sensors)} HLS granules ({', '.join(sorted(sensors)[:2])}, ...)",
            hint="keep those of one granule in a folder",
        )
    (sensor,) = sensors.values()
    if _NIR not in named and _NARROW_NIR in named:
        named[_NIR] = named.pop(_NARROW_NIR)
    return SceneFiles(path, finest(path, named), sensor=sensor)


def hls_named(path: Path) -> Sensor | None:
    """The sensor of a file whose name begins like a granule's."""
    match = _NAME.match(path.name)
    return None if match is None else _sensor(match)


def _sensor(match: re.Match[str]) -> Sensor:
    return SENSORS["hls-l30"] if match["kind"].upper() == "L30" else SENSORS["hls-s30"]
