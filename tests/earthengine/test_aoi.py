"""Areas of interest: files, boxes and WKT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform

from tests.earthengine.shapes import BOX, LINE, POINT, collection, feature, text_file, write
from tests.support.failures import one_line
from watermap.earthengine.aoi import Area, read_area
from watermap.errors import DataError
from watermap.geo.shapes import polygons

WITH_HOLE = BOX.difference(shapely.box(12.3, 47.6, 12.5, 47.8))
BOW_TIE = shapely.Polygon([(12, 47), (13, 48), (13, 47), (12, 48)])


def in_crs(shape: Any, crs: str, step: float) -> Any:
    """A shape in degrees in another CRS, its corners alone with an endless step."""
    target = CRS.from_user_input(crs)

    def move(points: Any) -> Any:
        return np.column_stack(transform("EPSG:4326", target, points[:, 0], points[:, 1]))

    return shapely.transform(shapely.segmentize(shape, step), move)


def true_km2(west: float, south: float, east: float, north: float) -> float:
    """Area between meridians and parallels of the WGS 84 ellipsoid, by quadrature."""
    a, f = 6378.137, 1 / 298.257223563
    e2 = f * (2 - f)
    edges = np.radians(np.linspace(south, north, 20_001))
    middles = (edges[1:] + edges[:-1]) / 2
    zone = a**2 * (1 - e2) * np.cos(middles) / (1 - e2 * np.sin(middles) ** 2) ** 2
    return float(np.radians(east - west) * (zone * np.diff(edges)).sum())


def same(area: Area, shape: Any) -> bool:
    return bool(area.geometry.is_valid and area.geometry.symmetric_difference(shape).area < 1e-9)


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "A B,1 (2).GEOJSON"])
@pytest.mark.parametrize("content", [collection(WITH_HOLE), feature(WITH_HOLE), feature(WITH_HOLE)["geometry"]])
def test_geojson_of_any_kind(tmp_path: Path, name: str, content: dict[str, Any]) -> None:
    area = read_area(str(text_file(tmp_path / name, content)))
    assert same(area, WITH_HOLE)
    assert area.notes == ()


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.fgb"])
def test_vector_files(tmp_path: Path, name: str) -> None:
    area = read_area(f"  {write(tmp_path / name, [WITH_HOLE], kind='Polygon')} ")
    assert same(area, WITH_HOLE)
    assert area.notes == ()


def test_wkt_as_text_and_in_a_file(tmp_path: Path) -> None:
    text = shapely.to_wkt(WITH_HOLE)
    assert read_area(text) == Area(WITH_HOLE)
    assert same(read_area(text.lower().replace("(", " (\n")), WITH_HOLE)
    long = shapely.segmentize(WITH_HOLE, 0.001)
    assert same(read_area(shapely.to_wkt(long)), WITH_HOLE)
    area = read_area(str(text_file(tmp_path / "a.wkt", f"\ufeff{text}\n")))
    assert same(area, WITH_HOLE)
    assert area.notes == (f"{tmp_path / 'a.wkt'}: taken to be in degrees, longitude before latitude",)


@pytest.mark.parametrize("text", ["12.1,47.5,12.9,48", " 12.1, 47.5 ,1.29e1,+48.0 "])
def test_a_bounding_box(text: str) -> None:
    area = read_area(text)
    assert same(area, BOX)
    assert area.bounds == (12.1, 47.5, 12.9, 48)


def test_what_exists_is_a_file_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("1,2,3,4", "POLYGON ((1)).geojson"):
        text_file(tmp_path / name, feature(BOX))
        assert same(read_area(name), BOX)
    monkeypatch.setenv("HOME", str(tmp_path))
    text_file(tmp_path / "home.geojson", feature(BOX))
    assert same(read_area("~/home.geojson"), BOX)


def test_all_polygons_of_a_file_are_one_area(tmp_path: Path) -> None:
    shapes = [
        BOX,
        shapely.box(12.5, 47.7, 13.5, 48.2),
        shapely.MultiPolygon([shapely.box(20, 1, 21, 2), shapely.box(-3, 1, -2, 2)]),
    ]
    area = read_area(str(write(tmp_path / "a.gpkg", [*shapes, BOX])))
    assert same(area, shapely.union_all(shapes))
    assert area.geometry.geom_type == "MultiPolygon"
    assert area.notes == ()


@pytest.mark.parametrize("crs", ["EPSG:3035", "EPSG:32633", "EPSG:3857", "EPSG:31287", "EPSG:6318", "EPSG:4979"])
def test_edges_of_a_file_are_straight_in_its_crs(tmp_path: Path, crs: str) -> None:
    corners = in_crs(shapely.box(11, 46, 15, 48), crs, np.inf)
    area = read_area(str(write(tmp_path / "a.gpkg", [corners], crs=crs)))
    back = in_crs(area.geometry, crs, 0.001)
    metre = 1e-5 if CRS.from_user_input(crs).is_geographic else 1
    assert shapely.hausdorff_distance(back, shapely.segmentize(corners, 1000 * metre), densify=0.5) < metre
    assert area.notes == ()


def test_edges_in_feet(tmp_path: Path) -> None:
    corners = in_crs(shapely.box(-78, 39, -71, 42), "EPSG:2263", np.inf)
    area = read_area(str(write(tmp_path / "a.shp", [corners], crs="EPSG:2263", kind="Polygon")))
    back = in_crs(area.geometry, "EPSG:2263", 0.001)
    assert shapely.hausdorff_distance(back, shapely.segmentize(corners, 3000)) < 3.3


@pytest.mark.parametrize("place", [(12, 47), (0, 0), (175, -80), (-180, 82)])
@pytest.mark.parametrize("size", [0.01, 2])
def test_areas_are_true_on_the_ellipsoid(place: tuple[float, float], size: float) -> None:
    west, south = place
    box = (west, south, west + 2.5 * size, south + size)
    assert Area(shapely.box(*box)).area_km2 == pytest.approx(true_km2(*box), rel=1e-5)


@pytest.mark.parametrize(("crs", "west", "south"), [(32633, 12, 47), (32733, 12, -80), (32633, 12, 82), (3035, 2, 50)])
def test_edges_of_an_area_are_straight_in_degrees(crs: int, west: float, south: float) -> None:
    shape = shapely.Polygon([(west, south), (west + 6, south), (west + 6, south + 2), (west + 5, south + 1.9)])
    moved = Area(shape).in_crs(CRS.from_epsg(crs))
    edge = in_crs(shape.exterior, f"EPSG:{crs}", 1e-3)
    assert shapely.distance(shapely.points(edge.coords), moved.exterior).max() < 1
    assert moved.is_valid


def test_an_outline_that_meets_itself_in_another_crs_is_repaired() -> None:
    around = Area(shapely.union_all([shapely.box(-180, 70, 0, 80), shapely.box(0, 70, 180, 80)]))
    for epsg in (3571, 3572):  # equal areas around the pole
        moved = around.in_crs(CRS.from_epsg(epsg))
        assert moved.is_valid
        assert moved.area / 1e6 == pytest.approx(true_km2(-180, 70, 180, 80), rel=1e-4)


def test_an_area_in_degrees_is_as_it_was() -> None:
    assert Area(BOX).in_crs(CRS.from_epsg(4326)) == BOX


def test_a_crs_that_does_not_reach_is_told() -> None:
    with pytest.raises(DataError, match="cannot be transformed") as error:
        Area(BOX).in_crs(CRS.from_string("+proj=ortho +lat_0=-90"))
    one_line(error)


def test_a_polygon_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [BOW_TIE, BOX])
    area = read_area(str(path))
    loops = [shapely.Polygon([(x, 47), (x, 48), (12.5, 47.5)]) for x in (12, 13)]
    assert same(area, shapely.union_all([*loops, BOX]))
    assert area.notes == (f"{path}: invalid polygons repaired: 1, Self-intersection[12.5 47.5]",)


def test_a_repair_adds_no_ground() -> None:
    overlapping = shapely.MultiPolygon([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)])
    assert shapely.union_all(polygons(overlapping)).area == 7
    shell = shapely.box(0, 0, 2, 2)
    outside = [shapely.box(1, 1, 4, 1.5).exterior, shapely.box(1.5, 1.2, 1.8, 1.8).exterior]
    repaired = shapely.union_all(polygons(shapely.Polygon(shell.exterior, outside)))
    assert repaired.within(shell)
    assert repaired.area == pytest.approx(4 - 0.5 - 0.3 * 0.3)


def test_the_first_layer_with_polygons_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for layer, shape in {"gauges": POINT, "lakes": BOX, "dams": shapely.box(1, 1, 2, 2)}.items():
        write(path, [shape], layer=layer, append=path.exists())
    area = read_area(str(path))
    assert same(area, BOX)
    assert area.notes == (f"{path}: of 3 layers lakes is used, the first with polygons",)


def test_points_lines_and_heights_are_left_out(tmp_path: Path) -> None:
    high = shapely.force_3d(BOX, 500)
    mixed = shapely.GeometryCollection([shapely.box(1, 1, 2, 2), shapely.MultiPoint([(1, 2), (3, 4)])])
    path = text_file(tmp_path / "a.geojson", collection(high, LINE, None, mixed, shapely.Polygon()))
    area = read_area(str(path))
    assert same(area, BOX.union(shapely.box(1, 1, 2, 2)))
    assert not area.geometry.has_z
    assert area.notes == (
        f"{path}: shapes left out that are no polygons or cannot be read: 4",
        f"{path}: heights (Z) left out",
    )
    assert read_area("POLYGON Z ((1 1 9, 2 1 9, 2 2 9, 1 1 9))").notes[0].endswith("heights (Z) left out")


def test_shapes_lost_with_the_end_of_a_file_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", [BOX, BOX], kind="Polygon")
    path.write_bytes(path.read_bytes()[:-50])
    assert read_area(str(path)).notes == (f"{path}: shapes left out that are no polygons or cannot be read: 1",)


def test_up_to_the_antimeridian_and_on_its_far_side(tmp_path: Path) -> None:
    assert read_area("170,-20,180,-10").bounds[2] == 180
    split = shapely.MultiPolygon([shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -179, -16)])
    assert same(read_area(shapely.to_wkt(split)), split)
    mercator = in_crs(split, "EPSG:3857", np.inf)
    assert same(read_area(str(write(tmp_path / "a.gpkg", [mercator], crs="EPSG:3857"))), split)
    beyond = shapely.box(3e6, 0, 3339584.7238, 1e5)  # to 180.00000000002
    assert read_area(str(write(tmp_path / "b.gpkg", [beyond], crs="EPSG:3832"))).bounds[2] == 180
