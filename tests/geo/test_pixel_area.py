import math

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

from tests.support.rasters import LON_LAT, UTM32, make_grid
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import code_areas_m2, pixel_area_m2, pixel_size_m

WGS84 = pyproj.Geod(ellps="WGS84")
GRIDS = {
    "utm": make_grid(1500, 1100, left=800_000, crs=UTM32),
    "south_up": Grid(UTM32, Affine(10, 0, 400_000, 0, 10, 5_000_000), 700, 1200),
    "rotated": Grid(UTM32, Affine(8, 6, 400_000, 6, -8, 5_000_000), 700, 600),
    "degrees": make_grid(1200, 900, left=10, top=62, pixel=1e-4, crs=LON_LAT),
    "turned_degrees": Grid(LON_LAT, Affine(0, 1e-4, 10, 1e-4, 0, 62), 700, 600),
    "mercator": make_grid(900, 900, left=1_000_000, top=9_000_000, pixel=30, crs=CRS.from_epsg(3857)),
    "polar": make_grid(900, 900, left=-1_000_000, top=1_000_000, pixel=100, crs=CRS.from_epsg(3413)),
}


def everything(grid: Grid) -> Window:
    return Window(0, 0, grid.width, grid.height)


def zone_area(south: float, north: float, width: float) -> float:
    """Between two parallels, in closed form: Snyder 1987, eq. 3-12."""
    e = math.sqrt(WGS84.es)

    def q(lat: float) -> float:
        s = math.sin(math.radians(lat))
        return s / (1 - WGS84.es * s * s) + math.atanh(e * s) / e

    return WGS84.b**2 / 2 * math.radians(width) * (q(north) - q(south))


@pytest.mark.parametrize(("top", "pixel"), [(62.0, 1e-4), (0.02, 1e-4), (-33.0, 0.01), (89.0, 0.01), (70.0, 1.0)])
def test_pixels_in_degrees_have_the_area_between_their_parallels(top: float, pixel: float) -> None:
    grid = make_grid(5, 300 if pixel < 0.1 else 30, left=179.99, top=top, pixel=pixel, crs=LON_LAT)
    if top == 89.0:
        grid = make_grid(5, 100, left=10, top=90.0, pixel=pixel, crs=LON_LAT)
    top = grid.transform.f
    areas = pixel_area_m2(grid, everything(grid))
    known = [zone_area(top - (row + 1) * pixel, top - row * pixel, pixel) for row in range(grid.height)]
    np.testing.assert_allclose(areas, np.repeat(np.array(known)[:, None], 5, axis=1), rtol=3e-6)


def test_the_pixels_of_a_world_map_make_up_the_ellipsoid() -> None:
    grid = make_grid(360, 181, left=-180, top=90.5, pixel=1, crs=LON_LAT)
    whole = zone_area(-90, 90, 360)
    assert pixel_area_m2(grid, everything(grid)).sum() == pytest.approx(whole, rel=1e-6)


def test_pixels_of_an_equal_area_projection_are_all_alike() -> None:
    grid = make_grid(2000, 1500, left=1_000_000, top=6_000_000, pixel=10, crs=CRS.from_epsg(6933))
    np.testing.assert_allclose(pixel_area_m2(grid, everything(grid)), 100, rtol=1e-6)


@pytest.mark.parametrize("name", ["utm", "south_up", "rotated", "polar"])
def test_projected_pixels_have_the_area_that_the_projection_s_scale_says(name: str) -> None:
    grid = GRIDS[name]
    areas = pixel_area_m2(grid, everything(grid))
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(0, grid.height, 50), rng.integers(0, grid.width, 50)
    projection = pyproj.Proj(pyproj.CRS.from_user_input(grid.crs))
    xs, ys = np.array([grid.transform @ (col + 0.5, row + 0.5) for row, col in zip(rows, cols, strict=True)]).T
    scale = projection.get_factors(*projection(xs, ys, inverse=True)).areal_scale
    np.testing.assert_allclose(areas[rows, cols], grid.pixel_width * grid.pixel_height / scale, rtol=2e-6)


