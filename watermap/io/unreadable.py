"""Why GDAL does not open a file: what its first bytes, its store or its folder say."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watermap.errors import DataError, StorageError
from watermap.io.paths import RemotePath
from watermap.io.stores import vanished

_TIFF_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JP2_START: Final = b"\0\0\0\x0c"


def first_bytes(path: RemotePath) -> bytes:
    """The start of a remote file; asking for it says what is wrong with its store.

    Raises:
        StorageError: it is gone, or cannot be reached.
    """
    try:
        with path.open() as file:
            return file.read(4)
    except FileNotFoundError as error:
        raise vanished(str(path)) from error


def unread_remote(path: RemotePath, error: Exception) -> DataError:
    """The error for a remote file that is there, but that GDAL does not open."""
    start = first_bytes(path)
    reason = str(error)
    if "HTTP" in reason or "CURL" in reason or "AWS" in reason or "credential" in reason.lower():
        short = reason.partition("?")[0]
        return StorageError(
            f"{path}: GDAL cannot reach it ({short})",
            hint="try again; see the variables for logins and endpoints",
            transient=True,
        )
    return _no_raster(path, start)


def unread_local(path: Path) -> DataError:
    """The error for a local file that GDAL does not open."""
    if path.is_dir():
        return DataError(f"{path}: is a folder, and no scene", hint="give one of its rasters")
    try:
        with path.open("rb") as file:
            return _no_raster(path, file.read(4))
    except OSError as error:
        return DataError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions")


def _no_raster(path: Path | RemotePath, start: bytes) -> DataError:
    if start in _TIFF_STARTS:
        return DataError(f"{path}: a truncated or damaged TIFF", hint="download or export it again")
    if start == _JP2_START:
        return DataError(f"{path}: a truncated or damaged JPEG 2000 file", hint="download it again")
    return DataError(f"{path}: not a raster that GDAL can read", hint="give a GeoTIFF, JPEG 2000 or VRT file")
