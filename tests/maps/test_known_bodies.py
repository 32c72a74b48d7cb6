"""Outlines of water bodies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform

from tests.support.failures import one_line
from tests.support.rasters import LON_LAT, UTM32, UTM33, make_grid
from watermap.errors import DataError, UsageError
from watermap.io.paths import location
from watermap.maps.known_bodies import KnownBodies, read_known_bodies

GRID = make_grid(60, 40)


def write_outlines(
    path: Path, shapes: Sequence[Any], ids: Any = None, *, crs: CRS | None = UTM33, field: str = "id", kind: str = ""
) -> Path:
    """Write polygons with ids as a GeoPackage."""
    names = np.array(range(1, len(shapes) + 1) if ids is None else ids)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes)),
        [names],
        [field],
        geometry_type=kind or "Polygon",
        crs=None if crs is None else crs.to_wkt(),
    )
    return path


def box(col: float, row: float, width: float, height: float) -> Any:
    """A rectangle of whole or broken pixels of the grid."""
    left, top = GRID.transform @ (col, row)
    return shapely.box(left, top - 10 * height, left + 10 * width, top)


def pixels(outlines: KnownBodies, index: int) -> Any:
    """(rows, cols) of one body."""
    return np.any([layer == index + 1 for layer in outlines.within(GRID)], axis=0)


BOXES = st.builds(box, st.integers(-5, 59), st.integers(-5, 39), st.integers(1, 30), st.integers(1, 30))


@settings(max_examples=40, deadline=None)
@given(st.lists(BOXES, min_size=1, max_size=8))
def test_bodies_have_their_pixels_though_others_overlap(tmp_path_factory: pytest.TempPathFactory, shapes: Any) -> None:
    path = write_outlines(tmp_path_factory.mktemp("outlines") / "b.gpkg", shapes)
    outlines = read_known_bodies(path, UTM33)
    assert outlines.ids == tuple(str(number) for number in range(1, len(shapes) + 1))
    assert sorted(index for layer in outlines.layers for index in layer) == list(range(len(shapes)))
    rows, cols = np.mgrid[:40, :60]
    xs, ys = 500_005.0 + 10 * cols, 5_299_995.0 - 10 * rows
    for index, shape in enumerate(shapes):
        np.testing.assert_array_equal(pixels(outlines, index), shapely.contains_xy(shape, xs, ys))


def test_bodies_that_only_touch_share_a_layer(tmp_path: Path) -> None:
    path = write_outlines(tmp_path / "b.gpkg", [box(0, 0, 5, 5), box(5, 0, 5, 5), box(3, 3, 5, 5)])
    assert read_known_bodies(path, UTM33).layers == ((0, 1), (2,))


def test_polygons_of_one_id_are_one_body_and_ids_may_be_any(tmp_path: Path) -> None:
    shapes = [box(0, 0, 2, 2), box(10, 0, 3, 3), box(1, 1, 2, 2)]
    outlines = read_known_bodies(write_outlines(tmp_path / "a.gpkg", shapes, ["one", "two", "one"]), UTM33)
    assert outlines.ids == ("one", "two")
    assert pixels(outlines, 0).sum() == 7
    outlines = read_known_bodies(write_outlines(tmp_path / "b.gpkg", shapes, [3.0, 1.5, 3.0]), UTM33)
    assert outlines.ids == ("3", "1.5")


@pytest.mark.parametrize("crs", [LON_LAT, UTM32])
def test_outlines_in_another_crs_lie_in_the_same_place(crs: CRS, tmp_path: Path) -> None:
    shape = box(10.3, 5.3, 30, 20)
    moved = shapely.transform(
        shapely.segmentize(shape, 20), lambda points: np.column_stack(transform(UTM33, crs, *points.T))
    )
    here = read_known_bodies(write_outlines(tmp_path / "a.gpkg", [shape]), UTM33)
    there = read_known_bodies(write_outlines(tmp_path / "b.gpkg", [moved], crs=crs), UTM33)
    np.testing.assert_array_equal(pixels(there, 0), pixels(here, 0))


def test_long_edges_keep_to_their_course(tmp_path: Path) -> None:
    outlines = read_known_bodies(write_outlines(tmp_path / "b.gpkg", [shapely.box(14, 47, 16, 48)], crs=LON_LAT), UTM33)
    (x,), (y,) = transform(LON_LAT, UTM33, [14.5], [48])  # straight from corner to corner it would lie 300 m inside
    assert shapely.distance(shapely.boundary(outlines.shapes[0]), shapely.Point(x, y)) < 1


def test_a_ring_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    left, top = GRID.transform @ (10, 10)
    bow = shapely.Polygon([(left, top), (left + 100, top - 100), (left + 100, top), (left, top - 100)])
    outlines = read_known_bodies(write_outlines(tmp_path / "b.gpkg", [bow]), UTM33)
    assert shapely.area(outlines.shapes[0]) == pytest.approx(5000)


def test_outlines_elsewhere_are_refused() -> None:
    with pytest.raises(UsageError, match="outlines are read from local files"):
        read_known_bodies(location("https://example.org/bodies.gpkg"), UTM33)


def test_files_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.gpkg"
    text.write_text("no vector file")
    points = [shapely.Point(500_000, 5_299_000)]
    none = [box(0, 0, 2, 2), box(4, 4, 2, 2)]
    for path, said in (
        (tmp_path / "absent.gpkg", "no such file"),
        (text, "not a vector file"),
        (write_outlines(tmp_path / "points.gpkg", points, kind="Point"), "holds no polygons"),
        (write_outlines(tmp_path / "unnamed.gpkg", none, field="name"), "has no field id (its fields are name)"),
        (write_outlines(tmp_path / "null.gpkg", none, [1.0, np.nan]), "body 2 has no id"),
        (write_outlines(tmp_path / "missing.gpkg", [None, None]), "holds no polygons"),
        (write_outlines(tmp_path / "far.gpkg", [shapely.box(1e9, 1e9, 2e9, 2e9)]), "cannot be transformed"),
    ):
        with pytest.raises(DataError) as error:
            read_known_bodies(path, LON_LAT)
        assert said in one_line(error)
        assert path.name in one_line(error)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_without_a_crs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.geojson"
    write_outlines(path.with_suffix(".shp"), [box(0, 0, 2, 2)], crs=None)
    with pytest.raises(DataError, match="does not say its CRS"):
        read_known_bodies(path.with_suffix(".shp"), UTM33)