def test_pixels_of_web_mercator_have_the_area_between_their_parallels() -> None:
    grid = GRIDS["mercator"]
    radius = 6_378_137.0
    areas = pixel_area_m2(grid, everything(grid))
    for row in (0, 17, 450, 899):
        north, south = (
            math.degrees(math.atan(math.sinh(grid.transform.f / radius - 30 * r / radius))) for r in (row, row + 1)
        )
        known = zone_area(south, north, math.degrees(30 / radius))
        np.testing.assert_allclose(areas[row], known, rtol=2e-6)


def test_a_crs_in_feet_or_grads_is_understood() -> None:
    feet = make_grid(50, 50, left=2_000_000, top=400_000, pixel=100, crs=CRS.from_epsg(2264))
    np.testing.assert_allclose(pixel_area_m2(feet, everything(feet)), (100 * 0.3048006096) ** 2, rtol=1e-3)
    grads = make_grid(50, 50, left=0.1, top=50, pixel=1e-3, crs=CRS.from_epsg(4807))  # of Paris, 45 degrees north
    assert pixel_size_m(grads) == pytest.approx((70.97, 100.02), rel=1e-3)
    lambert = make_grid(50, 50, left=600_000, top=2_300_000, crs=CRS.from_epsg(27572))
    np.testing.assert_allclose(pixel_area_m2(lambert, everything(lambert)), 100, rtol=1e-4)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_what_a_pixel_gets_does_not_depend_on_the_window(data: st.DataObject) -> None:
    grid = GRIDS[data.draw(st.sampled_from(sorted(GRIDS)))]
    whole = pixel_area_m2(grid, everything(grid))
    top, left = data.draw(st.integers(0, grid.height - 1)), data.draw(st.integers(0, grid.width - 1))
    rows, cols = data.draw(st.integers(1, grid.height - top)), data.draw(st.integers(1, grid.width - left))
    part = pixel_area_m2(grid, Window(left, top, cols, rows))
    np.testing.assert_allclose(part, whole[top : top + rows, left : left + cols], rtol=1e-12)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_areas_of_codes_are_the_sums_over_their_pixels(data: st.DataObject) -> None:
    grid = GRIDS[data.draw(st.sampled_from(sorted(GRIDS)))]
    rows, cols = data.draw(st.integers(1, 150)), data.draw(st.integers(1, 40))
    window = Window(data.draw(st.integers(0, 100)), data.draw(st.integers(0, 100)), cols, rows)
    codes = np.random.default_rng(rows).choice(np.array([0, 1, 2, 3, 255], np.uint8), (rows, cols))
    areas = pixel_area_m2(grid, window)
    found = code_areas_m2(codes, grid, window)
    np.testing.assert_allclose(found, [areas[codes == code].sum() for code in range(256)], rtol=1e-10)


def test_a_pixel_s_size_on_the_ground_is_told() -> None:
    assert pixel_size_m(make_grid(100, 100, left=500_000 - 500)) == pytest.approx((10 / 0.9996,) * 2, rel=1e-6)
    assert pixel_size_m(make_grid(100, 100, left=10, top=60.005, pixel=1e-4, crs=LON_LAT)) == pytest.approx(
        (5.580, 11.141), rel=1e-3
    )


@pytest.mark.parametrize(
    "grid",
    [
        Grid(CRS.from_wkt('LOCAL_CS["here",UNIT["metre",1]]'), Affine(10, 0, 5, 0, -10, 5), 4, 4),
        make_grid(100, 100, pixel=1e6),
    ],
)
def test_where_there_is_no_ground_there_is_an_error(grid: Grid) -> None:
    with pytest.raises(DataError, match=r"not tied to the Earth|beyond where its CRS"):
        pixel_area_m2(grid, everything(grid))
