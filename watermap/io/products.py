"""The files of a scene: one, or one for each band as in Sentinel-2 SAFE folders, their archives and plain folders."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar, cast
from xml.etree import ElementTree as Xml

from watermap.bands import SENTINEL2, STANDARD_BANDS, canonical_name
from watermap.errors import DataError
from watermap.io.archive import ARCHIVE, archived
from watermap.io.paths import remote
from watermap.io.vrt import Layer

SAFE: Final = ".safe"
BAND_SUFFIXES: Final = (".jp2", ".tif", ".tiff", ".vrt")

_METADATA: Final = re.compile(r"MTD_MSIL(1C|2A)\.xml")
_GRANULES: Final = "GRANULE"
_IMAGES: Final = "IMG_DATA"
_SAFE_DEPTH: Final = 4
"""Folders from a band file's own up to the SAFE folder."""

_QUANTIFICATION: Final = ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE")
_OFFSET: Final = ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
_IMAGE_FILE: Final = ("IMAGE_FILE", "IMAGE_FILE_2A")
"""Names of the elements that tell; `L2A_` and `_2A` in products of 2017 and 2018."""

CLASSES: Final = "scl"
"""The word in the name of a scene classification."""

_NO_BAND: Final = frozenset(
    {"cld", "cloud", "clouds", "detfoo", "mask", "msk", "preview", "probability", "qa", "qualit", CLASSES, "water"}
)
"""Words in the names of files that tell of a band, or were made of it, and do not hold it."""

_OTHER_SENSOR: Final = re.compile(r"L[COTEM]\d\d_|HLS\.L30|.*landsat", re.IGNORECASE)
"""Names whose B2 is of another wavelength."""

_AGAIN: Final = "download it again"

_File = TypeVar("_File", Path, PurePosixPath)


@dataclass(frozen=True)
class SceneFiles:
    """The files of a scene, found once and then handed on. Made by `find_scene`; it holds no open file.

    Attributes:
        path: the file, or the folder or archive of a scene of many files.
        bands: the finest file of each band, the standard bands first; none where the scene is one file. Those in an
            archive answer like a `Path`.
        metadata: what says how its numbers are meant, or None.
        others: rasters of a plain folder that name no band.
        classes: the product's scene classification, or None.
        layers: what the file of each band says of itself; none before they have been opened.
        identities: name and content of every file that decides the pixels, `path` itself first where it is one; none
            before they have been asked for.
        fault: why the files make no scene, which whoever opens it is told; None where they do.
    """

    path: Path
    bands: Mapping[str, Path] = field(default_factory=dict)
    metadata: Path | None = None
    others: tuple[Path, ...] = ()
    classes: Path | None = None
    layers: tuple[Layer, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    fault: DataError | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Where it lies."""
        return str(self.path)

    @property
    def is_archive(self) -> bool:
        """Whether its bands lie in one archive."""
        return bool(self.bands) and self.path.suffix.lower() == ARCHIVE


@dataclass(frozen=True)
class BandScaling:
    """What a band's numbers mean: `value * scale + offset` is reflectance."""

    scale: float
    offset: float


def find_scene(place: Path | SceneFiles) -> SceneFiles:
    """The files of a scene; those that were found already are given back.

    Args:
        place: a SAFE folder, a zip archive that holds one, a folder in which two files or more name a band; anything
            else is taken for a scene of one file.

    Raises:
        DataError: a file is missing, or which one holds a band cannot be told.
        StorageError: it lies elsewhere and cannot be reached.
        UsageError: it lies on a web server, which does not list what it holds.
    """
    if isinstance(place, SceneFiles):
        if place.fault is not None:
            raise place.fault
        return place
    folder = _folder(place)
    if folder is None:
        return SceneFiles(place)
    inside = _listed(folder)
    if folder.suffix.lower() == SAFE or (_GRANULES in inside and _metadata(inside) is not None):
        return _of_safe(place, inside)
    named, others = _by_band(inside.values())
    if len(named) < 2:
        return SceneFiles(place)
    metadata = _metadata(inside) or _metadata_above(place)
    return SceneFiles(place, _finest(place, named), metadata, tuple(others), _classes(others))


def read_scaling(metadata: Path) -> dict[str, BandScaling]:
    """What a product's metadata say of each band's numbers.

    Products before baseline 04.00 state no offset, and have none.

    Args:
        metadata: MTD_MSIL2A.xml or MTD_MSIL1C.xml.

    Raises:
        DataError: the file is damaged.
    """
    root = _parsed(metadata)
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
        raise DataError(f"{metadata}: does not say what the scene's numbers mean", hint=_AGAIN) from error


def band_of(name: str) -> str | None:
    """The one Sentinel-2 band that a file's name, without its suffix, tells; None where it tells none or several.

    `B02`, `T32TPT_20230607T101559_B02_10m`, `S2A_32TPT_20230607_0_L2A_red` and `red` do.
    """
    words = _words(name)
    if _OTHER_SENSOR.match(name) or not _NO_BAND.isdisjoint(words):
        return None
    coded = {band for word in words if re.search(r"\d", word) and (band := canonical_name(word)) is not None}
    if coded:
        return coded.pop() if len(coded) == 1 else None
    while len(words) > 1 and re.search(r"\d", words[0]):  # dates and places in front
        words = words[1:]
    return canonical_name(" ".join(words))


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())


