import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize, shapes

from tests.support.bodies import Codes, blocks_of, codes_of, drawn, spiral
from watermap.legend import LAND, WATER
from watermap.maps.polygons.bodies import whole_bodies
from watermap.maps.polygons.outlines import Outlines, trace


def traced(codes: Codes, rows: int = 1000) -> list[Outlines]:
    return [trace(whole, codes.shape) for whole in whole_bodies(blocks_of(codes, rows), codes.shape[1])]


def polygons(codes: Codes, rows: int = 1000) -> list[shapely.Polygon]:
    return [polygon for outlines in traced(codes, rows) for polygon in outlines.polygons()]


def normal(found: list[shapely.Polygon]) -> list[bytes]:
    return sorted(shapely.to_wkb(shapely.normalize(found)).tolist())


@settings(max_examples=300)
@given(codes_of(12, (LAND, WATER)), st.integers(1, 14))
def test_outlines_are_those_that_gdal_draws_of_the_whole_raster(codes: Codes, rows: int) -> None:
    found = polygons(codes, rows)
    expected = [shapely.geometry.shape(each) for each, _ in shapes(codes, mask=codes == WATER, connectivity=4)]
    assert normal(found) == normal(expected)
    assert all(polygon.is_valid for polygon in found)


@given(codes_of(12, (LAND, WATER)), st.integers(1, 14))
def test_outlines_start_and_turn_alike_whatever_the_blocks(codes: Codes, rows: int) -> None:
    assert sorted(shapely.to_wkb(polygons(codes, rows)).tolist()) == sorted(shapely.to_wkb(polygons(codes)).tolist())


@given(codes_of(12, (LAND, WATER)))
def test_filled_outlines_are_the_water(codes: Codes) -> None:
    found = polygons(codes)
    filled = rasterize(found, codes.shape, dtype="uint8") if found else np.zeros_like(codes)
    assert (filled == codes).all()


def test_a_checkerboard_is_a_square_for_each_pixel() -> None:
    codes = (np.indices((6, 6)).sum(axis=0) % 2).astype(np.uint8)
    found = polygons(codes, 2)
    assert len(found) == 18
    assert {polygon.area for polygon in found} == {1.0}


def test_land_that_touches_the_shore_at_a_corner_is_an_island() -> None:
    (body,) = polygons(drawn("##. #.# ###"))
    assert body.is_valid
    assert [shapely.Polygon(ring).area for ring in body.interiors] == [1.0]
    (body,) = polygons(drawn(".## #.# ###"), 1)
    assert body.is_valid
    assert len(body.interiors) == 1


def test_islands_that_touch_at_corners_are_rings_of_their_own() -> None:
    (body,) = polygons(drawn("##### #.#.# ##.## #.#.# #####"))
    assert body.is_valid
    assert len(body.interiors) == 5


def test_no_outline_has_a_point_between_two_corners() -> None:
    codes = np.zeros((50, 20), dtype=np.uint8)
    codes[3:47, 4:16] = WATER
    codes[20:30, 8:10] = LAND
    (body,) = polygons(codes, 3)
    assert len(body.exterior.coords) == len(body.interiors[0].coords) == 5


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_a_spiral_has_one_ring(rows: int) -> None:
    codes = spiral(40)
    (body,) = polygons(codes, rows)
    assert body.is_valid
    assert body.area == codes.sum()
    assert not len(body.interiors)


def test_rings_start_at_the_first_pixel_and_outer_ones_run_down_first() -> None:
    (outlines,) = traced(drawn(".###. .#.#. #####"))
    assert outlines.corners[:2].tolist() == [[1, 0], [1, 2]]
    assert outlines.rings.tolist() == [8, 4]
    assert outlines.bodies.tolist() == [2]
