"""Areas and lengths of polygons on the ellipsoid of their CRS, whatever its projection does to them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from affine import Affine
from pyproj.exceptions import ProjError
from rasterio.crs import CRS

from watermap.arrays import Shapes
from watermap.errors import DataError
from watermap.geo.crs import LON_LAT

Values = npt.NDArray[np.float64]

_STEP_M: Final = 500.0
"""Edges are measured in steps of this length: over it a line that is straight on the map strays from the geodesic by a
centimetre at the middle latitudes, which is 1e-5 of what a body of that size covers."""


_HALF_ROUND: Final = 180.0
"""Degrees of longitude over which a ring must reach to hold more than half of the ellipsoid."""
_MOST: Final = 0.5
"""Of the Earth that the box around a ring may hold: what a ring of geodesics encloses is told of the smaller side."""


class Ellipsoid:
    """The ellipsoid below a CRS.

    Args:
        crs: geographic or projected, in any unit.
        name: the file, for messages.

    Attributes:
        geod: what measures on it, in degrees and metres.
        is_geographic: whether the CRS counts in angles.
        unit_m: metres of a unit of the CRS, along the equator where it counts in angles.

    Raises:
        DataError: the CRS is not tied to the Earth.
    """

    def __init__(self, crs: CRS, name: str) -> None:
        self._name = name
        try:
            found = _known(crs.to_wkt())
        except ProjError as error:
            raise self._failure("its CRS is not one that areas can be told in") from error
        if found is None:
            raise self._failure("its CRS is not tied to the Earth")
        self.geod, self._transform = found.geod, found.to_degrees.transform
        self.is_geographic, self.unit_m = found.is_geographic, found.unit_m

    def degrees(self, points: Values) -> Values:
        """Longitudes and latitudes, (2, points), of points of the CRS, (points, 2).

        Raises:
            DataError: a point lies where the CRS does not reach.
        """
        found = np.array(self._transform(points[:, 0], points[:, 1]))
        if not np.isfinite(found).all():
            raise self._failure("it reaches beyond where its CRS is defined")
        found[1] = np.clip(found[1], -90, 90)  # world grids reach half a pixel beyond the poles
        return found

    def measure(self, polygons: npt.NDArray[Any]) -> tuple[Values, Values]:
        """Areas in m2 and perimeters in metres, islands' shores included, of polygons in the CRS.

        Raises:
            DataError: a polygon reaches where the CRS does not, or may cover more than half of the Earth.
        """
        if not len(polygons):
            return np.zeros(0), np.zeros(0)
        _, points, (rings, bodies) = shapely.to_ragged_array(polygons)
        points, rings = _stepwise(points, rings, _STEP_M / self.unit_m)
        lons, lats = self.degrees(points)
        found = np.array(
            [
                self.geod.polygon_area_perimeter(lons[start:end], lats[start:end])
                for start, end in zip(rings[:-1].tolist(), rings[1:].tolist(), strict=True)
            ]
        )
        areas = -np.abs(found[:, 0])
        self._refuse_large(lons, lats, rings[:-1])
        areas[bodies[:-1]] *= -1
        return np.add.reduceat(areas, bodies[:-1]), np.add.reduceat(found[:, 1], bodies[:-1])

    def _refuse_large(self, lons: Values, lats: Values, starts: npt.NDArray[np.int64]) -> None:
        """Refuse rings that may hold more than half of the Earth, whose area would be that of the rest."""
        around = np.maximum.reduceat(lons, starts) - np.minimum.reduceat(lons, starts)
        sines = np.sin(np.radians(lats))
        height = np.maximum.reduceat(sines, starts) - np.minimum.reduceat(sines, starts)
        if np.any((around >= _HALF_ROUND) & (around / 360 * height / 2 > _MOST)):
            what = f"{self._name}: a polygon may cover more than half of the Earth, so its area cannot be told"
            raise DataError(what, hint="cut the raster into parts, with gdal_translate -projwin")

    def frames(self, middles: Values, transform: Affine) -> Values:
        """How pixels lie on the ground at some places.

        Args:
            middles: (places, 2) column and row.
            transform: pixel to CRS.

        Returns:
            (places, 2, 2): metres to the east and to the north of a column and of a row.
        """
        at = middles[:, None, :] + [(0, 0), (1, 0), (0, 1)]
        (lons, lats) = self.degrees(to_map(at.reshape(-1, 2), transform)).reshape(2, -1, 3)
        sides = []
        for side in (1, 2):
            azimuth, _, metres = self.geod.inv(lons[:, 0], lats[:, 0], lons[:, side], lats[:, side])
            sides.append(np.stack([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))]) * metres)
        return np.stack(sides).transpose(2, 1, 0)

    def _failure(self, what: str) -> DataError:
        hint = "warp it to a CRS of the place, such as its UTM zone, with gdalwarp -t_srs"
        return DataError(f"{self._name}: {what}", hint=hint)


@dataclass(frozen=True)
class _Known:
    geod: pyproj.Geod
    to_degrees: pyproj.Transformer
    is_geographic: bool
    unit_m: float


@functools.lru_cache(maxsize=8)
def _known(wkt: str) -> _Known | None:
    """What PROJ knows of a CRS; None where it is not tied to the Earth."""
    own = pyproj.CRS.from_wkt(wkt)
    geod = own.get_geod()
    if geod is None:
        return None
    # in degrees from Greenwich, which a CRS's own longitude and latitude need not be; no shift of the datum
    degrees = pyproj.CRS.from_dict({"proj": "longlat", "a": geod.a, "b": geod.b})
    unit = own.axis_info[0].unit_conversion_factor if own.axis_info else 1.0
    return _Known(
        geod=geod,
        to_degrees=pyproj.Transformer.from_crs(own, degrees, always_xy=True),
        is_geographic=own.is_geographic,
        unit_m=unit * (geod.a if own.is_geographic else 1.0),
    )


def areas_m2(lon_lat: Sequence[Any] | Shapes) -> Values:
    """Areas on the ellipsoid of shapes in EPSG:4326, their edges straight in degrees.

    Args:
        lon_lat: (n,) of any kind; what is no polygon has no area.

    Returns:
        (n,) in m2.
    """
    parts, owners = shapely.get_parts(np.array(lon_lat, dtype=object), return_index=True)
    has_area = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    areas, _ = Ellipsoid(LON_LAT, "shapes in degrees").measure(parts[has_area])
    return np.bincount(owners[has_area], areas, minlength=len(lon_lat)).astype(np.float64)


def _stepwise(points: Values, rings: npt.NDArray[np.int64], step: float) -> tuple[Values, npt.NDArray[np.int64]]:
    """Closed rings whose edges are cut into parts no longer than a step; `shapely.segmentize` repairs what it cuts,
    which takes minutes where islands are many.

    Args:
        points: (points, 2), ring by ring.
        rings: (rings + 1,) where each starts, and the end.
        step: in units of the points.
    """
    edges = np.diff(points, axis=0, append=points[-1:])
    edges[rings[1:] - 1] = 0
    parts = np.maximum(1, np.ceil(np.hypot(edges[:, 0], edges[:, 1]) / step)).astype(np.int64)
    starts = np.append(0, np.cumsum(parts))
    if starts[-1] == len(points):
        return points, rings
    share = (np.arange(starts[-1]) - np.repeat(starts[:-1], parts)) / np.repeat(parts, parts)
    return np.repeat(points, parts, axis=0) + share[:, None] * np.repeat(edges, parts, axis=0), starts[rings]


def to_map(points: Values, transform: Affine) -> Values:
    """Points (points, 2) of columns and rows, in the CRS."""
    cols, rows = points[:, 0], points[:, 1]
    t = transform
    return np.stack([t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f], axis=1)
