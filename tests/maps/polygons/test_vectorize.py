"""Polygons of water: exact, of any size, whatever the blocks."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from tests.maps.polygons.layers import PLAIN, made, read, speckled, water_tif
from tests.support.bodies import Codes, codes_of, drawn, spiral
from tests.support.rasters import LON_LAT, UTM33, make_grid, write_tif
from watermap.config import VectorizeConfig
from watermap.geo.grid import Grid
from watermap.io.cog import write_raster
from watermap.io.layouts import LABEL_LAYOUT
from watermap.legend import LAND, NO_DATA, WATER
from watermap.maps.polygons.vectorize import vectorize

GRIDS = {
    "north up": Affine(10, 0, 500_000, 0, -10, 5_300_000),
    "south up": Affine(10, 0, 500_000, 0, 10, 5_300_000),
    "turned": Affine(10, 0, 500_000, 0, -10, 5_300_000) @ Affine.rotation(33),
    "oblong": Affine(30, 0, 500_000, 0, -10, 5_300_000),
}


@pytest.mark.parametrize("transform", GRIDS.values(), ids=GRIDS)
def test_filled_polygons_are_exactly_the_water(tmp_path: Path, transform: Affine) -> None:
    codes = speckled((60, 45))
    codes[10:20, 5:30] = NO_DATA
    grid = Grid(UTM33, transform, 45, 60)
    layer = made(tmp_path, codes, grid)
    assert shapely.is_valid(layer.polygons).all()
    filled = rasterize(layer.polygons, codes.shape, transform=transform, all_touched=False, dtype="uint8")
    assert (filled == (codes == WATER)).all()


@settings(max_examples=25, deadline=None)
@given(codes_of(14), st.integers(1, 15), st.booleans(), st.sampled_from([0.0, 4.0]))
def test_blocks_do_not_change_the_result(codes: Codes, rows: int, smooth: bool, simplify_m: float) -> None:
    config = VectorizeConfig(smooth=smooth, simplify_m=simplify_m)
    likely = np.random.default_rng(1).random((1, *codes.shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        water = water_tif(folder, codes)
        probability = write_tif(folder / "p.tif", likely, make_grid(codes.shape[1], codes.shape[0]))
        layers = []
        for number, each in enumerate((rows, 1000)):
            vectorize(water, folder / f"{number}.gpkg", config, probability=probability, rows=each)
            layers.append(read(folder / f"{number}.gpkg"))
    one, other = layers
    assert shapely.to_wkb(one.polygons).tolist() == shapely.to_wkb(other.polygons).tolist()
    for field in one.fields:
        np.testing.assert_array_equal(one.fields[field], other.fields[field])
    assert shapely.is_valid(one.polygons).all()


def pixel_areas(grid: Grid) -> Any:
    """(rows, cols) in m2, each pixel a geodesic polygon of many points."""
    crs = pyproj.CRS.from_wkt(grid.crs.to_wkt())
    geod = crs.get_geod()
    assert geod is not None
    move = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform
    ring = shapely.get_coordinates(shapely.segmentize(shapely.box(0, 0, 1, 1), 0.25))
    found = np.zeros(grid.shape)
    for row, col in np.ndindex(grid.shape):
        xs, ys = zip(*(grid.transform @ (col + x, row + y) for x, y in ring), strict=True)
        found[row, col] = abs(geod.polygon_area_perimeter(*move(xs, ys))[0])
    return found


@pytest.mark.parametrize(
    "grid",
    [
        *(Grid(UTM33, transform, 24, 30) for transform in GRIDS.values()),
        make_grid(24, 30, left=800_000, pixel=300),
        make_grid(24, 30, crs=LON_LAT, left=10, top=60, pixel=0.0001),
        make_grid(24, 30, crs=LON_LAT, left=-70, top=80, pixel=0.5),
    ],
)
def test_areas_are_those_of_the_pixels_on_the_ellipsoid(tmp_path: Path, grid: Grid) -> None:
    codes = speckled(grid.shape, seed=4)
    layer = made(tmp_path, codes, grid)
    expected = pixel_areas(grid)[codes == WATER].sum()
    assert layer.fields["area_m2"].sum() == pytest.approx(expected, rel=1e-4)


def test_a_lake_over_many_blocks_is_one_polygon_with_its_islands(tmp_path: Path) -> None:
    codes = np.zeros((100, 80), dtype=np.uint8)
    codes[3:97, 5:75] = WATER
    for row in range(8, 90, 12):
        codes[row : row + 5, 20:40] = LAND
    codes[50:54, 60:66] = LAND
    codes[51:53, 62:64] = WATER  # a pond on an island
    layer = made(tmp_path, codes)
    assert [len(each.interiors) for each in layer.polygons] == [8, 0]
    assert layer.fields["area_m2"] == pytest.approx([(94 * 70 - 7 * 100 - 24) * 100.08, 400.3], rel=1e-3)
    assert layer.fields["perimeter_m"] == pytest.approx([(328 + 7 * 50 + 20) * 10.004, 80.03], rel=1e-3)
    assert layer.fields["size_class"].tolist() == ["small lake", "pond"]


@pytest.mark.parametrize(
    ("codes", "count"),
    [
        (spiral(40), 1),
        ((np.indices((20, 20)).sum(axis=0) % 2).astype(np.uint8), 200),
        (np.ones((30, 20), dtype=np.uint8), 1),
        (drawn("##.##.#"), 3),
        (drawn("# # . # ?"), 2),
        (drawn("#"), 1),
    ],
    ids=["spiral", "checkerboard", "all water", "a row", "a column", "a pixel"],
)
def test_shapes_at_the_ends_of_the_scale(tmp_path: Path, codes: Codes, count: int) -> None:
    for config in ({}, {"smooth": True}, {"simplify_m": 30.0}, {"smooth": True, "simplify_m": 5.0}):
        layer = made(tmp_path, codes, **config)
        assert len(layer.polygons) == count
        assert shapely.is_valid(layer.polygons).all()
        assert layer.fields["id"].tolist() == list(range(1, count + 1))


@pytest.mark.parametrize("codes", [np.zeros((20, 30), dtype=np.uint8), np.full((20, 30), NO_DATA, dtype=np.uint8)])
def test_no_water_is_a_layer_without_rows(tmp_path: Path, codes: Codes) -> None:
    layer = made(tmp_path, codes)
    assert len(layer.polygons) == 0
    assert layer.crs == "EPSG:32633"
    info = pyogrio.read_info(tmp_path / "lake.gpkg")
    assert dict(zip(info["fields"], info["dtypes"], strict=True)) == {
        "id": "int64",
        "area_m2": "float64",
        "perimeter_m": "float64",
        "mean_probability": "float64",
        "size_class": "object",
        "touches_edge": "bool",
        "date": "datetime64[D]",
    }


def test_everything_dropped_is_a_layer_without_rows(tmp_path: Path) -> None:
    found = vectorize(water_tif(tmp_path, drawn("#.#")), tmp_path / "lake.gpkg", VectorizeConfig(min_area_m2=1e6))
    assert (found.count, found.area_m2, found.dropped) == (0, 0.0, 2)
    assert len(read(tmp_path / "lake.gpkg").polygons) == 0


def test_ids_follow_first_pixels_however_late_a_body_ends(tmp_path: Path) -> None:
    codes = drawn("..#..# .....# ###..# .....# .#.#.# .....# ######")
    water = water_tif(tmp_path, codes)
    vectorize(water, tmp_path / "lake.gpkg", PLAIN, rows=1)
    firsts = [tuple(each.exterior.coords[0]) for each in read(tmp_path / "lake.gpkg").polygons]
    assert firsts == [
        (500_000 + 10 * col, 5_300_000 - 10 * row) for row, col in [(0, 2), (0, 5), (2, 0), (4, 1), (4, 3)]
    ]


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_what_the_edge_or_no_data_cuts_off_is_told(tmp_path: Path, rows: int) -> None:
    codes = drawn("""
        ........#
        .##......
        .##.##?..
        .........
        .#.......
        ..?...##.
        ......##.
        .........""")
    vectorize(water_tif(tmp_path, codes), tmp_path / "lake.gpkg", PLAIN, rows=rows)
    layer = read(tmp_path / "lake.gpkg")
    assert layer.fields["touches_edge"].tolist() == [True, False, True, False, False]


def test_small_bodies_are_left_out_and_the_rest_counted_on(tmp_path: Path) -> None:
    codes = drawn("#.## ..## .... .#.#")
    water = water_tif(tmp_path, codes)
    found = vectorize(water, tmp_path / "lake.gpkg", VectorizeConfig(min_area_m2=150))
    layer = read(tmp_path / "lake.gpkg")
    assert layer.fields["id"].tolist() == [1]
    assert (found.count, found.dropped) == (1, 3)
    assert found.area_m2 == layer.fields["area_m2"].sum() == pytest.approx(400.3, rel=1e-3)


def test_batches_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = speckled((40, 40))
    whole = made(tmp_path, codes, min_area_m2=150)
    monkeypatch.setattr("watermap.maps.polygons.vectorize._BATCH_CORNERS", 50)
    parts = made(tmp_path, codes, min_area_m2=150)
    assert shapely.to_wkb(parts.polygons).tolist() == shapely.to_wkb(whole.polygons).tolist()
    for field in whole.fields:
        np.testing.assert_array_equal(parts.fields[field], whole.fields[field])


def test_areas_and_shores_are_those_of_what_is_drawn(tmp_path: Path) -> None:
    rows, cols = np.indices((80, 80))
    codes = (np.hypot(rows - 40, (cols - 40) / 1.5) < 22).astype(np.uint8)
    plain = made(tmp_path, codes)
    for config in ({"smooth": True}, {"simplify_m": 15.0}):
        layer = made(tmp_path, codes, **config)
        assert layer.fields["area_m2"] == pytest.approx(shapely.area(layer.polygons) / 0.9996**2, rel=1e-3)
        assert layer.fields["perimeter_m"] == pytest.approx(shapely.length(layer.polygons) / 0.9996, rel=1e-3)
        assert layer.fields["perimeter_m"] < 0.95 * plain.fields["perimeter_m"]
    smooth = made(tmp_path, codes, smooth=True)
    assert smooth.fields["area_m2"] == pytest.approx(plain.fields["area_m2"], rel=1e-6)


def test_tolerance_is_in_metres_in_degrees_too(tmp_path: Path) -> None:
    """The same lake, at 60 degrees north, in a grid of degrees whose pixels are ten metres on the ground."""
    rows, cols = np.indices((70, 70))
    codes = (np.hypot(rows - 35, cols - 35) < 30).astype(np.uint8)
    metres = made(tmp_path, codes, make_grid(70, 70, top=6_651_832), simplify_m=12.0).polygons[0]
    grid = Grid(LON_LAT, Affine(10 / 55_800, 0, 15, 0, -10 / 111_412, 60), 70, 70)
    degrees = made(tmp_path, codes, grid, simplify_m=12.0).polygons[0]
    assert shapely.get_num_coordinates(degrees) == shapely.get_num_coordinates(metres)
    assert shapely.get_num_coordinates(made(tmp_path, codes, grid).polygons[0]) > 3 * shapely.get_num_coordinates(
        degrees
    )


def test_memory_does_not_grow_with_the_height(tmp_path: Path) -> None:
    peaks = []
    for height in (4_000, 40_000):
        codes = np.zeros((height, 200), dtype=np.uint8)
        codes[::500, 20:180] = WATER
        water = write_raster(tmp_path / "tall.tif", codes[None], make_grid(200, height), LABEL_LAYOUT)
        del codes
        tracemalloc.start()
        vectorize(water, tmp_path / "tall.gpkg", PLAIN, rows=500)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_a_world_of_water_has_the_area_of_the_earth(tmp_path: Path) -> None:
    codes = np.ones((1, 18, 36), np.uint8)
    water = write_tif(tmp_path / "w_water.tif", codes, make_grid(36, 18, left=-180, top=90, pixel=10, crs=LON_LAT))
    made = vectorize(water, tmp_path / "w.gpkg", VectorizeConfig())
    assert made.area_m2 / 1e12 == pytest.approx(510.066, rel=1e-5)
