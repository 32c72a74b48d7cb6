"""Where: an area of interest, read from what a user gives, be it a vector file, WKT or a bounding box."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.crs import CRS

from watermap.arrays import Shapes
from watermap.errors import DataError, UsageError, WatermapError
from watermap.geo.crs import GDAL_ERRORS, LON_LAT, transform_shapes
from watermap.geo.ellipsoid import areas_m2
from watermap.geo.shapes import polygons, polygons_only, single_parts

_WKT: Final = re.compile(r"(srid=\d+;)?\s*(point|line|polygon|multi|geometry|curve|circular)\w*[\szm]*(\(|empty)", re.I)
_BOX: Final = re.compile(r"(^|,)\s*[-+]?([\d.]+(e[-+]?\d+)?|nan|inf\w*)\s*([,;\s]|$)", re.I)
_BOX_HINT: Final = "give minx,miny,maxx,maxy in degrees, and split what crosses the antimeridian at 180 degrees"
_NO_WAY: Final[tuple[type[Exception], ...]] = (DataError, *GDAL_ERRORS)
"""A CRS that nobody knows, or none that leads to degrees."""
_SPLIT_HINT: Final = "split it at 180 degrees, each part between -180 and 180"


@dataclass(frozen=True)
class Area:
    """An area of interest.

    Attributes:
        geometry: valid Polygon or MultiPolygon in degrees (longitude, latitude; EPSG:4326), edges straight in degrees.
        notes: what was repaired, left out or taken for granted, one line each.
    """

    geometry: shapely.Polygon | shapely.MultiPolygon
    notes: tuple[str, ...] = ()

    @property
    def area_km2(self) -> float:
        """Its area on the ellipsoid."""
        return float(areas_m2([self.geometry])[0]) / 1e6

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees."""
        west, south, east, north = self.geometry.bounds
        return west, south, east, north

    def in_crs(self, crs: CRS) -> shapely.Polygon | shapely.MultiPolygon:
        """The same area in another CRS, its outline right to a metre.

        Raises:
            DataError: the CRS does not reach there.
        """
        try:
            moved = transform_shapes(self.geometry, LON_LAT, crs)
        except DataError as error:
            raise DataError(f"the area cannot be transformed to {crs}", hint="choose a CRS for that place") from error
        return moved if moved.is_valid else shapely.union_all(polygons(moved))


def read_area(text: str) -> Area:
    """Read an area of interest.

    What exists is a file; what ends like a file's name is one that is missing; the rest is told by how it begins.

    Args:
        text: a vector file (GeoJSON, GeoPackage, Shapefile, ...; all polygons of a layer are one area), a `.wkt` file,
            WKT, or `minx,miny,maxx,maxy`. WKT and boxes are in degrees, longitude before latitude.

    Raises:
        UsageError: a bounding box or WKT that is wrong.
        DataError: a file that is missing or cannot be used.
    """
    text = text.strip()
    name = " ".join(text.split())[:60]
    try:
        path = Path(text).expanduser()
        exists = bool(text) and path.exists()
    except (OSError, ValueError, RuntimeError):  # too long for a name; NUL in it; ~ of nobody
        exists = False
    if exists:
        return _read_file(path)
    if not re.search(r"\.[a-z]\w*$", text, re.I):
        if _WKT.match(text) or "((" in text:
            return _area(_parse_wkt(text, name, UsageError), name, UsageError)
        if not text or _BOX.search(text):
            return _area(_parse_box(text), name, UsageError)
    raise DataError(f"{name}: no such file", hint="check the path, or give WKT, or minx,miny,maxx,maxy in degrees")


def _parse_box(text: str) -> Shapes:
    try:
        west, south, east, north = numbers = [float(piece) for piece in text.split(",")]
    except ValueError:
        numbers = [np.nan]
    if not np.isfinite(numbers).all():
        raise UsageError(f"{text!r:.60}: not a bounding box of four numbers, divided by commas", hint=_BOX_HINT)
    for low, high, axis in ((west, east, "x"), (south, north, "y")):
        if low >= high:
            raise UsageError(f"{text}: min{axis} is not less than max{axis}", hint=_BOX_HINT)
    return np.array([shapely.box(west, south, east, north)])


def _parse_wkt(text: str, name: str, error: type[WatermapError]) -> Shapes:
    try:
        with np.errstate(all="ignore"):  # numbers that overflow are refused with the others that are not finite
            return np.array([shapely.from_wkt(text)])
    except (shapely.errors.ShapelyError, NotImplementedError) as problem:
        reason = re.sub(r"^\w+Exception: ", "", str(problem))
        hint = "write POLYGON ((lon lat, ...)) in degrees, the first point again at the end"
        raise error(f"{name}: not WKT that can be used ({reason})", hint=hint) from problem


