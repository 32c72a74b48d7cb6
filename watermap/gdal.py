"""GDAL: how it opens and reads files wherever they lie, and its errors, all of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import rasterio
from rasterio._err import CPLE_BaseError  # rasterio lets some of GDAL's own errors through, and names them only there
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.session import DummySession

from watermap.access import gdal_settings, went_away
from watermap.errors import DataError, StorageError
from watermap.storage import RemotePath, gdal_name, location, remote

GDAL_ERRORS: Final[tuple[type[Exception], ...]] = (RasterioError, CPLE_BaseError)
WRITE_ERRORS: Final[tuple[type[Exception], ...]] = (OSError, *GDAL_ERRORS)

_TIFF_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MASK: Final = ".msk"
_METADATA: Final = ".aux.xml"
_LISTS_OTHERS: Final = ".vrt"
_RASTERS: Final = (".vrt", ".tif", ".tiff", ".jp2")
"""What a VRT may hold that has files of its own."""

_Found = TypeVar("_Found")


@contextmanager
def open_dataset(path: Path) -> Iterator[Any]:
    """GDAL's dataset of a file.

    Of a remote file only what is needed is asked for. A mask or metadata file beside it counts, and is asked for by
    itself: GDAL takes one that it cannot reach for absent, and what the mask hides would become land.

    Raises:
        DataError: no such file, or GDAL does not read it.
        StorageError: it lies elsewhere and cannot be reached.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file", hint="check the path")
    away = remote(path)
    with ExitStack() as stack:
        beside = [] if away is None else _beside(away)
        if away is not None:
            stack.enter_context(rasterio.Env(DummySession(), **_settings(away, beside)))  # GDAL logs in by itself
        try:
            dataset = stack.enter_context(_opened(path))
        except RasterioIOError as error:
            if away is None:
                raise _unreadable(path) from error
            _first_bytes(away)  # tells what is wrong with the store, if anything is
            try:
                dataset = stack.enter_context(_opened(path))
            except RasterioIOError as again:
                raise _unread(away, again) from again
        if beside:
            _check_beside(dataset, beside)
        yield dataset


def _opened(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # whoever needs a georeference looks for it
        return rasterio.open(gdal_name(path))


def read_from(path: Path, read: Callable[[], _Found], *, what: str) -> _Found:
    """Read from an open dataset.

    Args:
        path: its file.
        read: reads.
        what: is read, for the message.

    Raises:
        DataError: the file is damaged.
        StorageError: it lies elsewhere and can no longer be reached.
    """
    try:
        return read()
    except GDAL_ERRORS as error:
        if (away := remote(path)) is not None:
            _first_bytes(away)  # tells what is wrong with the store, if anything is
            try:
                return read()
            except GDAL_ERRORS:
                pass  # it gives the file, and GDAL cannot use it
        raise DataError(
            f"{path}: {what} cannot be read, the file is truncated or damaged", hint="download or export it again"
        ) from error


def raster_files(path: Path) -> list[Path]:
    """The files that decide a raster's pixels: itself, a mask and metadata beside it, the sources of a VRT.

    Raises:
        DataError: no such file, or GDAL does not read it.
        StorageError: it lies elsewhere and cannot be reached.
    """
    away = remote(path)
    if away is not None and away.suffix.lower() != _LISTS_OTHERS:
        return [path, *(location(each) for each in _beside(away))]
    with open_dataset(path) as dataset:
        files = [each for name in dataset.files[1:] if (each := _real_file(name)) is not None]
    if path.suffix.lower() != _LISTS_OTHERS:
        return [path, *files]
    sources = [each for file in files for each in (raster_files(file) if file.suffix.lower() in _RASTERS else [file])]
    return list(dict.fromkeys([path, *sources]))


def _real_file(name: str) -> Path | None:
    """The file behind a name of GDAL's: of one inside an archive, the archive."""
    file = location(name)
    if remote(file) is None and not file.is_file():
        inner = Path("/", *Path(re.sub("^/vsi(zip|tar|gzip)/", "/", name)).parts[1:])
        file = next((each for each in (inner, *inner.parents) if each.is_file()), file)
    return file if file.is_file() else None


def _beside(path: RemotePath) -> list[RemotePath]:
    """The mask and the metadata file that belong to a remote raster."""
    if path.query:  # a signature is good for one file, and GDAL looks for no other
        return []
    names = (path.parent / f"{path.name}{suffix}" for suffix in (_METADATA, _MASK))
    return [each for each in names if _is_readable(each)]


def _is_readable(path: RemotePath) -> bool:
    """Whether a file is there; a store that may not be listed says of one that is absent that it is forbidden."""
    try:
        return path.is_file()
    except StorageError as error:
        if error.transient:
            raise
        return False


def _settings(path: RemotePath, beside: list[RemotePath]) -> dict[str, Any]:
    """GDAL tries dozens of names beside a file; it is let try only those that are there."""
    settings: dict[str, Any] = gdal_settings()
    if path.suffix.lower() == _LISTS_OTHERS:
        return settings | {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"}
    if not beside:
        return settings | {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    there = ",".join([path.name, *(each.name for each in beside)])
    return settings | {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": there}


def _check_beside(dataset: Any, beside: list[RemotePath]) -> None:
    """Make sure that GDAL has found what lies beside a file."""
    seen = {name.rpartition("/")[2] for name in dataset.files}
    for path in beside:
        is_used = path.name in seen
        if path.suffix == _MASK:
            is_used = is_used and MaskFlags.per_dataset in dataset.mask_flag_enums[0]
        if not is_used:
            raise StorageError(f"{path}: is there, but cannot be read", hint="try again", transient=True)


def _first_bytes(path: RemotePath) -> bytes:
    try:
        with path.open() as file:
            return file.read(4)
    except FileNotFoundError as error:
        raise went_away(str(path)) from error


def _unread(path: RemotePath, error: Exception) -> DataError:
    """The error for a remote file that is there, but that GDAL does not open."""
    start = _first_bytes(path)
    reason = str(error)
    if "HTTP" in reason or "CURL" in reason or "AWS" in reason or "credential" in reason.lower():
        short = reason.partition("?")[0]
        return StorageError(
            f"{path}: GDAL cannot reach it ({short})",
            hint="try again; see the variables for logins and endpoints",
            transient=True,
        )
    return _no_raster(path, start)


def _unreadable(path: Path) -> DataError:
    """The error for a local file that GDAL does not open."""
    try:
        with path.open("rb") as file:
            return _no_raster(path, file.read(4))
    except OSError as error:
        return DataError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions")


def _no_raster(path: Path | RemotePath, start: bytes) -> DataError:
    if start in _TIFF_STARTS:
        return DataError(f"{path}: a truncated or damaged TIFF", hint="download or export it again")
    return DataError(f"{path}: not a raster that GDAL can read", hint="give a GeoTIFF, JPEG 2000 or VRT file")
