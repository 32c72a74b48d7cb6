import math

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from tests.support.rasters import LON_LAT, UTM33
from watermap.errors import DataError
from watermap.geo.ellipsoid import Ellipsoid, areas_m2, to_map

WGS84 = pyproj.Geod(ellps="WGS84")


def zone_m2(south: float, north: float, degrees: float) -> float:
    """The area between two parallels and two meridians, by the formula of the authalic latitude."""
    e = math.sqrt(WGS84.es)

    def q(latitude: float) -> float:
        s = math.sin(math.radians(latitude))
        return s / (1 - WGS84.es * s * s) + math.atanh(e * s) / e

    return WGS84.b**2 / 2 * math.radians(degrees) * (q(north) - q(south))


@pytest.mark.parametrize(("south", "north"), [(0, 1), (45, 46), (-80, -79), (84.9, 85)])
def test_a_piece_of_the_lattice_of_degrees_has_the_area_of_the_formula(south: float, north: float) -> None:
    ((area,), (length,)) = Ellipsoid(LON_LAT, "x.tif").measure(np.array([shapely.box(10, south, 11, north)]))
    assert area == pytest.approx(zone_m2(south, north, 1), rel=2e-6)
    sides = 2 * WGS84.inv(10, south, 10, north)[2]
    assert length == pytest.approx(sides + sum(_parallel(each) for each in (south, north)), rel=1e-6)


def _parallel(latitude: float) -> float:
    s = math.sin(math.radians(latitude))
    return math.radians(1) * WGS84.a * math.cos(math.radians(latitude)) / math.sqrt(1 - WGS84.es * s * s)


def test_islands_take_from_the_area_and_add_to_the_shore() -> None:
    whole, island = shapely.box(10, 45, 10.1, 45.1), shapely.box(10.02, 45.02, 10.03, 45.04)
    ellipsoid = Ellipsoid(LON_LAT, "x.tif")
    areas, lengths = ellipsoid.measure(np.array([shapely.difference(whole, island), whole, island]))
    assert areas[0] == pytest.approx(areas[1] - areas[2], rel=1e-12)
    assert lengths[0] == pytest.approx(lengths[1] + lengths[2], rel=1e-12)


def test_shapes_in_degrees_have_the_areas_of_their_polygons() -> None:
    one, other = shapely.box(10, 45, 11, 46), shapely.box(20, -1, 21, 0)
    mixed = shapely.GeometryCollection([other, shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])])
    found = areas_m2([one, shapely.MultiPolygon([one, other]), mixed, shapely.Point(1, 1), shapely.Polygon()])
    first, second = zone_m2(45, 46, 1), zone_m2(-1, 0, 1)
    assert found == pytest.approx([first, first + second, second, 0, 0], rel=2e-6)
    assert len(areas_m2([])) == 0


def test_a_map_s_scale_does_not_count() -> None:
    """The same square kilometre in the middle of a UTM zone, at its edge, and in Mercator."""
    square = shapely.box(500_000, 6_600_000, 501_000, 6_601_000)
    (area,), (length,) = Ellipsoid(UTM33, "x.tif").measure(np.array([square]))
    assert area == pytest.approx(1e6 / 0.9996**2, rel=1e-6)
    assert length == pytest.approx(4e3 / 0.9996, rel=1e-6)
    for code in (32632, 3857, 3035):
        other = CRS.from_epsg(code)
        move = pyproj.Transformer.from_crs(32633, code, always_xy=True).transform
        moved = shapely.transform(shapely.segmentize(square, 10), lambda xy, move=move: np.stack(move(*xy.T), axis=1))
        (there,), (shore,) = Ellipsoid(other, "x.tif").measure(np.array([moved]))
        assert there == pytest.approx(area, rel=1e-5)
        assert shore == pytest.approx(length, rel=1e-5)


@pytest.mark.parametrize(
    ("crs", "unit", "ellipsoid", "x", "y"),
    [
        (CRS.from_epsg(27572), 1.0, "clrk80ign", 600_000, 2_200_000),  # longitude from Paris in grads below it
        (CRS.from_epsg(2263), 1200 / 3937, "GRS80", 1_000_000, 200_000),  # in US survey feet
        (CRS.from_string("+proj=laea +lat_0=50 +lon_0=10 +R=6371000"), 1.0, None, 0, 0),
    ],
)
def test_other_units_meridians_and_spheres(crs: CRS, unit: float, ellipsoid: str | None, x: float, y: float) -> None:
    side = 100 / unit
    square = shapely.box(x, y, x + side, y + side)
    (area,), (length,) = Ellipsoid(crs, "x.tif").measure(np.array([square]))
    assert area == pytest.approx(1e4, rel=1e-3)
    assert length == pytest.approx(400, rel=1e-3)


