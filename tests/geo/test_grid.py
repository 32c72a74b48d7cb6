from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy import ndimage

from watermap.geo.grid import Grid, blocks, blocks_with_halo, spans

UTM = CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_000), 300, 200)


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, int, int]:
    size = draw(st.integers(1, 80))
    overlap = draw(st.integers(0, max(0, (size - 1) // 2)))
    return draw(st.integers(1, 500)), size, overlap


@given(axes())
def test_windows_cover_an_axis_and_no_pixel_lies_in_three(axis: tuple[int, int, int]) -> None:
    length, size, overlap = axis
    found = spans(length, size, overlap)
    hits = [0] * length
    for span in found:
        assert span.used == min(size, length - span.start) > 0
        for pixel in range(span.start, span.start + span.used):
            hits[pixel] += 1
    assert min(hits) >= 1
    assert max(hits) <= 2
    assert all(b.start - a.start == size - overlap for a, b in pairwise(found))
    if len(found) > 1:
        assert found[-1].used > overlap  # a last window without pixels of its own would be work for nothing


@pytest.mark.parametrize("axis", [(0, 8, 2), (8, 0, 0), (8, 8, 4), (8, 8, -1)])
def test_an_axis_that_cannot_be_tiled_is_refused(axis: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot tile"):
        spans(*axis)


@given(st.integers(1, 300), st.integers(1, 400))
def test_blocks_cover_a_grid_from_top_to_bottom(rows: int, height: int) -> None:
    found = list(blocks(Grid(UTM, GRID.transform, 7, height), rows))
    assert [w.row_off for w in found] == list(range(0, height, rows))
    assert sum(w.height for w in found) == height


@given(
    height=st.integers(1, 90),
    rows=st.integers(1, 100),
    halo=st.one_of(st.integers(0, 40), st.tuples(st.integers(0, 40), st.integers(0, 40))),
)
def test_blocks_with_their_halo_cover_every_row_once(height: int, rows: int, halo: int | tuple[int, int]) -> None:
    grid = Grid(UTM, GRID.transform, 7, height)
    above, below = halo if isinstance(halo, tuple) else (halo, halo)
    covered: list[int] = []
    for block, wide, inner in blocks_with_halo(grid, rows, halo):
        assert (wide.col_off, wide.width) == (block.col_off, block.width) == (0, 7)
        own = range(int(block.row_off), int(block.row_off + block.height))
        read = range(int(wide.row_off), int(wide.row_off + wide.height))
        assert read[inner] == own
        assert (read[0], read[-1]) == (max(0, own[0] - above), min(height - 1, own[-1] + below))
        covered.extend(own)
    assert covered == list(range(height))


@given(height=st.integers(1, 60), rows=st.integers(1, 70), halo=st.integers(0, 20), seed=st.integers(0, 99))
def test_what_depends_on_the_halo_is_the_same_in_blocks(height: int, rows: int, halo: int, seed: int) -> None:
    whole = np.random.default_rng(seed).random((height, 7))
    square = 2 * halo + 1
    expected = ndimage.maximum_filter(whole, square, mode="constant")
    found = []
    for _, wide, inner in blocks_with_halo(Grid(UTM, GRID.transform, 7, height), rows, halo):
        read = whole[int(wide.row_off) : int(wide.row_off + wide.height)]
        found.append(ndimage.maximum_filter(read, square, mode="constant")[inner])
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_grids_that_differ_by_float_digits_are_one_grid() -> None:
    t = GRID.transform
    nearly = Affine(t.a + 1e-9, 0, t.c - 1e-5, 0, t.e, t.f + 1e-5)
    assert GRID.same_as(Grid(UTM, nearly, 300, 200))


@pytest.mark.parametrize(
    "other",
    [
        Grid(UTM, GRID.transform, 301, 200),
        Grid(CRS.from_epsg(32632), GRID.transform, 300, 200),
        Grid(UTM, GRID.transform @ Affine.translation(0.5, 0), 300, 200),
        Grid(UTM, Affine(10.01, 0, 500_000, 0, -10, 5_000_000), 300, 200),
        Grid(UTM, Affine(10, 0, 500_000, 0, 10, 4_998_000), 300, 200),
    ],
)
def test_grids_that_put_pixels_elsewhere_are_not(other: Grid) -> None:
    assert not GRID.same_as(other)


def test_a_crop_lies_where_its_window_lies() -> None:
    crop = GRID.crop(Window(10, 20, 5, 6))
    assert crop.shape == (6, 5)
    assert crop.transform @ (0, 0) == GRID.transform @ (10, 20)


def test_a_footprint_is_the_outline_of_the_grid_or_of_a_window() -> None:
    ring = GRID.footprint()["coordinates"][0]
    assert ring[0] == ring[-1] == (500_000, 5_000_000)
    assert ring[2] == (503_000, 4_998_000)
    assert GRID.footprint(Window(10, 20, 5, 6))["coordinates"][0][0] == (500_100, 4_999_800)


def test_pixel_sizes_hold_for_turned_grids() -> None:
    turned = Grid(UTM, Affine.rotation(30) @ Affine.scale(10, -20), 4, 4)
    assert round(turned.pixel_width, 9) == 10
    assert round(turned.pixel_height, 9) == 20
