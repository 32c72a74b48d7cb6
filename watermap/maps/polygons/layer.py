"""Outlines of water bodies as the layer of a GeoPackage: how they are drawn, and what is told of each."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from watermap.config import VectorizeConfig
from watermap.geo.ellipsoid import Ellipsoid, Values, to_map
from watermap.geo.grid import Grid
from watermap.io.files import unwritable
from watermap.io.geopackage import NEW_FILE
from watermap.maps.polygons.outlines import Outlines, Polygons
from watermap.maps.polygons.smoothing import simplify, smooth

LAYER: Final = "water"

SIZE_CLASSES: Final = (("pond", 5e4), ("small lake", 1e6), ("lake", np.inf))
"""Classes of size, and the area in m2 that each ends below. Size is all that they tell: a river's reach has one too.

Sources: Richardson et al. 2022, doi:10.1038/s41598-022-14569-0 (ponds are smaller than 5 ha); the EU's Water Framework
Directive, annex II (the smallest lakes that it tells apart by size end at 1 km2).
"""


class Drawing:
    """How bodies of a raster are drawn on the map.

    Args:
        grid: of the raster.
        config: how shores are drawn.
        name: of the raster, for messages.

    Raises:
        DataError: the CRS is not tied to the Earth.
    """

    def __init__(self, grid: Grid, config: VectorizeConfig, name: str) -> None:
        self.grid = grid
        self.config = config
        self._ellipsoid = Ellipsoid(grid.crs, name)

    def shape(self, outlines: Outlines) -> tuple[Polygons, Values, Values, npt.NDArray[np.bool_]]:
        """Polygons in the CRS, their areas in m2 and perimeters in metres, and which bodies are not too small.

        Raises:
            DataError: a body reaches where the CRS does not.
        """
        exact = outlines.polygons()
        placed = self._on_map(exact)
        areas, perimeters = self._ellipsoid.measure(placed)
        keeps = areas >= self.config.min_area_m2
        shaped = self._shaped(outlines, exact)
        if shaped is exact:
            return placed, areas, perimeters, keeps
        polygons = self._on_map(shaped)
        polygons = np.where(shapely.is_valid(polygons), polygons, placed)
        return polygons, *self._ellipsoid.measure(polygons), keeps

    def _shaped(self, outlines: Outlines, exact: Polygons) -> Polygons:
        shaped = smooth(outlines).polygons() if self.config.smooth else exact
        if self.config.simplify_m:
            boxes = shapely.bounds(exact)
            frames = self._ellipsoid.frames((boxes[:, :2] + boxes[:, 2:]) / 2, self.grid.transform)
            shaped = simplify(shaped, self.config.simplify_m, frames)
        return shaped

    def _on_map(self, polygons: Polygons) -> Polygons:
        """From pixels to the CRS, outer rings counterclockwise."""
        transform = self.grid.transform
        placed: Polygons = shapely.transform(polygons, lambda points: to_map(points, transform))
        return shapely.reverse(placed) if transform.determinant > 0 else placed


class BodyLayer:
    """The layer of water bodies in a GeoPackage, written in batches.

    Args:
        path: what the file will be called, for messages.
        part: where it is written.
        drawing: how bodies are drawn.
        date: when they were seen.
        has_classes: whether a field tells classes apart.

    Attributes:
        count: bodies written so far.
        area_m2: their area, as they are drawn.
        dropped: bodies that were too small.
    """

    def __init__(
        self, path: Path, part: Path, drawing: Drawing, date: datetime.date | None, *, has_classes: bool = False
    ) -> None:
        self._path = path
        self._has_classes = has_classes
        self._part = part
        self._drawing = drawing
        self._date = np.datetime64("NaT", "D") if date is None else np.datetime64(date, "D")
        self.count = 0
        self.area_m2 = 0.0
        self.dropped = 0

    def write(self, bodies: npt.NDArray[Any], outlines: Outlines, *, steps: int, name: str = "") -> None:
        """Write bodies after those already written.

        Args:
            bodies: what is known of them, of the type `shelf.BODY`.
            outlines: of the same bodies.
            steps: of probability from none to all; 0 without any.
            name: of their class.

        Raises:
            DataError: they cannot be written, or reach where their CRS does not.
        """
        polygons, areas, perimeters, keeps = self._drawing.shape(outlines)
        count = int(np.count_nonzero(keeps))
        self.dropped += len(keeps) - count
        known = bodies["known"] * steps
        mean = np.full(len(bodies), np.nan)
        np.divide(bodies["probability"], known, out=mean, where=known > 0)
        fields = {
            "id": np.arange(self.count + 1, self.count + count + 1),
            "area_m2": areas[keeps],
            "perimeter_m": perimeters[keeps],
            "mean_probability": mean[keeps],
            "size_class": size_classes(areas[keeps]),
            "touches_edge": bodies["open"][keeps],
            "date": np.full(count, self._date),
        }
        if self._has_classes:
            fields["class"] = np.full(count, name, dtype=object)
        if count:
            self._append(polygons[keeps], fields)
        self.count += count
        self.area_m2 += float(areas[keeps].sum())

    def finish(self) -> None:
        """Make the layer if there was no body for it.

        Raises:
            DataError: it cannot be written.
        """
        if not self.count:
            none = np.zeros(0)
            fields = dict.fromkeys(("area_m2", "perimeter_m", "mean_probability"), none)
            texts, flags = none.astype(object), none.astype(bool)
            more = {"size_class": texts, "touches_edge": flags, "date": none.astype("datetime64[D]")}
            more |= {"class": texts} if self._has_classes else {}
            self._append(none.astype(object), {"id": none.astype(np.int64), **fields, **more})

    def _append(self, polygons: Polygons, fields: dict[str, npt.NDArray[Any]]) -> None:
        try:
            pyogrio.raw.write(
                self._part,
                shapely.to_wkb(polygons),
                list(fields.values()),
                list(fields),
                layer=LAYER,
                driver="GPKG",
                geometry_type="Polygon",
                crs=self._drawing.grid.crs.to_wkt(),
                append=self.count > 0,
                dataset_options=None if self.count else NEW_FILE,
            )
        except (DataSourceError, DataLayerError) as error:
            raise unwritable(self._path, error) from error


def size_classes(areas_m2: Values) -> npt.NDArray[np.object_]:
    """The class of size of each area."""
    names = np.array([name for name, _ in SIZE_CLASSES], dtype=object)
    return names[np.searchsorted([end for _, end in SIZE_CLASSES], areas_m2, side="right")]
