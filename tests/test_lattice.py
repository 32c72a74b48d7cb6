"""Rasters on one pixel lattice."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from tests.rasters import LON_LAT, UTM32, grid_around, make_grid
from watermap.errors import DataError
from watermap.grid import Grid
from watermap.lattice import cover

BASE = make_grid(40, 30)
TRANSFORMS = (
    BASE.transform,
    Affine(10, 0, 500_000, 0, 10, 5_300_000),  # south-up
    Affine.translation(500_000, 5_300_000) @ Affine.rotation(30) @ Affine.scale(10, -10),
)
WINDOWS = st.builds(Window, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 40), st.integers(1, 40))


@given(st.lists(WINDOWS, min_size=1, max_size=5), st.sampled_from(TRANSFORMS))
def test_every_raster_lies_where_its_window_says_and_the_grid_is_no_larger(
    windows: list[Window], transform: Affine
) -> None:
    base = Grid(BASE.crs, transform, 40, 30)
    grids = {Path(f"{number}.tif"): base.crop(window) for number, window in enumerate(windows)}
    lattice = cover(grids)
    for path, window in lattice.windows.items():
        assert lattice.grid.crop(window).same_as(grids[path])
    found = lattice.windows.values()
    assert (min(w.col_off for w in found), min(w.row_off for w in found)) == (0, 0)
    assert max(w.col_off + w.width for w in found) == lattice.grid.width
    assert max(w.row_off + w.height for w in found) == lattice.grid.height


def test_float_digits_do_not_matter() -> None:
    t = BASE.transform
    nearly = Grid(BASE.crs, Affine(t.a + 1e-9, 0, t.c + 300 + 1e-5, 0, t.e, t.f), 40, 30)
    assert cover({Path("a"): BASE, Path("b"): nearly}).windows[Path("b")] == Window(30, 0, 40, 30)


OTHERS = {
    "its CRS is EPSG:32632, not EPSG:32633": grid_around(BASE, UTM32),
    "its CRS is EPSG:4326, not EPSG:32633": grid_around(BASE, LON_LAT, pixel=1e-4),
    "its pixels measure 20 x 20, not 10 x 10": make_grid(20, 15, pixel=20),
    "its pixels measure 10.01 x 10.01, not 10 x 10": make_grid(pixel=10.01),
    "it is shifted by 0.3 columns and -0.4 rows of a pixel": make_grid(left=500_003, top=5_300_004),
    "its rows run in another direction": Grid(BASE.crs, TRANSFORMS[1], 40, 30),
}


@pytest.mark.parametrize("difference", OTHERS)
def test_another_lattice_is_refused_with_the_difference(difference: str) -> None:
    with pytest.raises(DataError) as error:
        cover({Path("first_water.tif"): BASE, Path("maps/other_water.tif"): OTHERS[difference]})
    assert error.value.message == f"maps/other_water.tif: does not lie on the pixels of first_water.tif ({difference})"


@pytest.mark.parametrize("difference", OTHERS)
def test_the_remedy_makes_a_raster_of_the_same_ground_on_the_lattice(difference: str) -> None:
    other = OTHERS[difference]
    with pytest.raises(DataError) as error:
        cover({Path("first_water.tif"): BASE, Path("maps/other_water.tif"): other})
    words = shlex.split(error.value.hint.partition(",")[0])
    assert words[:5] == ["gdalwarp", "-r", "near", "-t_srs", "EPSG:32633"]
    assert words[-2:] == ["maps/other_water.tif", "other_aligned_water.tif"]
    assert words[5:8] == ["-tr", "10", "10"]
    left, bottom, right, top = (float(word) for word in words[9:13])
    transform = Affine(10, 0, left, 0, -10, top)
    made = Grid(BASE.crs, transform, round((right - left) / 10), round((top - bottom) / 10))
    cover({Path("a"): BASE, Path("b"): made})
    if other.crs == BASE.crs:
        xs, ys = zip(*other.corners(), strict=True)
        assert left <= min(xs) < left + 10
        assert bottom <= min(ys) < bottom + 10
        assert math.isclose(right, max(xs), abs_tol=10)
        assert math.isclose(top, max(ys), abs_tol=10)


def test_where_no_command_is_simple_the_remedy_is_told_in_words() -> None:
    with pytest.raises(DataError, match="bring all rasters onto one north-up grid"):
        cover({Path("a"): Grid(BASE.crs, TRANSFORMS[2], 4, 4), Path("b"): BASE})
