"""What is no area of interest is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from tests.earthengine.shapes import BOX, LINE, POINT, collection, text_file, write
from tests.support.failures import one_line
from watermap.earthengine.aoi import read_area
from watermap.errors import DataError, UsageError

WRONG_SHAPES = [
    ([POINT, LINE], "points or lines, no polygons"),
    ([shapely.Polygon()], "holds no shapes"),
    ([shapely.Polygon([(1, 1), (2, 2), (3, 3)])], "no area"),
    ([shapely.Polygon([(1, 1), (2, 2), (np.inf, 3)])], "not finite"),
    ([shapely.box(480_000, 5_200_000, 490_000, 5_300_000)], "are not degrees.*swapped.*metres"),
    ([shapely.box(47, 112, 48, 113)], "are not degrees.*swapped"),
    ([shapely.box(175, 10, 185, 12)], "not within -180 to 180.*split it at 180"),
    ([shapely.box(-179.5, 10, 179.5, 12)], "359 degrees wide.*antimeridian.*split it at 180"),
    ([BOX, shapely.Polygon([(179, 1), (-179, 1), (-179, 2), (178, 3), (-178, 0)])], "antimeridian.*split it at 180"),
    ([shapely.box(12, 83, 13, 84.1)], "too near a pole.*UTM"),
    ([shapely.box(12, -80.1, 13, -79)], "too near a pole.*UTM"),
]


@pytest.mark.parametrize(("shapes", "reason"), WRONG_SHAPES)
def test_shapes_that_are_no_area(tmp_path: Path, shapes: list[Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as usage:
        read_area(shapely.to_wkt(shapely.GeometryCollection(shapes)))
    assert usage.value.exit_code == 2
    one_line(usage)
    for name in ("a.gpkg", "a.wkt"):
        path = tmp_path / name
        if name == "a.gpkg":
            write(path, shapes)
        else:
            text_file(path, shapely.to_wkt(shapely.GeometryCollection(shapes)))
        with pytest.raises(DataError, match=reason) as data:
            read_area(str(path))
        assert data.value.exit_code == 3
        assert str(path) in one_line(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12,47,13", "not a bounding box of four numbers"),
        ("12,47,13,48,9", "not a bounding box of four numbers"),
        ("12", "not a bounding box of four numbers"),
        ("", "not a bounding box of four numbers"),
        ("12 47 13 48", "divided by commas"),
        ("12,47,east,48", "not a bounding box of four numbers"),
        ("west,47,13,48", "not a bounding box of four numbers"),
        ("nan,nan,nan,nan", "not a bounding box of four numbers"),
        ("12,47,13,inf", "not a bounding box of four numbers"),
        ("12,47,13,1e999", "not a bounding box of four numbers"),
        ("13,47,12,48", "minx is not less than maxx.*antimeridian"),
        ("12,47,12,48", "minx is not less than maxx"),
        ("170,-20,-170,-10", "minx is not less than maxx.*antimeridian at 180"),
        ("12,48,13,47", "miny is not less than maxy"),
        ("170,-20,190,-10", "not within -180 to 180.*split it at 180"),
        ("-180,-60,180,80", "360 degrees wide"),
        ("47,12,48,113", "are not degrees.*swapped"),
        ("300000,5200000,310000,5210000", "are not degrees.*metres"),
        ("12,83,13,85", "too near a pole"),
        ("POLYGON ((12 47, 13 47, 13 48))", "closed.*first point again"),
        ("POLYGON ((12 47, 13 47,", "not WKT"),
        ("polygon((12,47),(13,47),(13,48))", "not WKT"),
        ("POLYGN ((12 47, 13 47, 13 48, 12 47))", "not WKT.*POLYGN"),
        ("SRID=4326;POLYGON ((12 47, 13 47, 13 48, 12 47))", "not WKT.*SRID"),
        ("CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))", "not WKT that can be used"),
        ("POLYGON ((12 47, 1e999 47, 13 48, 12 47))", "not finite"),
        ("POLYGON EMPTY", "holds no shapes"),
        ("POINT (12 47)", "points or lines.*bounding box"),
        ("POLYGON ((" + "12 47, " * 5000, "not WKT"),
    ],
)
def test_boxes_and_wkt_that_are_wrong(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as error:
        read_area(text)
    assert len(one_line(error)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "lakes.geojson",
        "no/such/folder/lakes",
        "~/lakes.gpkg",
        "~nobody-of-that-name/lakes.gpkg",
        "C:\\data\\lakes, all (1).shp",
        "polygon (1).geojson",
        "12,47.geojson",
        "POLYGON((1)).wkt",
        "x" * 3000,
        "a\0b",
        '{"type": "Polygon"}',
    ],
)
def test_a_mistyped_name_is_a_missing_file(text: str) -> None:
    with pytest.raises(DataError, match=r"no such file.*check the path") as error:
        read_area(text)
    assert len(one_line(error)) < 300


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.geojson", "", "not a vector file"),
        ("a.geojson", "{", "not a vector file"),
        ("a.json", {"lake": 1}, "not a vector file"),
        ("a.txt", "12,47,13,48", "not a vector file"),
        ("a.shp", "no shapefile", "not a vector file.*shx"),
        ("a.gpkg", "no GeoPackage", "not a vector file"),
        ("a.csv", "lake,area\na,1\n", "without shapes"),
        ("a.geojson", collection(), "holds no shapes"),
        ("a.geojson", collection(None), "holds no shapes"),
        ("a.geojson", {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2]]]}, "not closed.*repair"),
        ("a.csv", 'WKT,n\n"TIN(((0 0,1 0,1 1,0 0)))",1\n', "of another kind"),
        ("a.csv", f"WKT\n{BOX.wkt!r}\n".replace("'", '"'), "does not say its CRS.*a_srs"),
        ("a.wkt", "POLYGON ((12 47, 13 47", "not WKT"),
        ("a.wkt", "", "not WKT"),
    ],
)
def test_files_that_are_no_area(tmp_path: Path, name: str, content: object, reason: str) -> None:
    path = text_file(tmp_path / name, content)
    with pytest.raises(DataError, match=reason) as error:
        read_area(str(path))
    assert str(path) in one_line(error)


def test_files_without_a_crs(tmp_path: Path) -> None:
    for path in (
        write(tmp_path / "a.gpkg", [BOX], crs=None),
        write(tmp_path / "a.shp", [BOX], crs=None, kind="Polygon"),
    ):
        with pytest.raises(DataError, match=r"does not say its CRS.*\.prj") as error:
            read_area(str(path))
        assert str(path) in one_line(error)


@pytest.mark.parametrize(
    ("shape", "crs", "reason"),
    [
        (shapely.box(0, 0, 9, 9), 'LOCAL_CS["plan",UNIT["metre",1]]', "cannot be transformed to degrees"),
        (shapely.box(0, 0, 1e15, 1e15), "EPSG:32633", "cannot be transformed to degrees"),
        (shapely.box(0, 0, 1e15, 1e15), "EPSG:3857", "cannot be transformed to degrees"),
        (shapely.box(0, 0, 1e15, 1e15), "EPSG:6318", "cannot be transformed to degrees"),
        (shapely.box(0, 0, 1e6, 3e7), "EPSG:3857", "too near a pole"),
        (shapely.box(3.2e6, 0, 3.5e6, 1e5), "EPSG:3832", "antimeridian"),
        (shapely.box(-2e6, -2e6, 2e6, 2e6), "EPSG:3413", "antimeridian"),
    ],
)
def test_files_of_another_crs_that_are_no_area(tmp_path: Path, shape: Any, crs: str, reason: str) -> None:
    path = write(tmp_path / "a.gpkg", [shape], crs=crs)
    with pytest.raises(DataError, match=reason) as error:
        read_area(str(path))
    assert str(path) in one_line(error)


def test_folders_and_damaged_files(tmp_path: Path) -> None:
    write(tmp_path / "a.shp", [BOX], kind="Polygon")
    with pytest.raises(DataError, match="is a folder") as error:
        read_area(str(tmp_path))
    one_line(error)
    (tmp_path / "a.shx").unlink()
    damaged = write(tmp_path / "b.gpkg", [BOX])
    damaged.write_bytes(damaged.read_bytes()[:20_000])
    for path in (tmp_path / "a.shp", damaged):
        with pytest.raises(DataError, match="not a vector file that can be read") as error:
            read_area(str(path))
        assert str(path) in one_line(error)
