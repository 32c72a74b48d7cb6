"""Folders of scenes: `<scene>/image.tif` and, where the truth is known, `<scene>/label.tif`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watermap.bands import SENSORS, SensorName
from watermap.errors import DataError, UsageError
from watermap.geo.grid import blocks
from watermap.io.cog import RasterWriter
from watermap.io.files import file_digest, writing_folder
from watermap.io.gdal import open_dataset, raster_files
from watermap.io.layouts import LABEL_LAYOUT
from watermap.io.paths import local
from watermap.io.products import find_scene
from watermap.io.raster import open_raster
from watermap.io.scene_files import SceneFiles
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.conversion import write_reflectance
from watermap.scenes.find import IMAGE_FILE
from watermap.scenes.label import LABEL_TAG, open_label
from watermap.scenes.label_kinds import checked_kind

LABEL_FILE: Final = "label.tif"

_LABEL_ROWS: Final = 512


@dataclass(frozen=True)
class Scene:
    """One image of one place and time, and its truth.

    Attributes:
        name: of its folder.
        image: the multiband image.
        label: the raster of truth, or None.
    """

    name: str
    image: Path
    label: Path | None


def find_scenes(folder: Path, *, need_label: bool = False) -> list[Scene]:
    """The scenes of a folder, sorted by name.

    Args:
        folder: holds one folder a scene.
        need_label: whether a scene without a label is an error.

    Raises:
        DataError: no such folder, no scene in it, or a label is missing.
        StorageError: the folder lies elsewhere and cannot be reached.
        UsageError: it lies on a web server, which does not list what it holds.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of scenes", hint="check the path, or make one with watermap sample")
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    scenes = [_scene(path) for path in folders if (path / IMAGE_FILE).is_file()]
    if not scenes:
        if (folder / IMAGE_FILE).is_file():
            raise DataError(f"{folder}: is one scene, not a folder of scenes", hint=f"give {folder.parent}")
        raise DataError(
            f"{folder}: holds no scene, that is no <scene>/{IMAGE_FILE}",
            hint="add one with watermap scenes add IMAGE --out FOLDER",
        )
    for scene in scenes:
        if need_label and scene.label is None:
            raise missing_label(scene)
    return scenes


def missing_label(scene: Scene) -> DataError:
    """The error for a scene whose truth is needed but not there."""
    return DataError(
        f"{scene.image.parent}: has no {LABEL_FILE}", hint="add the scene with watermap scenes add --label FILE"
    )


def scene_digests(scene: Scene) -> dict[str, str]:
    """SHA-256 of a scene's files, those beside image and label that belong to them included.

    They tell a scene wherever it lies, and whether a bundle was trained on it; so files elsewhere are read as a whole,
    though their store could tell whether they have changed.

    Raises:
        DataError: a file cannot be read.
        StorageError: it lies elsewhere and cannot be reached.
    """
    folder = scene.image.parent
    paths = sorted({*folder.glob(f"{IMAGE_FILE}*"), *folder.glob(f"{LABEL_FILE}*")})
    try:
        return {path.name: file_digest(path) for path in paths}
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})", hint="check its permissions") from error


def add_scene(
    folder: Path,
    name: str,
    image: Path,
    *,
    label: Path | None = None,
    codes: Mapping[int, int] | None = None,
    kind: str | None = None,
    sensor: SensorName | None = None,
) -> Scene:
    """Bring an image, and its label, into a folder of scenes.

    A GeoTIFF is copied as it is. A product, or an image whose sensor is stated, is written as reflectance x 10,000, so
    that nobody need know later whose it is. The label keeps its grid and is rewritten in watermap's codes.

    Args:
        folder: of scenes; made if absent.
        name: of the new scene.
        image: a GeoTIFF, or a product: a SAFE, a Landsat folder, an HLS granule, a PlanetScope file.
        label: a raster of one band that overlaps the image.
        codes: watermap's code (0 land, 1 water, 255 unknown) of each of the label's values.
        kind: what the label is, e.g. hansen or hand: scores against different kinds are kept apart.
        sensor: whose bands and numbers the image holds, if the user states it.

    Raises:
        UsageError: a name that is no folder's, one that is taken, a code that watermap does not have, a kind
            that is no plain name, or a folder that does not lie on this machine; image and label may lie anywhere.
        DataError: the image or the label cannot be used, or the scene cannot be written.
    """
    if not name or name.startswith(".") or Path(name).name != name:
        raise UsageError(f"{name!r} cannot name a scene", hint="give a plain folder name with --name")
    wrong = sorted(set((codes or {}).values()) - {LAND, WATER, NO_DATA})
    if wrong:
        raise UsageError(f"{wrong[0]} is not a code of watermap", hint="map to 0 land, 1 water or 255 unknown")
    stated = None if kind is None else checked_kind(kind)
    target = local(folder) / name
    _check_free(target)
    scene = find_scene(image, sensor=None if sensor is None else SENSORS[sensor])
    is_copied = not scene.bands and scene.sensor is None
    files = _image_files(image) if is_copied else {}
    with writing_folder(target) as part:
        for source, file_name in files.items():
            with source.open("rb") as file, (part / file_name).open("wb") as copy:
                shutil.copyfileobj(file, copy)
        if not is_copied:
            write_reflectance(scene, part / IMAGE_FILE)
        if label is not None:
            _copy_label(label, part / LABEL_FILE, scene, codes, stated)
        _check_free(target)  # nobody added one of this name meanwhile
    return _scene(target)


def _check_free(target: Path) -> None:
    if target.exists():
        raise UsageError(f"{target}: is already there", hint="choose another --name, or remove it first")


def _scene(path: Path) -> Scene:
    label = path / LABEL_FILE
    return Scene(path.name, path / IMAGE_FILE, label if label.is_file() else None)


def _image_files(image: Path) -> dict[Path, str]:
    """An image and the files beside it that belong to it (mask, metadata, world file), with their new names."""
    with open_raster(image):
        pass
    with open_dataset(image) as dataset:
        if dataset.driver != "GTiff":
            raise DataError(f"{image}: is no GeoTIFF", hint="make it one, e.g. with gdal_translate")
    names = {image: IMAGE_FILE}
    for path in raster_files(image)[1:]:
        if path.name.startswith(image.name):
            names[path] = IMAGE_FILE + path.name.removeprefix(image.name)
        elif path.stem == image.stem:
            names[path] = Path(IMAGE_FILE).stem + path.suffix
    return names


def _copy_label(
    source: Path, target: Path, image: SceneFiles, codes: Mapping[int, int] | None, kind: str | None
) -> None:
    with open_raster(image) as raster:
        grid = raster.grid
    with open_label(source, grid, image_path=image.path, codes=codes):
        pass  # it overlaps the image
    with open_label(source, codes=codes) as label, RasterWriter(target, label.own_grid, LABEL_LAYOUT) as writer:
        for window in blocks(label.own_grid, _LABEL_ROWS):
            writer.write(label.read(window)[None])
        if kind is not None:
            writer.add_tags({LABEL_TAG: kind})
