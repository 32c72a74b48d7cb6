"""The STAC item of a scene."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pystac
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform
from shapely.geometry import Point, shape

from tests.scenes.items import FACTS, GRID, MOMENT, describe, is_valid
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import LON_LAT, UTM33, lake_image, make_grid, shore_label, write_scene, write_tif
from watermap.bands import SENTINEL2, STANDARD_BANDS
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.files import file_digest
from watermap.scenes.stac import verified, write_catalog, write_item

DEGREE_ROUNDING = 1e-6


def test_an_item_says_what_a_scene_is(tmp_path: Path) -> None:
    item = describe(tmp_path)
    assert is_valid(item)
    assert (item["id"], item["stac_version"]) == ("lake", "1.1.0")
    properties = item["properties"]
    assert properties["datetime"] == "2023-06-01T10:15:20.123000Z"
    assert "start_datetime" not in properties
    assert properties["eo:cloud_cover"] == 0.4
    assert properties["proj:code"] == "EPSG:32633"
    assert properties["proj:shape"] == [24, 40]
    assert properties["proj:transform"] == [10, 0, 500_000, 0, -10, 5_300_000]
    assert properties["watermap:source"] == FACTS.source
    assert properties["watermap:label"] == "hansen"
    assert properties["watermap:label_source"] == FACTS.label_source
    assert properties["watermap:requests"] == dict(FACTS.requests)
    assert [uri.split("/")[3] for uri in item["stac_extensions"]] == ["eo", "file", "projection"]


def test_an_item_says_what_its_files_are(tmp_path: Path) -> None:
    assets = describe(tmp_path)["assets"]
    assert list(assets) == ["image", "label"]
    for name, asset in assets.items():
        path = tmp_path / "lake" / f"{name}.tif"
        assert asset["href"] == f"./{name}.tif"
        assert asset["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
        assert asset["file:size"] == path.stat().st_size
        assert asset["file:checksum"] == "1220" + file_digest(path)
    image, label = assets["image"], assets["label"]
    assert (image["roles"], label["roles"]) == (["data"], ["labels"])
    assert [band["name"] for band in image["bands"]] == list(STANDARD_BANDS)
    assert [band["eo:common_name"] for band in image["bands"]] == [SENTINEL2[b].common_name for b in STANDARD_BANDS]
    assert [band["eo:center_wavelength"] for band in image["bands"]][2] == 0.6646
    assert (image["data_type"], label["data_type"], label["nodata"]) == ("uint16", "uint8", 255)
    assert label["description"].startswith("0 land, 1 water, 255 no data or unknown; from UMD/hansen/")


def test_pystac_reads_what_was_written(tmp_path: Path) -> None:
    describe(tmp_path)
    item = pystac.Item.from_file(tmp_path / "lake" / "item.json")
    assert item.datetime == MOMENT
    assert item.ext.eo.cloud_cover == 0.4
    assert item.ext.proj.epsg == 32633
    assert item.assets["image"].ext.file.size == (tmp_path / "lake" / "image.tif").stat().st_size


def test_the_same_scene_gives_the_same_bytes(tmp_path: Path) -> None:
    turned = dataclasses.replace(FACTS, requests=dict(sorted(FACTS.requests.items())))
    describe(tmp_path / "here")
    describe(tmp_path / "there", facts=turned)
    one, other = (tmp_path / place / "lake" / "item.json" for place in ("here", "there"))
    assert one.read_bytes() == other.read_bytes()
    assert str(tmp_path) not in one.read_text()
    assert [write_catalog(tmp_path / place).read_bytes() for place in ("here", "there")] == [
        (tmp_path / "here" / "catalog.json").read_bytes()
    ] * 2
    assert listing(tmp_path / "here" / "lake") == ["image.tif", "item.json", "label.tif"]


def test_a_scene_may_be_renamed_after_its_item_is_written(tmp_path: Path) -> None:
    write_scene(tmp_path, ".part", GRID)
    write_item(tmp_path / ".part", "lake", FACTS)
    (tmp_path / ".part").rename(tmp_path / "lake")
    assert verified(tmp_path / "lake") == FACTS.requests
    item = pystac.Item.from_file(tmp_path / "lake" / "item.json")
    assert all(Path(asset.get_absolute_href() or "").is_file() for asset in item.assets.values())


def test_a_composite_covers_a_period(tmp_path: Path) -> None:
    last = MOMENT + timedelta(days=30)
    elsewhere = last.astimezone(timezone(timedelta(hours=2)))
    facts = dataclasses.replace(FACTS, sensed=(MOMENT.replace(tzinfo=None), elsewhere), cloud_percent=None)
    item = describe(tmp_path, facts=facts)
    assert is_valid(item)
    assert item["properties"]["datetime"] is None
    assert item["properties"]["start_datetime"] == "2023-06-01T10:15:20.123000Z"
    assert item["properties"]["end_datetime"] == "2023-07-01T10:15:20.123000Z"
    assert "eo:cloud_cover" not in item["properties"]


def test_a_scene_without_label(tmp_path: Path) -> None:
    write_tif(tmp_path / "lake" / "image.tif", lake_image(shore_label(GRID.shape), 2), GRID, names=["B8A", "slope"])
    facts = dataclasses.replace(FACTS, label=None, label_source=None, requests={"image": "wm-image-1"})
    item = json.loads(write_item(tmp_path / "lake", "lake", facts).read_text())
    assert is_valid(item)
    assert list(item["assets"]) == ["image"]
    assert [band.get("eo:common_name") for band in item["assets"]["image"]["bands"]] == ["nir08", None]
    assert item["assets"]["image"]["bands"][1] == {"name": "slope"}
    assert not {"watermap:label", "watermap:label_source"} & set(item["properties"])
    assert verified(tmp_path / "lake") == {"image": "wm-image-1"}


def test_an_image_that_tells_little_is_described_as_well(tmp_path: Path) -> None:
    values = np.ones((1, *GRID.shape), np.float32)
    write_tif(tmp_path / "lake" / "image.tif", values, GRID, no_data=float("nan"))
    facts = dataclasses.replace(FACTS, cloud_percent=None)
    item = json.loads(write_item(tmp_path / "lake", "lake", facts).read_text())
    assert is_valid(item)
    assert item["assets"]["image"]["nodata"] == "nan"
    assert item["assets"]["image"]["bands"] == [{"name": "band 1"}]
    assert [uri.split("/")[3] for uri in item["stac_extensions"]] == ["file", "projection"]


def test_a_label_on_a_grid_of_its_own_says_so(tmp_path: Path) -> None:
    coarse = make_grid(10, 6, pixel=40)
    write_scene(tmp_path, "lake", GRID, label=np.zeros((6, 10), np.uint8), label_grid=coarse)
    item = json.loads(write_item(tmp_path / "lake", "lake", FACTS).read_text())
    assert item["properties"]["proj:shape"] == [24, 40]
    assert item["assets"]["label"]["proj:shape"] == [6, 10]
    assert item["assets"]["label"]["proj:transform"][0] == 40


GRIDS = {
    "north-up": GRID,
    "a whole tile": make_grid(1098, 1098, pixel=100),
    "south-up": Grid(UTM33, Affine(10, 0, 500_000, 0, 10, 5_300_000), 40, 24),
    "turned": Grid(UTM33, Affine(8, 6, 500_000, 6, -8, 5_300_000), 40, 24),
    "degrees": make_grid(40, 24, left=15, top=48, pixel=1e-4, crs=LON_LAT),
    "degrees, south-up": Grid(LON_LAT, Affine(1e-4, 0, 15, 0, 1e-4, 48), 40, 24),
    "southern hemisphere": make_grid(40, 24, top=6_000_000, crs=CRS.from_epsg(32733)),
    "without a code": make_grid(40, 24, left=0, top=0, crs=CRS.from_proj4("+proj=laea +lat_0=48 +lon_0=15")),
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_geometry_is_the_grids_outline(name: str, tmp_path: Path) -> None:
    grid = GRIDS[name]
    item = describe(tmp_path, grid=grid)
    assert is_valid(item)
    outline = shape(item["geometry"])
    assert outline.is_valid
    assert outline.geom_type == "Polygon"
    assert outline.exterior.is_ccw
    np.testing.assert_allclose(item["bbox"], outline.bounds)
    edges = [(grid.width / 2, 0), (0, grid.height / 3), (grid.width, grid.height / 3)]
    xs, ys = zip(*grid.corners(), *(grid.transform @ edge for edge in edges), strict=True)
    for index, point in enumerate(zip(*transform(grid.crs, LON_LAT, xs, ys), strict=True)):
        bend = 0 if index < 4 else 9  # an edge bends between two points of the outline
        assert outline.exterior.distance(Point(point)) < (1 + bend) * DEGREE_ROUNDING
    assert len(outline.exterior.coords) == 5 or name == "a whole tile"


def test_a_crs_without_a_code_is_spelled_out(tmp_path: Path) -> None:
    properties = describe(tmp_path, grid=GRIDS["without a code"])["properties"]
    assert properties["proj:code"] is None
    assert CRS.from_wkt(properties["proj:wkt2"]) == GRIDS["without a code"].crs
    assert properties["proj:wkt2"].startswith("PROJCRS[")  # PROJCS is version 1


def test_a_scene_across_the_antimeridian_is_in_two_parts(tmp_path: Path) -> None:
    item = describe(tmp_path, grid=make_grid(64, 64, left=340_000, top=7_000_000, pixel=400, crs=CRS.from_epsg(32601)))
    assert is_valid(item)
    parts = shape(item["geometry"])
    assert parts.is_valid
    assert parts.geom_type == "MultiPolygon"
    assert all(part.exterior.is_ccw and part.bounds[2] - part.bounds[0] < 1 for part in parts.geoms)
    west, south, east, north = item["bbox"]
    assert 179 < west < 180
    assert -180 < east < -179
    assert south < north


def test_images_that_cannot_be_described_are_errors(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with pytest.raises(DataError) as error:
        write_item(tmp_path / "lake", "lake", FACTS)
    assert "image.tif: no such file" in one_line(error)
    plan = CRS.from_wkt('LOCAL_CS["plan",UNIT["metre",1]]')
    write_tif(tmp_path / "lake" / "image.tif", np.ones((1, 8, 8), np.uint8), make_grid(8, 8, crs=plan))
    with pytest.raises(DataError) as error:
        write_item(tmp_path / "lake", "lake", FACTS)
    assert "cannot be transformed to longitude and latitude" in one_line(error)
    assert listing(tmp_path / "lake") == ["image.tif"]