def test_a_polygon_across_the_date_line_is_not_the_rest_of_the_world() -> None:
    (area,), _ = Ellipsoid(LON_LAT, "x.tif").measure(np.array([shapely.box(179.9, 0, 180.1, 0.2)]))
    assert area == pytest.approx(zone_m2(0, 0.2, 0.2), rel=1e-6)


@pytest.mark.parametrize(
    ("west", "south", "east", "north"),
    [(-180, -90, 180, 90), (0, -90, 360, 90), (-180, -60, 180, 90), (-180, -90, 170, 90), (-100, -80, 100, 80)],
)
def test_more_than_half_of_the_earth_is_refused(west: int, south: int, east: int, north: int) -> None:
    world = shapely.box(west, south, east, north)
    for polygon in (world, shapely.reverse(world)):
        with pytest.raises(DataError, match=r"x\.tif: .*more than half of the Earth.*-projwin"):
            Ellipsoid(LON_LAT, "x.tif").measure(np.array([shapely.box(0, 0, 1, 1), polygon]))


def test_most_of_a_hemisphere_is_measured() -> None:
    (area,), _ = Ellipsoid(LON_LAT, "x.tif").measure(np.array([shapely.box(-170, 0, 170, 80)]))
    assert area == pytest.approx(zone_m2(0, 80, 340), rel=1e-5)


@pytest.mark.parametrize(("code", "pole"), [(3571, 90), (6932, -90), (3031, -90)])
@pytest.mark.parametrize("degrees", [20, 80])
def test_around_a_pole_it_is_what_lies_within(code: int, pole: int, degrees: int) -> None:
    latitude = pole - np.sign(pole) * degrees
    move = pyproj.Transformer.from_crs(4326, code, always_xy=True).transform
    ring = np.stack(move(np.arange(0, 360, 0.5), np.full(720, latitude)), axis=1)
    (area,), _ = Ellipsoid(CRS.from_epsg(code), "x.tif").measure(np.array([shapely.Polygon(ring)]))
    assert area == pytest.approx(zone_m2(min(pole, latitude), max(pole, latitude), 360), rel=2e-3)


def test_half_a_pixel_beyond_the_pole_is_the_pole() -> None:
    (area,), _ = Ellipsoid(LON_LAT, "x.tif").measure(np.array([shapely.box(10, 89, 11, 90.25)]))
    assert area == pytest.approx(zone_m2(89, 90, 1), rel=1e-4)


def test_a_crs_without_an_earth_is_told() -> None:
    with pytest.raises(DataError, match=r"plan\.tif: .*Earth.*gdalwarp"):
        Ellipsoid(CRS.from_wkt('LOCAL_CS["a site",UNIT["metre",1]]'), "plan.tif")


def test_what_lies_beyond_the_crs_is_told() -> None:
    with pytest.raises(DataError, match=r"x\.tif: it reaches beyond"):
        Ellipsoid(CRS.from_epsg(3035), "x.tif").degrees(np.array([[1e30, 1e30]]))


def test_no_polygons_have_no_areas() -> None:
    areas, lengths = Ellipsoid(UTM33, "x.tif").measure(np.array([], dtype=object))
    assert len(areas) == len(lengths) == 0


def test_frames_tell_how_a_column_and_a_row_lie_on_the_ground() -> None:
    upright = Affine(10, 0, 500_000, 0, -10, 5_300_000)
    middles = np.array([[5.0, 5.0], [0.0, 0.0]])
    found = Ellipsoid(UTM33, "x.tif").frames(middles, upright)
    assert found == pytest.approx(np.array([[[10, 0], [0, -10]]] * 2), abs=0.01)
    turned = Ellipsoid(UTM33, "x.tif").frames(middles[:1], upright @ Affine.rotation(90))
    assert turned[0] == pytest.approx(np.array([[0, -10], [-10, 0]]), abs=0.01)
    degrees = Affine(0.001, 0, 15, 0, -0.001, 60)
    (frame,) = Ellipsoid(LON_LAT, "x.tif").frames(middles[:1], degrees)
    assert frame == pytest.approx(np.array([[55.8, 0], [0, -111.4]]), abs=0.1)


def test_points_are_placed_by_the_transform() -> None:
    transform = Affine(2, 0.5, 100, -0.25, -3, 200)
    points = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert to_map(points, transform).tolist() == [list(transform @ tuple(each)) for each in points]
