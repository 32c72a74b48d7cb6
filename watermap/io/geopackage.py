"""GeoPackages: the version that is written, the name that one must have, and a layer or table more in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyogrio.raw

from watermap.errors import UsageError
from watermap.io.paths import local

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


def add_layer(
    path: Path,
    name: str,
    fields: Mapping[str, npt.NDArray[Any]],
    *,
    shapes: npt.NDArray[Any] | None = None,
    kind: str | None = None,
    crs: str | None = None,
    empty: Sequence[npt.NDArray[np.bool_] | None] | None = None,
) -> None:
    """Write a layer, or without shapes a table, into a GeoPackage, which is made if there is none.

    Args:
        path: of the file.
        name: of the layer.
        fields: (n,) values by name.
        shapes: (n,) WKB of each row.
        kind: of the shapes, e.g. `Point`; `Unknown` for several.
        crs: of the shapes.
        empty: by field, (n,) where a row has no value, or None where all have one.

    Raises:
        pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError: it cannot be written.
    """
    pyogrio.raw.write(
        path,
        shapes,
        list(fields.values()),
        list(fields),
        field_mask=empty,
        layer=name,
        driver="GPKG",
        geometry_type=kind,
        crs=crs,
        dataset_options=None if path.exists() else NEW_FILE,
    )
