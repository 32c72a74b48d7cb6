"""The images that a user means by files, folders and patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from watermap.errors import DataError, UsageError
from watermap.io.gdal import is_one_scene, raster_files
from watermap.io.paths import RemotePath, local, location, remote
from watermap.io.products import ARCHIVE, SAFE

IMAGE_FILE: Final = "image.tif"

_SUFFIXES: Final = (".tif", ".tiff", ".jp2", ".vrt")
_NOT_IMAGES: Final = ("_water", "_probability", "_uncertainty", "_reason")
"""Ends of the names that watermap itself gives to results."""


def find_images(inputs: Sequence[str | Path]) -> list[Path]:
    """The image files behind files, folders and patterns, in the order named, each once.

    A folder means its `image.tif`, or itself if it holds a scene of one file a band, such as a SAFE folder; or else
    the `image.tif` of its subfolders; or else its rasters and those of its subfolders and archives that are a scene
    each. Files that watermap wrote as results are passed over. All of it may lie in an object store; of a web server,
    files only.

    Raises:
        DataError: a folder or pattern that holds no image.
        StorageError: a folder or pattern of a store that cannot be reached.
        UsageError: two images whose results would have one name, or a place that takes more than is installed.
    """
    found: dict[Path, Path] = {}
    for text in inputs:
        path = location(text)
        away = remote(path)
        if away is not None and _names_a_file(away):
            images = [path]  # whether it is there is seen when it is read, and does not stop the others
        elif path.is_dir():
            images = _images_of(path)
        elif has_magic(str(path)) and not path.exists():
            images = [image for match in sorted(_matches(path)) for image in _matched(match)]
        else:
            images = [path]
        if not images:
            raise DataError(
                f"{text}: no image there", hint="give a GeoTIFF, a scenes folder, or a pattern that matches"
            )
        for image in images:
            found.setdefault(image.resolve(), image)
    names: dict[str, Path] = {}
    for image in found.values():
        name = output_name(image)
        if name in names:
            raise UsageError(
                f"{names[name]} and {image} would both give {name}_water.tif",
                hint="predict them into two --out folders",
            )
        names[name] = image
    return list(found.values())


def output_name(image: Path) -> str:
    """The name of an image's results.

    It is its folder's for `NAME/image.tif`, else its own without the suffix; for a folder that is a scene the whole
    name, but for `.SAFE`.
    """
    if image.name == IMAGE_FILE:
        return image.resolve().parent.name
    is_folder = remote(image) is None and image.is_dir()
    name = image.resolve().name if is_folder else image.stem
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


def _images_of(folder: Path) -> list[Path]:
    if (folder / IMAGE_FILE).is_file():
        return [folder / IMAGE_FILE]
    if is_one_scene(folder):
        return [folder]
    images = {path.parent: path for path in folder.glob(f"*/{IMAGE_FILE}")}
    found = []
    for path in sorted(folder.iterdir()):
        if path in images:
            found.append(images[path])
        elif not path.name.startswith(".") and (_is_folder_scene(path) or (not images and _is_image(path))):
            found.append(path)
    return found


def _matched(path: Path) -> list[Path]:
    return _images_of(path) if path.is_dir() else [path] * _is_image(path)


def _is_folder_scene(path: Path) -> bool:
    return path.suffix.lower() not in (*_SUFFIXES, ARCHIVE) and is_one_scene(path)


def _is_image(path: Path) -> bool:
    if path.name.startswith(".") or path.stem.endswith(_NOT_IMAGES):
        return False
    return path.suffix.lower() in _SUFFIXES or (path.suffix.lower() == ARCHIVE and is_one_scene(path))
