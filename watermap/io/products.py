"""Finds the files of a scene: one file, a product as it is downloaded, or a plain folder of band files."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from watermap.bands import Sensor
from watermap.errors import DataError
from watermap.io.archive import ARCHIVE
from watermap.io.band_files import BAND_SUFFIXES, CLASSES, band_of, by_band, classes_of, finest
from watermap.io.hls import hls_named, hls_scene
from watermap.io.landsat import landsat_named, landsat_scaling, landsat_scene
from watermap.io.metadata import DOWNLOAD_AGAIN
from watermap.io.paths import remote
from watermap.io.planetscope import planetscope_scaling, planetscope_scene
from watermap.io.safe import SAFE, metadata_above, safe_metadata, safe_scaling, safe_scene
from watermap.io.scene_files import BandScaling, SceneFiles, files_in

__all__ = ["CLASSES", "SAFE", "BandScaling", "SceneFiles", "band_of", "find_scene", "read_scaling"]

_PACKED: Final = (".tar", ".tgz", ".gz")
_LEAST_BANDS: Final = 2
"""Files that name a band, from which on a plain folder is a scene."""


def find_scene(place: Path | SceneFiles, *, sensor: Sensor | None = None) -> SceneFiles:
    """The files of a scene; those that were found already are given back.

    Args:
        place: a SAFE folder, a zip archive that holds one, a folder of the band files of a Landsat product or an HLS
            granule, a folder in which two files or more name a band; anything else is taken for a scene of one file.
        sensor: whose bands and numbers they are, if the user states it.

    Raises:
        DataError: a file is missing, which one holds a band cannot be told, or the product is of another sensor than
            the one stated.
        StorageError: it lies elsewhere and cannot be reached.
        UsageError: it lies on a web server, which does not list what it holds.
    """
    if isinstance(place, SceneFiles):
        if place.fault is not None:
            raise place.fault
        return place
    folder = _folder(place)
    scene = _of_file(place) if folder is None else _of_folder(place, folder, sensor)
    if sensor is None or scene.sensor == sensor:
        return scene
    if scene.sensor is not None and scene.sensor.name != sensor.name:
        raise DataError(
            f"{place}: is a product of {scene.sensor.title} by its names, not of {sensor.title} as stated",
            hint="leave --sensor out",
        )
    return replace(scene, sensor=scene.sensor or sensor, is_stated=True)


def read_scaling(scene: SceneFiles) -> dict[str, BandScaling]:
    """What a product's metadata say of each band's numbers; nothing where there are none.

    Raises:
        DataError: the file is damaged.
    """
    if scene.metadata is None:
        return {}
    sensor = scene.sensor
    if sensor is not None and sensor.name.startswith("landsat"):
        return landsat_scaling(scene.metadata, sensor)
    if sensor is not None and sensor.name.startswith("planetscope"):
        return planetscope_scaling(scene.metadata, sensor)
    return safe_scaling(scene.metadata)


def _of_file(path: Path) -> SceneFiles:
    if path.suffix.lower() in _PACKED and (landsat_named(path) or hls_named(path)):
        raise DataError(
            f"{path}: is a packed product", hint=f"unpack it first: mkdir scene; tar -xf {path.name} -C scene"
        )
    return planetscope_scene(path) or SceneFiles(path, sensor=landsat_named(path) or hls_named(path))


def _of_folder(path: Path, folder: Path, stated: Sensor | None) -> SceneFiles:
    inside = files_in(folder)
    product = safe_scene(path, folder, inside) or landsat_scene(path, inside) or hls_scene(path, inside)
    if product is not None:
        return product
    named, others = by_band(inside.values(), stated)
    if len(named) < _LEAST_BANDS:
        return SceneFiles(path)
    metadata = safe_metadata(inside) or metadata_above(path)
    return SceneFiles(path, finest(path, named), metadata, tuple(others), classes_of(others))


def _folder(path: Path) -> Path | None:
    """Where to look: the folder, or the SAFE folder in an archive."""
    away = remote(path)
    if away is not None:  # a file is not asked what it is
        is_bare = away.suffix == "" or (hls_named(path) is not None and away.suffix.lower() not in BAND_SUFFIXES)
        is_folder = away.suffix.lower() == SAFE or (is_bare and not away.is_web)
        return path if is_folder and path.is_dir() else None
    if path.suffix.lower() != ARCHIVE or not path.is_file():
        return path if path.is_dir() else None
    try:
        archive = cast(Path, zipfile.Path(str(path)))  # answers like a `Path` in all that is asked here
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: a truncated or damaged zip archive", hint=DOWNLOAD_AGAIN) from error
    return next((each for each in archive.iterdir() if each.suffix.lower() == SAFE), None)
