"""Shapes on the ground."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely

from watermap.arrays import Shapes


def polygons(geometry: Any) -> Shapes:
    """The polygons in a geometry, or in an array of them, at any depth; invalid ones are repaired.

    A ring that crosses itself becomes its loops, and a hole takes nothing but what it has in common with its shell.
    """
    parts = polygons_only(single_parts(geometry))
    valid = shapely.is_valid(parts)
    repaired = [shapely.difference(_enclosed([part.exterior]), _enclosed(part.interiors)) for part in parts[~valid]]
    return np.concatenate([parts[valid], polygons_only(single_parts(repaired))])


def _enclosed(rings: Iterable[Any]) -> Any:
    """The ground within rings, which may cross themselves and one another."""
    return shapely.union_all(polygons_only(single_parts([shapely.make_valid(shapely.Polygon(ring)) for ring in rings])))


def single_parts(geometry: Any) -> Shapes:
    """The single parts of geometries, without missing and empty ones."""
    flat = shapely.get_parts(geometry)
    while (shapely.get_type_id(flat) > shapely.GeometryType.POLYGON).any():
        flat = shapely.get_parts(flat)
    return np.asarray(flat[~shapely.is_empty(flat)])


def polygons_only(flat: Shapes) -> Shapes:
    """Those of single parts that are polygons."""
    return np.asarray(flat[shapely.get_type_id(flat) == shapely.GeometryType.POLYGON])
