"""The scenes that a user means by files, folders and patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from watermap.errors import DataError, StorageError, UsageError
from watermap.io.archive import ARCHIVE
from watermap.io.gdal import band_count, raster_files, with_layers
from watermap.io.paths import RemotePath, local, location, remote
from watermap.io.products import SAFE, SceneFiles, find_scene
from watermap.scenes.indices import INDICES

IMAGE_FILE: Final = "image.tif"

_SUFFIXES: Final = (".tif", ".tiff", ".jp2", ".vrt")
_PICTURE_BANDS: Final = 3
_NOT_IMAGES: Final = ("_water", "_probability", "_uncertainty", "_reason", *(f"_{name}" for name in INDICES))
"""Ends of the names that watermap itself gives to results."""


def find_images(inputs: Sequence[str | Path]) -> list[SceneFiles]:
    """The scenes behind files, folders and patterns, in the order named, each once: found here, and nowhere again.

    A folder means its `image.tif`, or itself if it holds a scene of one file a band, such as a SAFE folder; or else
    the `image.tif` of its subfolders; or else its rasters and those of its subfolders and archives that are a scene
    each. Files that watermap wrote as results are passed over. All of it may lie in an object store; of a web server,
    files only.

    Raises:
        DataError: a folder or pattern that holds no image.
        StorageError: a folder or pattern of a store that cannot be reached.
        UsageError: two images whose results would have one name, or a place that takes more than is installed.
    """
    found: dict[Path, SceneFiles] = {}
    for text in inputs:
        path = location(text)
        away = remote(path)
        if away is not None and _names_a_file(away):
            images = [_scene_at(path)]  # whether it is there is seen when it is read, and does not stop the others
        elif path.is_dir():
            images = _images_of(path)
        elif has_magic(str(path)) and not path.exists():
            images = [image for match in sorted(_matches(path)) for image in _matched(match)]
        else:
            images = [_scene_at(path)]
        if not images:
            raise DataError(
                f"{text}: no image there", hint="give a GeoTIFF, a scenes folder, or a pattern that matches"
            )
        for image in images:
            found.setdefault(image.path.resolve(), image)
    names: dict[str, SceneFiles] = {}
    for image in found.values():
        name = output_name(image)
        if name in names:
            raise UsageError(
                f"{names[name]} and {image} would both give {name}_water.tif",
                hint="predict them into two --out folders",
            )
        names[name] = image
    return list(found.values())


def output_name(image: Path | SceneFiles) -> str:
    """The name of an image's results.

    It is its folder's for `NAME/image.tif`, else its own without the suffix; for a folder that is a scene the whole
    name, but for `.SAFE`.
    """
    path = image.path if isinstance(image, SceneFiles) else image
    if path.name == IMAGE_FILE:
        return path.resolve().parent.name
    is_folder = remote(path) is None and path.is_dir()
    name = path.resolve().name if is_folder else path.stem
    return Path(name).stem if name.lower().endswith(SAFE) else name


def distinguishing_folders(one: Path, other: Path) -> tuple[str, str] | None:
    """The names of the nearest folders of two files that tell them apart; None where none do."""
    folders = zip(one.resolve().parents, other.resolve().parents, strict=False)
    return next(((a.name, b.name) for a, b in folders if a.name and b.name and a.name != b.name), None)


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Make sure that nothing that is written takes the place of what it is made of.

    Args:
        outputs: the files to be written.
        inputs: the files that are read; of a VRT its sources count too.

    Raises:
        UsageError: an output is an input, or does not lie on this machine.
    """
    read = {file.resolve() for path in inputs for file in _read_with(path)}
    for path in outputs:
        if local(path).resolve() in read:
            raise UsageError(f"{path}: is one of the files that are read", hint="choose another --out")


def _read_with(path: Path) -> list[Path]:
    if remote(path) is None and path.suffix.lower() == ".vrt":
        with suppress(DataError):  # told when it is read
            return raster_files(path)
    return [path]


def _names_a_file(path: RemotePath) -> bool:
    return path.is_web or (path.suffix.lower() in _SUFFIXES and not has_magic(str(path)))


def _matches(pattern: Path) -> list[Path]:
    if (away := remote(pattern)) is not None:
        return [location(found) for found in away.matches()]
    return [Path(name) for name in glob(str(pattern), recursive=True)]  # noqa: PTH207 (Path.glob takes none absolute)


def _scene_of(path: Path) -> SceneFiles | None:
    """A folder, or an archive, that is one scene whose bands lie in a file each; None where it is something else.

    A folder that also holds images of many bands is none. One that is incomplete is one, with its fault: what is
    missing is told when it is opened, and does not stop the others.

    Raises:
        StorageError: it lies elsewhere and cannot be reached.
    """
    try:
        scene = find_scene(path)
    except StorageError:
        raise
    except DataError as error:
        return SceneFiles(path, fault=error)
    if not scene.bands or any(band_count(file) > _PICTURE_BANDS for file in scene.others):
        return None
    if scene.metadata is not None:
        return scene
    try:
        return with_layers(scene)
    except DataError as error:
        if any(band_count(file) > 1 for file in scene.bands.values()):
            return None
        return scene if isinstance(error, StorageError) else replace(scene, fault=error)


def _scene_at(path: Path) -> SceneFiles:
    return _scene_of(path) or SceneFiles(path)


def _images_of(folder: Path) -> list[SceneFiles]:
    if (folder / IMAGE_FILE).is_file():
        return [SceneFiles(folder / IMAGE_FILE)]
    if (scene := _scene_of(folder)) is not None:
        return [scene]
    images = {path.parent: SceneFiles(path) for path in folder.glob(f"*/{IMAGE_FILE}")}
    found = []
    for path in sorted(folder.iterdir()):
        if path in images:
            found.append(images[path])
        elif (image := _image_of(path, is_raster_one=not images)) is not None:
            found.append(image)
    return found


def _image_of(path: Path, *, is_raster_one: bool = True) -> SceneFiles | None:
    """What lies in a folder, if it is a scene of many files; or a raster, where that counts."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return None
    if suffix not in (*_SUFFIXES, ARCHIVE):
        return _scene_of(path)
    if not is_raster_one or path.stem.endswith(_NOT_IMAGES):
        return None
    return _scene_of(path) if suffix == ARCHIVE else SceneFiles(path)


def _matched(path: Path) -> list[SceneFiles]:
    if path.is_dir():
        return _images_of(path)
    image = _image_of(path)
    return [] if image is None else [image]
