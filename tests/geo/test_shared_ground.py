"""Ground that is shared, edges that touch, and slivers of rounding."""

from __future__ import annotations

from typing import Any

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

from tests.support.rasters import LON_LAT, UTM32, make_grid
from watermap.geo.crs import footprints
from watermap.geo.grid import Grid
from watermap.geo.shared_ground import shared_ground

SIDE = 100
PLACES = {
    "middle latitudes": make_grid(),
    "another zone": make_grid(crs=UTM32, left=300_000),
    "degrees": Grid(LON_LAT, Affine(1e-4, 0, 12.0, 0, -1e-4, -33.0), 256, 256),
    "antimeridian": Grid(CRS.from_epsg(32660), Affine(10, 0, 833_000, 0, -10, 20_000), 256, 256),
    "far north": Grid(CRS.from_epsg(32633), Affine(10, 0, 500_000, 0, -10, 9_320_000), 256, 256),
    "beside the north pole": Grid(CRS.from_epsg(3995), Affine(10, 0, 3_000, 0, -10, -2_000), 256, 256),
    "beside the south pole": Grid(CRS.from_epsg(3031), Affine(10, 0, 90_000, 0, -10, 60_000), 256, 256),
}
places = pytest.mark.parametrize("place", PLACES)
corners = st.tuples(st.integers(0, 500), st.integers(0, 500))


def squares(grid: Grid, *starts: tuple[float, float], side: int = SIDE) -> list[Any]:
    """Outlines of squares of pixels, by their first column and row; the grid may end before they do."""
    return footprints(grid, [Window(col, row, side, side) for col, row in starts])


def pairs(first: list[Any], second: list[Any]) -> list[tuple[int, int]]:
    found = shared_ground(first, second)
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


@places
@given(corner=corners, count=st.integers(1, 3))
def test_edges_that_touch_are_not_shared(place: str, corner: tuple[int, int], count: int) -> None:
    col, row = corner
    around = [
        (col + SIDE * right, row + SIDE * down)
        for right in (-1, 0, 1)
        for down in (-1, 0, 1)
        if (right, down) != (0, 0)
    ]
    assert pairs(squares(PLACES[place], *[corner] * count), squares(PLACES[place], *around)) == []


@places
@given(corner=corners, shift=st.tuples(st.integers(-SIDE, SIDE), st.integers(-SIDE, SIDE)))
def test_as_much_is_shared_as_overlaps(place: str, corner: tuple[int, int], shift: tuple[int, int]) -> None:
    """On grids of metres; beside a pole a straight edge is bent too much for that, but what is shared is found."""
    grid = PLACES[place]
    one, other = squares(grid, corner), squares(grid, (corner[0] + shift[0], corner[1] + shift[1]))
    share = (SIDE - abs(shift[0])) * (SIDE - abs(shift[1])) / SIDE**2
    found = shared_ground(one, other)
    if "pole" in place:
        assert len(found) or share < 0.1
    elif share not in (0, 1e-3):
        assert len(found) == (share > 1e-3)
    if len(found) and grid.crs != LON_LAT and "pole" not in place:
        assert found.km2[0] == pytest.approx(share * (SIDE * 0.01) ** 2, rel=0.02, abs=1e-4)


@places
@given(corner=corners, sliver=st.floats(0, 0.09), overlap=st.floats(0.11, SIDE))
def test_a_sliver_of_rounding_is_not_shared_and_what_is_wider_is(
    place: str, corner: tuple[int, int], sliver: float, overlap: float
) -> None:
    """The limit is a thousandth of the ground: a tenth of a pixel along one of the sides of a hundred."""
    (col, row), grid = corner, PLACES[place]
    one = squares(grid, corner)
    assert pairs(one, squares(grid, (col + SIDE - sliver, row))) == []
    assert pairs(one, squares(grid, (col + SIDE - overlap, row))) == [(0, 0)]


@places
def test_the_smaller_outline_decides_what_is_rounding(place: str) -> None:
    """A small patch inside a scene of a million times its ground is shared whichever comes first."""
    scene, patch = squares(PLACES[place], (0, 0), side=1000), squares(PLACES[place], (480, 510), side=1)
    assert pairs(scene, patch) == pairs(patch, scene) == [(0, 0)]


@given(first=st.lists(corners, max_size=8), second=st.lists(corners, max_size=8))
def test_the_pairs_are_those_of_one_by_one_whichever_side_they_are_on(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    ones, others = squares(make_grid(), *first), squares(make_grid(), *second)
    expected = [(i, j) for i, one in enumerate(ones) for j, other in enumerate(others) if pairs([one], [other])]
    assert pairs(ones, others) == expected
    assert sorted((j, i) for i, j in pairs(others, ones)) == expected


def test_nothing_shares_nothing() -> None:
    assert len(shared_ground([], [])) == 0
    assert len(shared_ground(squares(make_grid(), (0, 0)), [])) == 0