def _folder(path: Path) -> Path | None:
    """Where to look: the folder, or the SAFE folder in an archive."""
    away = remote(path)
    if away is not None:  # a file is not asked what it is
        is_folder = away.suffix.lower() == SAFE or (away.suffix == "" and not away.is_web)
        return path if is_folder and path.is_dir() else None
    if path.suffix.lower() != ARCHIVE or not path.is_file():
        return path if path.is_dir() else None
    try:
        archive = cast(Path, zipfile.Path(str(path)))  # answers like a `Path` in all that is asked here
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: a truncated or damaged zip archive", hint=_AGAIN) from error
    return next((each for each in archive.iterdir() if each.suffix.lower() == SAFE), None)


def _listed(folder: Path) -> dict[str, Path]:
    """What a folder holds by name, in their order; nothing where there is no folder."""
    try:
        return {path.name: path for path in sorted(folder.iterdir(), key=str) if not path.name.startswith(".")}
    except (FileNotFoundError, NotADirectoryError, ValueError):  # of an archive's a ValueError
        return {}
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})", hint="check its permissions") from error


def _metadata(inside: Mapping[str, Path]) -> Path | None:
    return next((path for name, path in inside.items() if _METADATA.fullmatch(name)), None)


def _metadata_above(path: Path) -> Path | None:
    """The metadata of the SAFE folder that a folder of bands is part of."""
    folder = path.resolve()
    for _ in range(_SAFE_DEPTH):
        folder = folder.parent
        if folder.suffix.lower() == SAFE:
            return _metadata(_listed(folder))
    return None


def _of_safe(path: Path, inside: Mapping[str, Path]) -> SceneFiles:
    metadata = _metadata(inside)
    if metadata is None:
        raise DataError(f"{path}: has no MTD_MSIL2A.xml or MTD_MSIL1C.xml", hint=_AGAIN)
    granules = _listed(inside[_GRANULES]).values() if _GRANULES in inside else ()
    images = [found for granule in granules if (found := _listed(granule / _IMAGES))]
    if len(images) != 1:
        raise DataError(
            f"{path}: holds band files of {len(images)} granules, not of one",
            hint=f"give the {_IMAGES} folder of one granule" if images else _AGAIN,
        )
    resolutions = [each for each in images[0].values() if not each.suffix]
    folders = [images[0], *map(_listed, resolutions)]
    named, others = _by_band(each for folder in folders for each in folder.values())
    files = _finest(path, named)
    for band, promised in _promised(path, metadata).items():
        if band not in files or files[band].stem != promised.stem:
            raise DataError(f"{path}: {promised.name}, which its metadata name, is missing", hint=_AGAIN)
    if not files:
        raise DataError(f"{path}: holds no band files", hint=_AGAIN)
    classes = _classes(others)
    return SceneFiles(
        path,
        {band: archived(file) for band, file in files.items()},
        archived(metadata),
        classes=None if classes is None else archived(classes),
    )


def _promised(path: Path, metadata: Path) -> dict[str, PurePosixPath]:
    """The finest file of each band that the metadata name, of which they leave the suffix out."""
    named, _ = _by_band(PurePosixPath(f"{text}.jp2") for _, text in _texts(_parsed(metadata), *_IMAGE_FILE))
    return _finest(path, named)


def _by_band(files: Iterable[_File]) -> tuple[dict[str, list[_File]], list[_File]]:
    """The rasters that name a band, by it, and those that do not."""
    named: dict[str, list[_File]] = {}
    others: list[_File] = []
    for file in files:
        if file.suffix.lower() in BAND_SUFFIXES:
            band = band_of(file.stem)
            (others if band is None else named.setdefault(band, [])).append(file)
    return named, others


def _classes(others: Iterable[Path]) -> Path | None:
    """The scene classification, of the smallest pixels that its names state."""
    found = [file for file in others if CLASSES in _words(file.stem)]
    return min(found, key=lambda file: (_pixel_size_m("B11", file.stem), file.name), default=None)


def _finest(path: Path, named: Mapping[str, list[_File]]) -> dict[str, _File]:
    """One file of each band: the one of the smallest pixels, as its name states them."""
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


def _place(band: str) -> tuple[bool, int, int]:
    """Where a band stands: standard bands first, then fine ones."""
    return band not in STANDARD_BANDS, SENTINEL2[band].pixel_size_m, list(SENTINEL2).index(band)


def _pixel_size_m(band: str, name: str) -> int:
    stated = re.search(r"_(\d+)m$", name)
    return int(stated[1]) if stated else SENTINEL2[band].pixel_size_m


def _parsed(metadata: Path) -> Xml.Element:
    try:
        return Xml.fromstring(metadata.read_text(encoding="utf-8"))  # noqa: S314 (expat bounds what entities become)
    except (OSError, ValueError, Xml.ParseError) as error:
        raise DataError(f"{metadata}: truncated or damaged metadata", hint=_AGAIN) from error


def _texts(root: Xml.Element, *names: str) -> Iterator[tuple[str, str]]:
    """`band_id` and text of every element that has one of the names."""
    for element in root.iter():
        if element.tag.rpartition("}")[2] in names:
            yield element.get("band_id", ""), (element.text or "").strip()
