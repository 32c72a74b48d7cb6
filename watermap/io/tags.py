"""What a raster's metadata says of the files that it was made of."""

from __future__ import annotations

from pathlib import Path

from watermap.io.files import identity


def source_tags(key: str, path: Path) -> dict[str, str]:
    """The name of a file under a key, and what it holds under the key and the way that this is told.

    Args:
        key: e.g. WATERMAP_BEFORE, which gives WATERMAP_BEFORE and WATERMAP_BEFORE_SHA256.
        path: the file.

    Raises:
        OSError: there is no such file, or it cannot be read.
        StorageError: its store cannot be reached.
    """
    kind, _, value = identity(path).partition(":")
    return {key: path.name, f"{key}_{kind.upper()}": value}
