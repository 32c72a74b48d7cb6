"""The index of a patch store: where each patch comes from and where it is kept, as a GeoPackage that QGIS opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from watermap.errors import DataError

INDEX_FILE: Final = "patches.gpkg"
INDEX_LAYER: Final = "patches"


@dataclass(frozen=True)
class PatchRecord:
    """Where a patch comes from and where it is kept.

    Attributes:
        id: unique in its store.
        scene: the scene it was cut from.
        split: train, validation or test.
        block: the ground block it lies in.
        row, col: first pixel in the scene.
        water_fraction: of its pixels with image and label.
        valid_fraction: pixels with image and label.
        shard, position: number of its split's shard, and place in it.
        footprint: shapely polygon in EPSG:4326.
    """

    id: str
    scene: str
    split: str
    block: str
    row: int
    col: int
    water_fraction: float
    valid_fraction: float
    shard: int
    position: int
    footprint: Any


def write_index(path: Path, records: Sequence[PatchRecord]) -> None:
    """Write the outlines and origins of patches as a GeoPackage, one layer, EPSG:4326."""
    outlines = np.array([record.footprint for record in records], dtype=object)
    single = bool((shapely.get_type_id(outlines) == shapely.GeometryType.POLYGON).all())
    texts = {name: [getattr(r, name) for r in records] for name in ("id", "scene", "split", "block")}
    integers = {name: [getattr(r, name) for r in records] for name in ("row", "col", "shard", "position")}
    fractions = {name: [getattr(r, name) for r in records] for name in ("water_fraction", "valid_fraction")}
    columns = (
        {name: np.array(values, dtype=object) for name, values in texts.items()}
        | {name: np.array(values, dtype=np.float64) for name, values in fractions.items()}
        | {name: np.array(values, dtype=np.int64) for name, values in integers.items()}
    )
    pyogrio.raw.write(
        path,
        shapely.to_wkb(outlines),
        list(columns.values()),
        list(columns),
        layer=INDEX_LAYER,
        driver="GPKG",
        geometry_type="Polygon" if single else "Unknown",
        crs="EPSG:4326",
    )


def read_index(path: Path) -> list[PatchRecord]:
    """Read what `write_index` wrote, in the same order.

    Raises:
        DataError: the file is missing or damaged.
    """
    if not path.is_file():
        raise damaged(path, "it is missing")
    try:
        meta, _, geometry, columns = pyogrio.raw.read(path, layer=INDEX_LAYER)
        table = dict(zip(meta["fields"].tolist(), (column.tolist() for column in columns), strict=True))
        rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
        outlines = shapely.from_wkb(geometry)
        return [PatchRecord(**row, footprint=outline) for row, outline in zip(rows, outlines, strict=True)]
    except (DataSourceError, DataLayerError, shapely.errors.ShapelyError, TypeError, ValueError) as error:
        raise damaged(path, "it is not readable") from error


def damaged(path: Path, reason: str) -> DataError:
    """The error for a file of a store that is not as it was written."""
    return DataError(f"{path}: damaged, {reason}", hint="tile the scenes again")
