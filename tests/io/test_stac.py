"""What items say of a grid and of files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.crs import CRS
from shapely.geometry import box

from tests.support.rasters import LON_LAT, UTM33, make_grid, write_tif
from watermap.io.files import file_digest
from watermap.io.raster import open_raster
from watermap.io.stac import bbox, checksum, file_asset, footprint, href, pixel_fields, projection, utc, write_document


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([box(10, 47, 12, 48)], [10, 47, 12, 48]),
        ([box(178, -18, 180, -17), box(-180, -18, -179, -17)], [178, -18, -179, -17]),
        ([box(-60, -3, -59, -2), box(12, 47, 13, 48)], [-60, -3, 13, 48]),
        ([box(-180, 0, 180, 1)], [-180, 0, 180, 1]),
    ],
)
def test_west_is_greater_than_east_across_the_antimeridian(parts: list[shapely.Polygon], expected: list[float]) -> None:
    geometry = shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]
    assert bbox(geometry) == expected


def test_a_footprint_is_counter_clockwise_and_in_two_parts_at_the_antimeridian() -> None:
    outline = footprint(make_grid(100, 100))
    assert outline.exterior.is_ccw
    assert outline.bounds == pytest.approx((15.0, 47.844, 15.0134, 47.853), abs=1e-3)
    assert len(shapely.get_coordinates(outline)) < 64  # straight edges have no points between
    across = footprint(make_grid(200, 100, left=820_000, top=5_000, pixel=1000, crs=CRS.from_epsg(32660)))
    assert len(across.geoms) == 2
    west, _, east, _ = bbox(across)
    assert west > 170
    assert east < -170


def test_a_grid_is_told_by_the_code_of_its_crs_or_in_full() -> None:
    grid = make_grid(30, 20)
    assert projection(grid) == {
        "proj:code": "EPSG:32633",
        "proj:shape": [20, 30],
        "proj:transform": [10, 0, 500_000, 0, -10, 5_300_000],
    }
    assert projection(make_grid(crs=LON_LAT))["proj:code"] == "EPSG:4326"
    own = CRS.from_proj4("+proj=laea +lat_0=12.3 +lon_0=4.5 +datum=WGS84")
    spelled = projection(make_grid(crs=own))
    assert spelled["proj:code"] is None
    assert CRS.from_wkt(spelled["proj:wkt2"]) == own
    assert own != UTM33


def test_a_file_has_its_size_and_its_multihash(tmp_path: Path) -> None:
    path = tmp_path / "a map.tif"
    path.write_bytes(b"12345")
    assert checksum(path) == {"file:size": 5, "file:checksum": "1220" + file_digest(path)}
    assert checksum(path, "ab")["file:checksum"] == "1220ab"
    asset = file_asset(path, "data", {"data_type": "uint8"}).to_dict()
    assert asset["href"] == href("a map.tif") == "./a%20map.tif"
    assert asset["roles"] == ["data"]
    assert asset["file:size"] == 5


@pytest.mark.parametrize(
    ("dtype", "no_data", "stated"), [("uint8", 255, 255), ("float32", float("nan"), "nan"), ("float32", 0.5, 0.5)]
)
def test_no_data_is_a_number_where_json_has_it(dtype: str, no_data: float, stated: object, tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", np.ones((1, 4, 4), dtype), make_grid(4, 4), no_data=no_data)
    with open_raster(path) as raster:
        assert pixel_fields(raster) == {"data_type": dtype, "nodata": stated}
    path = write_tif(tmp_path / "b.tif", np.ones((1, 4, 4), dtype), make_grid(4, 4))
    with open_raster(path) as raster:
        assert pixel_fields(raster) == {"data_type": dtype}


def test_moments_are_in_utc() -> None:
    noon = datetime(2023, 6, 7, 12, tzinfo=timezone(timedelta(hours=2)))
    assert utc(noon) == datetime(2023, 6, 7, 10, tzinfo=UTC)
    assert utc(noon).tzinfo == UTC
    assert utc(noon.replace(tzinfo=None)) == datetime(2023, 6, 7, 12, tzinfo=UTC)


def test_a_document_is_strict_json_in_plain_letters(tmp_path: Path) -> None:
    path = write_document(tmp_path / "a.json", {"title": "Müritz"})
    assert "Müritz" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == {"title": "Müritz"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_document(path, {"area": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"title": "Müritz"}
