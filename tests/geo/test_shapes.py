"""Shapes on the ground: their polygons, at any depth and repaired."""

from __future__ import annotations

import numpy as np
import shapely

from watermap.geo.shapes import polygons, polygons_only, single_parts

SQUARE = shapely.box(0, 0, 2, 2)
OTHER = shapely.box(5, 0, 6, 1)
LINE = shapely.LineString([(0, 0), (1, 1)])


def test_polygons_are_found_at_any_depth() -> None:
    nested = shapely.GeometryCollection([LINE, shapely.GeometryCollection([shapely.MultiPolygon([SQUARE, OTHER])])])
    assert list(polygons(nested)) == [SQUARE, OTHER]
    assert list(polygons([nested, LINE, SQUARE])) == [SQUARE, OTHER, SQUARE]


def test_missing_and_empty_parts_are_left_out() -> None:
    parts = np.array([None, shapely.Polygon(), SQUARE, shapely.MultiPoint()], dtype=object)
    assert list(single_parts(parts)) == [SQUARE]
    assert len(polygons(np.array([], dtype=object))) == 0


def test_only_polygons_are_ground() -> None:
    flat = single_parts([LINE, SQUARE, shapely.Point(1, 1)])
    assert list(polygons_only(flat)) == [SQUARE]


def test_a_ring_that_crosses_itself_becomes_its_loops() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    found = polygons(bow)
    assert [part.area for part in found] == [1, 1]
    assert shapely.is_valid(found).all()


def test_a_hole_takes_only_what_it_shares_with_its_shell() -> None:
    hole = [(1, 0.5), (3, 0.5), (3, 1.5), (1, 1.5)]  # half of it lies outside
    found = polygons(shapely.Polygon(SQUARE.exterior, [hole]))
    assert shapely.union_all(found).area == 3
    assert shapely.is_valid(found).all()
