"""UTM zones, and the windows that cover an area."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform
from rasterio.windows import Window

from tests.support.rasters import LON_LAT, UTM33, make_grid
from watermap.earthengine.aoi import Area
from watermap.earthengine.zones import split, utm_crs, zone_grid, zone_parts
from watermap.geo.grid import Grid

NORTH_UP = Affine(10, 0, 500_000, 0, -10, 5_300_000)
SOUTH_UP = Affine(10, 0, 500_000, 0, 10, 5_200_000)


def on(grid: Grid, *boxes: tuple[float, float, float, float]) -> Any:
    """Boxes of (left, top, right, bottom) in pixels as one geometry on a grid."""
    return move(shapely.union_all([shapely.box(*box) for box in boxes]), grid)


def move(shape: Any, grid: Grid) -> Any:
    a, b, c, d, e, f = grid.transform[:6]
    return shapely.transform(shape, lambda xy: np.column_stack([a * xy[:, 0] + b * xy[:, 1] + c, xy @ (d, e) + f]))


def boxes(windows: list[Window]) -> list[tuple[int, int, int, int]]:
    return [(w.col_off, w.row_off, w.width, w.height) for w in windows]


def thousandths(low: int, high: int) -> st.SearchStrategy[float]:
    """Numbers as people write them; denormal floats would try GEOS, not this code."""
    return st.integers(1000 * low, 1000 * high).map(lambda number: number / 1000)


# Zones


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (-180, 10, 32601),
        (-174.0001, 10, 32601),
        (-174, 10, 32602),
        (0, 0, 32631),
        (-0.001, -0.001, 32730),
        (15, 48, 32633),
        (179.99, -45, 32760),
        (180, -80, 32760),
        (5, 60, 32631),  # 32 by Norway's exception
        (10, 78, 32632),  # 33 by Svalbard's
    ],
)
def test_zones_are_plain(lon: float, lat: float, epsg: int) -> None:
    assert utm_crs(lon, lat).to_epsg() == epsg


@pytest.mark.parametrize(("lon", "lat"), [(181, 0), (0, 91), (float("nan"), 0), (0, float("nan"))])
def test_places_that_are_none_have_no_zone(lon: float, lat: float) -> None:
    with pytest.raises(ValueError, match="are not degrees"):
        utm_crs(lon, lat)


@st.composite
def areas(draw: st.DrawFn) -> Area:
    shapes = []
    for _ in range(draw(st.integers(1, 3))):
        west, south = draw(thousandths(-180, 170)), draw(thousandths(-80, 80))
        width, height = draw(thousandths(0, 10)) + 0.01, draw(thousandths(0, 4)) + 0.01
        east, north = min(180, west + width), min(84, south + height)
        corners = [(west, south), (east, south), (east, north), (west, north)]
        inner = shapely.box(west + width / 9, south + height / 9, west + width / 3, south + height / 3)
        shapes.append(shapely.Polygon(corners[: draw(st.integers(3, 4))]).difference(inner))
    return Area(shapely.union_all(shapes))


@settings(max_examples=30, deadline=None)
@given(areas())
def test_the_parts_of_zones_add_up(area: Area) -> None:
    parts = zone_parts(area)
    assert sum(part.area for _, part in parts) / 1e6 == pytest.approx(area.area_km2, rel=5e-3)
    zones = [crs.to_epsg() for crs, _ in parts]
    assert zones == sorted(zones, key=lambda epsg: (epsg % 100, epsg))
    assert len(set(zones)) == len(zones)
    for crs, part in parts:
        assert part.is_valid
        edge = shapely.get_coordinates(part)
        lon, lat = (np.array(axis) for axis in transform(crs, LON_LAT, edge[:, 0], edge[:, 1]))
        west = (crs.to_epsg() % 100 - 1) * 6 - 180
        turned = np.where(lon - west > 180, lon - 360, np.where(lon - west < -180, lon + 360, lon))
        assert (turned >= west - 1e-7).all()
        assert (turned <= west + 6 + 1e-7).all()
        assert ((lat >= -1e-7) if crs.to_epsg() < 32700 else (lat <= 1e-7)).all()


def test_parts_run_from_west_to_east_and_north_before_south() -> None:
    parts = zone_parts(Area(shapely.box(5, -1, 13, 1)))
    assert [crs.to_epsg() for crs, _ in parts] == [32631, 32731, 32632, 32732, 32633, 32733]


@pytest.mark.parametrize(
    "box", [(12, 47, 18, 48), (11.9999999, 47, 18.0000001, 48), (13, -1e-7, 14, 1), (174, 1, 180, 2)]
)
def test_slivers_beyond_a_zone_are_no_parts(box: tuple[float, float, float, float]) -> None:
    ((crs, part),) = zone_parts(Area(shapely.box(*box)))
    assert crs == utm_crs(box[0] + 1, 1)
    assert part.area / 1e6 == pytest.approx(Area(shapely.box(*box)).area_km2, rel=2e-3)


def test_an_area_of_slivers_is_kept() -> None:
    parts = zone_parts(Area(shapely.box(11.9999999, 47, 12.0000001, 48)))
    assert [crs.to_epsg() for crs, _ in parts] == [32632, 32633]


# The grid of a zone


@settings(max_examples=50, deadline=None)
@given(areas(), st.sampled_from([10.0, 20.0, 7.5]))
def test_the_grid_of_a_part_covers_it_closely(area: Area, pixel_m: float) -> None:
    crs, part = zone_parts(area)[0]
    grid = zone_grid(crs, part, pixel_m=pixel_m)
    west, north = grid.transform @ (0, 0)
    east, south = grid.transform @ (grid.width, grid.height)
    assert grid.crs == crs
    assert all((np.array([west, south, east, north]) % pixel_m) == 0)
    assert shapely.box(west, south, east, north).buffer(1e-4).covers(part)
    reach = np.array(part.bounds) - (west, south, east, north)
    assert (np.abs(reach) < pixel_m).all()


def test_the_grid_of_a_geometry_on_pixels_is_its_own() -> None:
    wanted = make_grid(7, 3)
    noise = shapely.affinity.translate(on(wanted, (0, 0, 7, 3)), 1e-7, -1e-7)
    assert zone_grid(UTM33, noise) == wanted


# Windows


@st.composite
def shapes(draw: st.DrawFn) -> Any:
    """Boxes and triangles with holes, some on whole pixels and some beyond the grid."""
    number = st.one_of(st.integers(-6, 50), thousandths(-6, 50))
    shape = shapely.Polygon()
    for corners in draw(st.lists(st.lists(st.tuples(number, number), min_size=2, max_size=3), min_size=1, max_size=5)):
        drawn = shapely.box(*np.ravel(corners)) if len(corners) == 2 else shapely.Polygon(corners)
        shape = shape.difference(drawn) if draw(st.integers(0, 3)) == 0 else shape.union(drawn)
    return shape


def touched(shape: Any, width: int, height: int) -> npt.NDArray[np.float64]:
    """(rows, cols) how much of each pixel a shape covers."""
    rows, cols = np.mgrid[:height, :width]
    covered: npt.NDArray[np.float64] = shapely.area(
        shapely.intersection(shape, shapely.box(cols, rows, cols + 1, rows + 1))
    )
    return covered


@settings(max_examples=150, deadline=None)
@given(shapes(), st.integers(1, 45), st.integers(1, 45), st.integers(1, 50), st.booleans())
def test_windows_cover_an_area_once(shape: Any, width: int, height: int, size: int, north_up: bool) -> None:
    grid = Grid(UTM33, NORTH_UP if north_up else SOUTH_UP, width, height)
    windows = split(grid, move(shape, grid), size)
    assert windows == split(grid, move(shape, grid), size)
    assert [(w.row_off, w.col_off) for w in windows] == sorted((w.row_off, w.col_off) for w in windows)
    water, near = touched(shape, width, height), touched(shape.buffer(1e-5), width, height)  # spikes have no area
    hits = np.zeros((height, width), dtype=int)
    for col, row, cols, rows in boxes(windows):
        assert all(isinstance(number, int) for number in (col, row, cols, rows))
        assert 0 <= col < col + cols <= width
        assert 0 <= row < row + rows <= height
        assert max(rows, cols) <= size
        hits[row : row + rows, col : col + cols] += 1
        inside = near[row : row + rows, col : col + cols]
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.any()  # a window is no larger than what it holds
    assert hits.max() <= 1
    assert water[hits == 0].max(initial=0) < 1e-5


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(60, 500))
def test_a_rectangle_is_divided_evenly_into_the_fewest_windows(width: int, height: int, size: int) -> None:
    grid = Grid(UTM33, NORTH_UP, 600, 600)
    windows = split(grid, on(grid, (40, 50, 40 + width, 50 + height)), size)
    assert len(windows) == -(-width // size) * -(-height // size)
    for sides in ({w.width for w in windows}, {w.height for w in windows}):
        assert max(sides) - min(sides) <= 1
    assert sum(w.width * w.height for w in windows) == width * height


def test_a_tile_and_a_little_more_are_two_halves() -> None:
    grid = Grid(UTM33, NORTH_UP, 11_000, 10_000)
    whole = on(grid, (0, 0, 11_000, 10_000))
    assert boxes(split(grid, whole, 10_980)) == [(0, 0, 5500, 10_000), (5500, 0, 5500, 10_000)]
    assert boxes(split(grid, whole, 11_000)) == [(0, 0, 11_000, 10_000)]


def test_float_digits_touch_no_further_pixel() -> None:
    grid = make_grid(100, 100)
    assert boxes(split(grid, on(grid, (10 - 1e-9, 20 - 1e-9, 30 + 1e-9, 40 + 1e-9)), 100)) == [(10, 20, 20, 20)]
    assert boxes(split(grid, on(grid, (10 - 1e-3, 20, 30, 40 + 1e-3)), 100)) == [(9, 20, 21, 21)]
    assert split(grid, on(grid, (10 - 1e-9, 20, 10 + 1e-9, 40)), 100) == []


def test_what_lies_beyond_the_grid_is_left_out() -> None:
    grid = make_grid(100, 50)
    assert boxes(split(grid, on(grid, (-20, 40.5, 30, 90)), 100)) == [(0, 40, 30, 10)]
    assert split(grid, on(grid, (200, 0, 300, 50)), 100) == []
    assert split(grid, on(grid, (100, 0, 300, 50)), 100) == []
    assert split(grid, shapely.Polygon(), 100) == []


def test_cells_in_holes_and_between_parts_vanish() -> None:
    grid = make_grid(90, 90)
    ring = on(grid, (0, 0, 90, 90)).difference(on(grid, (20, 20, 70, 70)))
    windows = boxes(split(grid, ring, 30))
    assert len(windows) == 8
    assert (30, 0, 30, 20) in windows  # shrunk to the ring
    far = on(grid, (0, 0, 90, 5), (0, 80, 90, 90))
    assert {(row, height) for _, row, _, height in boxes(split(grid, far, 90))} == {(0, 5), (80, 10)}


def test_parts_well_apart_have_windows_of_their_own() -> None:
    grid = make_grid(200, 200)
    ponds = [(3, 3, 8, 8), (20, 5, 25, 9), (150, 150, 158, 155), (60, 0, 64, 1)]
    assert boxes(split(grid, on(grid, *ponds), 200)) == [(3, 0, 61, 9), (150, 150, 8, 5)]
    assert boxes(split(grid, on(grid, *ponds), 100)) == [(60, 0, 4, 1), (3, 3, 22, 6), (150, 150, 8, 5)]
    under_one = on(grid, (0, 0, 100, 5), (5, 10, 10, 15), (60, 10, 65, 15))
    assert boxes(split(grid, under_one, 200)) == [(0, 0, 100, 15)]
    gap = on(grid, (0, 0, 50, 5), (99, 0, 150, 5))
    assert len(split(grid, gap, 196)) == 2  # 49 pixels are a quarter of 196
    assert len(split(grid, gap, 200)) == 1


def test_a_bay_is_not_read() -> None:
    grid = make_grid(100, 200)
    bay = on(grid, (0, 0, 10, 200), (0, 0, 100, 10), (90, 0, 100, 200))
    windows = boxes(split(grid, bay, 100))
    assert sum(width * height for *_, width, height in windows) < 0.7 * 200 * 100
    assert {(0, 100, 10, 100), (90, 100, 10, 100)} <= set(windows)


def test_windows_of_no_size_are_refused() -> None:
    with pytest.raises(ValueError, match="hold nothing"):
        split(make_grid(), on(make_grid(), (0, 0, 1, 1)), 0)


def test_an_area_all_the_way_to_windows() -> None:
    area = Area(shapely.box(11.6, 47.2, 13, 48.1).difference(shapely.box(12.2, 47.5, 12.6, 47.8)))
    total = 0.0
    for crs, part in zone_parts(area):
        grid = zone_grid(crs, part)
        windows = split(grid, part, 2048)
        covers = [shapely.Polygon(grid.corners(window)) for window in windows]
        assert shapely.union_all(covers).buffer(1e-3).covers(part)
        assert all(before.intersection(after).area == 0 for before, after in pairwise(covers))
        assert all(cover.intersects(part) for cover in covers)
        total += part.area / 1e6
    assert total == pytest.approx(area.area_km2, rel=2e-3)
    assert CRS.from_epsg(32632) in [crs for crs, _ in zone_parts(area)]
