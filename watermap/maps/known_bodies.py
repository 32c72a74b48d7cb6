"""Outlines of water bodies from a polygon file, and which pixels lie within them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.crs import CRS
from rasterio.features import rasterize

from watermap.arrays import Shapes
from watermap.errors import DataError
from watermap.geo.crs import transform_shapes
from watermap.geo.grid import Grid
from watermap.geo.shapes import polygons
from watermap.io.paths import local

ID_FIELD: Final = "id"

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class KnownBodies:
    """Water bodies by their outlines.

    Attributes:
        ids: of the bodies, as text, each once.
        shapes: (n,) polygons and multipolygons, in the order of the ids.
        layers: indexes of bodies that do not overlap each other; every body is in one layer.
    """

    ids: tuple[str, ...]
    shapes: Shapes
    layers: tuple[tuple[int, ...], ...]

    def within(self, grid: Grid) -> list[Labels]:
        """Which body each pixel's centre lies in, one array a layer that has any here.

        Args:
            grid: of the pixels.

        Returns:
            (rows, cols) each: 1 + the body's index, 0 outside.
        """
        here = shapely.intersects(self.shapes, shapely.Polygon(grid.corners()))
        found = []
        for layer in self.layers:
            shapes = [(self.shapes[index], index + 1) for index in layer if here[index]]
            if shapes:
                found.append(rasterize(shapes, out_shape=grid.shape, transform=grid.transform, dtype=np.int32))
        return found


def read_known_bodies(path: Path, crs: CRS) -> KnownBodies:
    """Read the outlines of water bodies: polygons with a field `id`; polygons of one id are one body.

    Args:
        path: a GeoPackage, or another vector file; its first layer that holds polygons is read.
        crs: in which they are wanted.

    Raises:
        UsageError: the file does not lie on this machine.
        DataError: it is missing or cannot be read, holds no polygons, no ids or no CRS, or lies where the wanted
            CRS does not reach.
    """
    if not local(path, what="outlines are read from local files", hint="copy the file to this machine").is_file():
        raise DataError(f"{path}: no such file", hint="give a GeoPackage of outlines with a field id")
    ids, geometries, own = _read(path)
    parts: dict[str, list[Any]] = {}
    for name, geometry in zip(ids, geometries, strict=True):
        if shapely.get_type_id(geometry) != shapely.GeometryType.MISSING:
            parts.setdefault(name, []).extend(polygons(shapely.force_2d(geometry)))
    bodies = {name: shapely.union_all(pieces) for name, pieces in parts.items() if pieces}
    if not bodies:
        raise DataError(f"{path}: holds no polygons", hint="give the outlines of water bodies")
    shapes = _moved(np.array(list(bodies.values())), own, crs, path)
    return KnownBodies(tuple(bodies), shapes, _layers(shapes))


def _read(path: Path) -> tuple[list[str], Shapes, CRS]:
    """Ids, geometries and CRS of the first layer with polygons."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what GDAL says of rings and ids; bad rings are repaired
            layers = [name for name, kind in pyogrio.list_layers(path).tolist() if "Polygon" in str(kind)]
            if not layers:
                raise DataError(f"{path}: holds no polygons", hint="give the outlines of water bodies")
            meta, _, blobs, columns = pyogrio.raw.read(path, layer=layers[0])
        geometries = shapely.from_wkb(blobs)
    except (OSError, DataSourceError, DataLayerError) as error:
        raise DataError(f"{path}: not a vector file that can be read", hint="give a GeoPackage") from error
    except shapely.errors.ShapelyError as error:
        raise DataError(f"{path}: holds a shape that cannot be used", hint="repair it, in QGIS for instance") from error
    fields = list(meta["fields"])
    if ID_FIELD not in fields:
        named = f"its fields are {', '.join(fields)}" if fields else "it has no fields"
        raise DataError(f"{path}: has no field {ID_FIELD} ({named})", hint=f"name the bodies in a field {ID_FIELD}")
    if not meta["crs"]:
        raise DataError(f"{path}: does not say its CRS", hint="set it with ogr2ogr -a_srs")
    return _texts(columns[fields.index(ID_FIELD)], path), geometries, CRS.from_user_input(meta["crs"])


def _texts(values: Sequence[Any], path: Path) -> list[str]:
    """Ids as text; whole numbers that a file keeps as floats lose their point."""
    texts = []
    for number, value in enumerate(values, start=1):
        if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
            raise DataError(f"{path}: body {number} has no {ID_FIELD}", hint="give every body one")
        texts.append(str(int(value)) if isinstance(value, float) and value == int(value) else str(value))
    return texts


def _moved(shapes: Shapes, own: CRS, crs: CRS, path: Path) -> Shapes:
    """Outlines in another CRS, their edges right to a metre, repaired where moving made them cross."""
    if own == crs:
        return shapes
    try:
        moved = transform_shapes(shapes, own, crs)
    except DataError as error:
        hint = "check the outlines' CRS and coordinates"
        raise DataError(f"{path}: cannot be transformed to the CRS of the rasters", hint=hint) from error
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        hint = "check the outlines' CRS and coordinates"
        raise DataError(f"{path}: reaches where the CRS of the rasters does not", hint=hint)
    return np.array([each if each.is_valid else shapely.union_all(polygons(each)) for each in moved])


def _layers(shapes: Shapes) -> tuple[tuple[int, ...], ...]:
    """Bodies divided so that none overlaps another of its layer; mostly one layer holds all."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    meet = first < second
    first, second = first[meet], second[meet]
    overlap = ~shapely.touches(shapes[first], shapes[second])
    earlier: dict[int, list[int]] = {}
    for low, high in zip(first[overlap].tolist(), second[overlap].tolist(), strict=True):
        earlier.setdefault(high, []).append(low)
    layer_of: list[int] = []
    for index in range(len(shapes)):
        taken = {layer_of[other] for other in earlier.get(index, ())}
        layer_of.append(next(number for number in range(len(taken) + 1) if number not in taken))
    count = max(layer_of) + 1
    return tuple(tuple(i for i, layer in enumerate(layer_of) if layer == number) for number in range(count))
