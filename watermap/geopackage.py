"""GeoPackages: the version that is written, and the name that one must have."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watermap.errors import UsageError
from watermap.storage import local

NEW_FILE: Final = {"VERSION": "1.2"}
"""Options of a new file: later versions have nothing that is used here, and older programs warn of them."""


def check_name(path: Path, what: str) -> None:
    """Refuse a file to write that is no GeoPackage by its name.

    Args:
        path: the file.
        what: is written.

    Raises:
        UsageError: it does not end in .gpkg, or does not lie on this machine.
    """
    if local(path).suffix.lower() != ".gpkg":
        raise UsageError(f"{path}: {what} are written as a GeoPackage", hint="give a name that ends in .gpkg")
