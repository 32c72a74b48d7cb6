"""Small bodies taken out row by row, beside the same done on the whole map with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy import ndimage

from tests.support.bodies import Codes, codes_of, drawn, spiral
from tests.support.rasters import LON_LAT, make_grid
from watermap.errors import DataError
from watermap.geo.body_sieve import BodySieve
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_area_m2
from watermap.legend import LAND, WATER


def _sieved(codes: Codes, grid: Grid, min_area_m2: float, rows: int) -> Codes:
    sieve = BodySieve(grid, min_area_m2)
    pieces = [sieve.add(codes[start : start + rows]) for start in range(0, len(codes), rows)]
    return np.concatenate([*pieces, sieve.finish()])


def _expected(codes: Codes, grid: Grid, min_area_m2: float) -> Codes:
    bodies, count = ndimage.label(codes == WATER)
    pixels = pixel_area_m2(grid, Window(0, 0, grid.width, grid.height))
    areas = ndimage.sum_labels(pixels, bodies, np.arange(count + 1))
    small = (areas < min_area_m2)[bodies] & (codes == WATER)
    return np.where(small, LAND, codes).astype(np.uint8)


@settings(deadline=None, max_examples=200)
@given(codes_of(14), st.integers(1, 14), st.integers(1, 12))
def test_a_map_in_strips_is_that_of_the_whole(codes: Codes, rows: int, pixels: int) -> None:
    grid = make_grid(codes.shape[1], codes.shape[0])
    least = (pixels - 0.5) * 100
    np.testing.assert_array_equal(_sieved(codes, grid, least, rows), _expected(codes, grid, least))


def test_large_maps_of_many_bodies_too() -> None:
    rng = np.random.default_rng(0)
    codes = (ndimage.gaussian_filter(rng.normal(size=(400, 300)), 1.5) > 0.06).astype(np.uint8)
    codes[100:120, 50:90] = 255
    grid = make_grid(300, 400, left=10, top=62, pixel=1e-4, crs=LON_LAT)
    for rows in (400, 64, 7):
        np.testing.assert_array_equal(_sieved(codes, grid, 1000, rows), _expected(codes, grid, 1000))
    removed = (codes == WATER) & (_expected(codes, grid, 1000) == LAND)
    assert 0.01 < removed.mean() < 0.3


def test_what_touches_at_a_corner_is_two_bodies_and_islands_stay() -> None:
    codes = drawn("""
        #.....####
        .#....#..#
        ..##..####
        ?.##......""")
    grid = make_grid(10, 4)
    assert (
        _sieved(codes, grid, 350, 1).tolist()
        == drawn("""
        ......####
        ......#..#
        ..##..####
        ?.##......""").tolist()
    )


@pytest.mark.parametrize("rows", [1, 5, 64])
def test_a_body_that_winds_through_all_strips_is_one(rows: int) -> None:
    codes = spiral(64)
    grid, pixels = make_grid(64, 64), int((codes == WATER).sum())
    assert (_sieved(codes, grid, (pixels - 2) * 100, rows) == codes).all()
    assert not _sieved(codes, grid, (pixels + 2) * 100, rows).any()


def test_it_is_ground_that_counts_and_not_pixels() -> None:
    grid = Grid(LON_LAT, Affine(0.01, 0, 0, 0, -0.1, 80), 8, 700)  # pixels of 2 km2 in the north, of 12 in the south
    codes = np.zeros(grid.shape, dtype=np.uint8)
    codes[::50, 3] = WATER
    kept = np.flatnonzero(_sieved(codes, grid, 6e6, 64)[:, 3])
    areas = pixel_area_m2(grid, Window(3, 0, 1, 700))[::50, 0]
    assert kept.tolist() == [row for row, area in zip(range(0, 700, 50), areas, strict=True) if area >= 6e6]
    assert 0 < len(kept) < 14


def test_few_rows_wait_however_large_a_body_is() -> None:
    grid = make_grid(40, 5000)
    sieve, most = BodySieve(grid, 2000), 0
    codes = np.zeros((10, 40), dtype=np.uint8)
    codes[:, :20] = WATER  # a lake over all rows
    codes[::2, 30] = WATER
    given = 0
    for _ in range(500):
        given += len(sieve.add(codes))
        most = max(most, sieve.waiting_rows)
    assert given + len(sieve.finish()) == 5000
    assert most <= 20


def test_a_crs_that_is_not_tied_to_the_earth_is_refused_at_once() -> None:
    local = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(DataError, match="not tied to the Earth"):
        BodySieve(make_grid(4, 4, crs=local), 100)


def test_without_a_least_area_all_is_given_out_as_it_comes() -> None:
    grid = make_grid(4, 4, crs=CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]'))
    sieve, codes = BodySieve(grid, 0), drawn("#..# .##. ..?. #...")
    assert sieve.add(codes) is codes
    assert sieve.finish().shape == (0, 4)
