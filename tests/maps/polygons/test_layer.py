import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from tests.maps.polygons.test_outlines import traced
from tests.support.bodies import drawn
from tests.support.rasters import UTM33, make_grid
from watermap.config import VectorizeConfig
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.maps.polygons.layer import Drawing, size_classes


def test_classes_of_size() -> None:
    areas = np.array([100, 49_999, 50_000, 999_999, 1e6, 1e12])
    assert size_classes(areas).tolist() == ["pond", "pond", "small lake", "small lake", "lake", "lake"]


@pytest.mark.parametrize(
    "transform",
    [
        Affine(10, 0, 5e5, 0, -10, 5.3e6),
        Affine(10, 0, 5e5, 0, 10, 5.3e6),
        Affine(-10, 0, 5e5, 0, -10, 5.3e6),
        Affine(0, 10, 5e5, 10, 0, 5.3e6),
        Affine(10, 0, 5e5, 0, -10, 5.3e6) @ Affine.rotation(30),
    ],
)
def test_outer_rings_run_counterclockwise_on_any_grid(transform: Affine) -> None:
    drawing = Drawing(Grid(UTM33, transform, 3, 3), VectorizeConfig(), "x.tif")
    (outlines,) = traced(drawn("### #.# ###"))
    (body,), (area,), _, (keeps,) = drawing.shape(outlines)
    assert shapely.is_ccw(body.exterior)
    assert not shapely.is_ccw(body.interiors[0])
    assert area == pytest.approx(800, rel=1e-3)
    assert keeps


def test_what_is_too_small_is_judged_by_its_pixels() -> None:
    (outlines,) = traced(drawn("....# .###. ...#."))[:1]
    for config in ({}, {"smooth": True}, {"simplify_m": 5.0}):
        at_least = Drawing(make_grid(5, 3), VectorizeConfig(min_area_m2=99.0, **config), "x.tif")
        more = Drawing(make_grid(5, 3), VectorizeConfig(min_area_m2=101.0, **config), "x.tif")
        assert at_least.shape(outlines)[3].tolist() == [True]
        assert more.shape(outlines)[3].tolist() == [False]


def test_a_shape_that_would_be_invalid_is_drawn_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    monkeypatch.setattr("watermap.maps.polygons.layer.simplify", lambda polygons, *_: np.array([bow] * len(polygons)))
    (outlines,) = traced(drawn("### ###"))
    plain = Drawing(make_grid(3, 2), VectorizeConfig(), "x.tif").shape(outlines)
    found = Drawing(make_grid(3, 2), VectorizeConfig(simplify_m=1.0), "x.tif").shape(outlines)
    assert found[0][0].equals(plain[0][0])
    assert found[1] == plain[1]


def test_a_raster_that_lies_nowhere_is_told_before_anything_is_read() -> None:
    grid = Grid(CRS.from_wkt('LOCAL_CS["a site",UNIT["metre",1]]'), Affine.scale(2, -2), 3, 3)
    with pytest.raises(DataError, match="Earth"):
        Drawing(grid, VectorizeConfig(), "x.tif")
