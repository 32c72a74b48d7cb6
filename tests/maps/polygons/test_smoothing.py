import numpy as np
import pytest
import shapely
from hypothesis import given, settings

from tests.maps.polygons.test_outlines import traced
from tests.support.bodies import Codes, codes_of, drawn, spiral
from watermap.legend import LAND, WATER
from watermap.maps.polygons.outlines import Outlines
from watermap.maps.polygons.smoothing import simplify, smooth

METRES = np.array([[10.0, 0.0], [0.0, -10.0]])


def outlines_of(codes: Codes) -> Outlines:
    (outlines,) = traced(codes)
    return outlines


def rings(outlines: Outlines) -> list[float]:
    polygons = outlines.polygons()
    return [shapely.Polygon(ring).area for each in polygons for ring in (each.exterior, *each.interiors)]


@settings(max_examples=300)
@given(codes_of(14, (LAND, WATER)))
def test_smooth_shores_are_valid_and_keep_every_area(codes: Codes) -> None:
    for outlines in traced(codes):
        found = smooth(outlines)
        assert shapely.is_valid(found.polygons()).all()
        assert rings(found) == pytest.approx(rings(outlines), rel=1e-9)
        for one, other in zip(outlines.polygons(), found.polygons(), strict=True):
            assert one.hausdorff_distance(other) < 1


@pytest.mark.parametrize("codes", [spiral(25), drawn("#"), drawn("########"), drawn("##. #.# ###")])
def test_thin_bodies_stay_valid(codes: Codes) -> None:
    assert shapely.is_valid(smooth(outlines_of(codes)).polygons()).all()


def test_smooth_bodies_that_touched_at_a_corner_lie_apart() -> None:
    one, other = (smooth(each).polygons()[0] for each in traced(drawn("#. .#")))
    assert one.distance(other) > 0.1


def test_even_stairs_become_a_straight_shore() -> None:
    codes = np.tril(np.ones((40, 40), dtype=np.uint8))
    (body,) = smooth(outlines_of(codes)).polygons()
    assert len(body.exterior.coords) < 16
    assert body.length < 0.9 * outlines_of(codes).polygons()[0].length


def test_smoothing_starts_from_whole_pixels_far_from_the_first() -> None:
    near = outlines_of(drawn("..... .###. ..##. ....."))
    far = Outlines(near.corners + 1_000_000, near.rings, near.bodies)
    assert np.allclose(smooth(far).corners - 1_000_000, smooth(near).corners, atol=1e-8)


def test_simple_shores_lie_within_the_tolerance_and_keep_their_islands() -> None:
    codes = np.zeros((60, 60), dtype=np.uint8)
    rows, cols = np.indices(codes.shape)
    codes[np.hypot(rows - 30, cols - 30) < 25] = WATER
    codes[np.hypot(rows - 30, cols - 30) < 8] = LAND
    polygons = outlines_of(codes).polygons()
    (found,) = simplify(polygons, 12.0, METRES[None])
    assert found.is_valid
    assert len(found.interiors) == 1
    assert shapely.get_num_coordinates(found) < shapely.get_num_coordinates(polygons[0]) / 3
    assert found.hausdorff_distance(polygons[0]) <= 1.2 + 1e-9
    (more,) = simplify(polygons, 25.0, METRES[None])
    assert shapely.get_num_coordinates(more) < shapely.get_num_coordinates(found)


@pytest.mark.parametrize(("row", "col", "stays"), [(4, 9, False), (9, 4, True)])
def test_tolerance_is_in_metres_on_the_ground_in_each_direction(row: int, col: int, stays: bool) -> None:
    codes = np.zeros((12, 12), dtype=np.uint8)
    codes[2:9, 2:9] = WATER
    codes[row, col] = WATER
    polygons = outlines_of(codes).polygons()
    (found,) = simplify(polygons, 15.0, np.array([[[10.0, 0.0], [0.0, -20.0]]]))
    assert (found.bounds[2] == pytest.approx(10) or found.bounds[3] == pytest.approx(10)) == stays


def test_a_pond_that_would_become_a_triangle_keeps_its_outline() -> None:
    polygons = outlines_of(drawn("#")).polygons()
    assert simplify(polygons, 50.0, METRES[None])[0].equals(polygons[0])
