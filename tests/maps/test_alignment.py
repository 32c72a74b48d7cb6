import re
from pathlib import Path

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from tests.support.rasters import LON_LAT, UTM32, make_grid
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.maps.alignment import Placed, common, place, union

BASE = make_grid(100, 80)
GRIDS = {
    "north_up": BASE,
    "south_up": Grid(UTM32, Affine(10, 0, 400_000, 0, 10, 5_000_000), 100, 80),
    "rotated": Grid(UTM32, Affine(8, 6, 400_000, 6, -8, 5_000_000), 100, 80),
    "degrees": make_grid(100, 80, left=10.123456789, top=62, pixel=1 / 11132, crs=LON_LAT),
}
offsets = st.integers(-300, 300)


def first() -> Placed:
    return Placed(Path("before.tif"), BASE, 0, 0)


@given(st.sampled_from(sorted(GRIDS)), offsets, offsets, st.integers(1, 200), st.integers(1, 200))
def test_a_raster_shifted_by_whole_pixels_is_placed(name: str, row: int, col: int, height: int, width: int) -> None:
    grid = GRIDS[name]
    shifted = grid.crop(Window(col, row, width, height))
    placed = place(Path("b"), shifted, Placed(Path("a"), grid, 0, 0))
    assert (placed.row, placed.col, placed.bottom, placed.right) == (row, col, row + height, col + width)
    whole, parts = union([(Path("a"), grid), (Path("b"), shifted)])
    for part in parts:
        assert whole.crop(Window(part.col, part.row, part.grid.width, part.grid.height)).same_as(part.grid)
    assert min(part.row for part in parts) == min(part.col for part in parts) == 0
    assert (whole.height, whole.width) == (max(p.bottom for p in parts), max(p.right for p in parts))


@given(offsets, offsets)
def test_the_common_window_is_what_both_cover(row: int, col: int) -> None:
    other = Placed(Path("b"), make_grid(60, 50), row, col)
    pixels = {(r, c) for r in range(80) for c in range(100)} & {
        (r, c) for r in range(row, row + 50) for c in range(col, col + 60)
    }
    window = common(first(), other)
    if window is None:
        assert not pixels
    else:
        assert pixels == {
            (r, c)
            for r in range(window.row_off, window.row_off + window.height)
            for c in range(window.col_off, window.col_off + window.width)
        }
        assert other.own(window).row_off == window.row_off - row


def test_the_last_digits_of_floats_make_no_other_lattice() -> None:
    grid = GRIDS["degrees"]
    t = grid.transform
    blurred = Grid(grid.crs, Affine(t.a * (1 + 1e-10), 0, t.c + 1e-10, 0, t.e, t.f - 1e-10), grid.width, grid.height)
    assert place(Path("b"), blurred, Placed(Path("a"), grid, 0, 0)).row == 0


@pytest.mark.parametrize(
    ("grid", "difference"),
    [
        (make_grid(100, 80, left=500_005), "its pixels lie 0.50 columns and 0.00 rows beside the other's"),
        (make_grid(100, 80, top=5_299_998), "0.00 columns and 0.20 rows"),
        (make_grid(50, 40, pixel=20), "its pixels are 20 x 20 and the other's 10 x 10"),
        (make_grid(100, 80, pixel=10.01), "its pixels are 10.01 x 10.01"),
        (make_grid(100, 80, crs=UTM32), "it is in EPSG:32632 and the other in EPSG:32633"),
        (make_grid(100, 80, left=15, top=47.8, pixel=1e-4, crs=LON_LAT), "it is in EPSG:4326"),
        (Grid(BASE.crs, Affine(10, 0, 500_000, 0, 10, 5_299_200), 100, 80), "rows and columns run another way"),
    ],
)
def test_another_lattice_is_refused_with_the_command_that_mends_it(grid: Grid, difference: str) -> None:
    with pytest.raises(DataError) as caught:
        place(Path("a b.tif"), grid, first())
    said = str(caught.value)
    assert said.startswith("a b.tif: does not fit before.tif, ")
    assert difference in said
    assert "\n" not in said
    command = re.search(r"gdalwarp -t_srs EPSG:32633 -tr (\S+) (\S+) -te (\S+) (\S+) (\S+) (\S+) -r near", said)
    assert command is not None
    assert said.endswith("'a b.tif' 'a b_aligned.tif'")
    width, height, west, south, east, north = map(float, command.groups())
    shape = round((east - west) / width), round((north - south) / height)
    mended = Grid(BASE.crs, Affine(width, 0, west, 0, -height, north), *shape)
    assert place(Path("mended.tif"), mended, first()).grid is mended
    if grid.crs == BASE.crs:  # it covers what the raster covers, to a pixel
        inverse = ~mended.transform
        corners = [inverse @ (grid.transform @ corner) for corner in ((0, 0), (grid.width, grid.height))]
        assert all(-0.02 <= x <= shape[0] + 0.02 and -0.02 <= y <= shape[1] + 0.02 for x, y in corners)


def test_what_gdalwarp_cannot_make_is_not_suggested() -> None:
    onto = Placed(Path("turned.tif"), GRIDS["south_up"], 0, 0)
    with pytest.raises(DataError, match=r"gdalwarp .* turned\.tif turned_aligned\.tif"):
        place(Path("b.tif"), make_grid(100, 80, crs=UTM32), onto)
    with pytest.raises(DataError, match="make both north-up first"):
        place(Path("b.tif"), GRIDS["rotated"], onto)


def test_a_water_raster_keeps_the_end_of_its_name() -> None:
    with pytest.raises(DataError, match=r"m/lake_20230601_water\.tif lake_20230601_aligned_water\.tif$"):
        place(Path("m/lake_20230601_water.tif"), make_grid(50, 40, pixel=20), first())