def _read_file(path: Path) -> Area:
    if path.is_dir() and path.suffix.lower() != ".gdb":
        raise DataError(f"{path}: is a folder", hint="give a vector file in it")
    layers: list[str] = []
    try:
        if path.suffix.lower() == ".wkt":
            found = _parse_wkt(path.read_text(encoding="utf-8-sig", errors="replace"), str(path), DataError)
            return _area(found, str(path), DataError, note="taken to be in degrees, longitude before latitude")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what GDAL says of rings and ids; bad rings are refused
            layers = [name for name, kind in pyogrio.list_layers(path).tolist() if kind is not None]
            for layer in layers:
                meta, _, blobs, _ = pyogrio.raw.read(path, layer=layer, columns=[])
                found = shapely.from_wkb(blobs)
                if len(polygons_only(single_parts(found))):
                    break
    except (OSError, DataSourceError, DataLayerError) as error:
        hint = "give GeoJSON, a GeoPackage, or a Shapefile with its .shx and .dbf"
        raise DataError(f"{path}: not a vector file that can be read", hint=hint) from error
    except (shapely.errors.ShapelyError, NotImplementedError) as error:
        hint = "repair its geometries, in QGIS for instance"
        raise DataError(f"{path}: holds a ring that is not closed, or a shape of another kind", hint=hint) from error
    if not layers:
        raise DataError(f"{path}: is a table without shapes", hint="give a file with a polygon")
    if not meta["crs"]:
        hint = "set it with ogr2ogr -a_srs, give a shapefile its .prj, or save GeoJSON in degrees"
        raise DataError(f"{path}: does not say its CRS", hint=hint)
    note = f"of {len(layers)} layers {layer} is used, the first with polygons" if len(layers) > 1 else ""
    return _area(found, str(path), DataError, crs=meta["crs"], note=note)


def _area(found: Shapes, name: str, error: type[WatermapError], *, crs: str = "", note: str = "") -> Area:
    """Check, repair and merge the polygons among geometries, in degrees where no CRS is told."""
    flat = shapely.force_2d(single_parts(found))
    parts = polygons_only(flat)
    if not len(parts):
        reason = "holds points or lines, no polygons" if len(flat) else "holds no shapes"
        raise error(f"{name}: {reason}", hint="buffer points and lines to polygons, or give a bounding box")
    if not np.isfinite(shapely.get_coordinates(parts)).all():
        raise error(f"{name}: holds coordinates that are not finite numbers", hint="correct or remove them")
    notes = [note] if note else []
    left_out = len(flat) - len(parts) + int(shapely.is_missing(found).sum())
    if left_out:
        notes.append(f"shapes left out that are no polygons or cannot be read: {left_out}")
    if shapely.has_z(found).any():
        notes.append("heights (Z) left out")
    invalid = parts[~shapely.is_valid(parts)]
    if len(invalid):
        notes.append(f"invalid polygons repaired: {len(invalid)}, {shapely.is_valid_reason(invalid[0])}")
    degrees = _in_degrees(parts, name, crs) if crs else parts
    _check_degrees(degrees, name, error)
    geometry = shapely.union_all(polygons(degrees))
    if not geometry.area:
        raise error(f"{name}: has no area", hint="give a polygon with three corners or more that are not in line")
    return Area(geometry, tuple(f"{name}: {text}" for text in notes))


def _in_degrees(parts: Shapes, name: str, text: str) -> Shapes:
    """Polygons of a file in degrees, edges straight in the file's CRS."""
    try:
        crs = CRS.from_user_input(text)
        if crs == LON_LAT:
            return parts
        moved = transform_shapes(parts, crs, LON_LAT)
    except _NO_WAY as error:
        raise DataError(f"{name}: cannot be transformed to degrees", hint="check its CRS and coordinates") from error
    return np.asarray(shapely.transform(moved, lambda points: points.round(10)))  # 180.00000000001 is 180


def _check_degrees(parts: Shapes, name: str, error: type[WatermapError]) -> None:
    """Refuse what is nowhere, crosses the antimeridian, or lies beyond the UTM zones."""
    west, south, east, north = shapely.total_bounds(parts).tolist()
    extent = f"({west:g}, {south:g}) to ({east:g}, {north:g})"
    if max(-west, east) > 360 or max(-south, north) > 90:
        hint = "give degrees, longitude before latitude; perhaps they are swapped, or metres of another CRS"
        raise error(f"{name}: {extent} are not degrees", hint=hint)
    if max(-west, east) > 180:
        raise error(f"{name}: longitudes of {extent} are not within -180 to 180", hint=_SPLIT_HINT)
    width = np.ptp(shapely.bounds(parts)[:, ::2], axis=1).max()
    if width > 180:
        raise error(f"{name}: is {width:g} degrees wide, or crosses the antimeridian", hint=_SPLIT_HINT)
    if south < -80 or north > 84:
        hint = "keep to 80 S to 84 N, where there are UTM zones and Sentinel-2 images of land"
        raise error(f"{name}: {extent} reaches too near a pole", hint=hint)
