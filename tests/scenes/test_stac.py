"""STAC items and catalogs: what they say, and that other tools can walk them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pystac
import pytest
from affine import Affine
from pystac.validation import validate_dict
from rasterio.crs import CRS
from rasterio.warp import transform
from shapely.geometry import Point, shape

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import LON_LAT, UTM33, lake_image, make_grid, shore_label, write_scene, write_tif
from watermap.bands import SENTINEL2, STANDARD_BANDS
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.files import file_digest
from watermap.scenes.stac import SceneFacts, verified, write_catalog, write_item

MOMENT = datetime(2023, 6, 1, 10, 15, 20, 123_000, tzinfo=UTC)
FACTS = SceneFacts(
    sensed=(MOMENT, MOMENT),
    source="COPERNICUS/S2_SR_HARMONIZED/20230601T101031_20230601T101354_T33UVP",
    cloud_percent=0.4,
    label="hansen",
    label_source="UMD/hansen/global_forest_change_2025_v1_13",
    requests={"label": "wm-label-2", "image": "wm-image-1"},
)
GRID = make_grid(40, 24)
DEGREE_ROUNDING = 1e-6


def describe(folder: Path, name: str = "lake", grid: Grid = GRID, facts: SceneFacts = FACTS) -> dict[str, Any]:
    """Write a scene and its item; returns the item."""
    write_scene(folder, name, grid)
    item: dict[str, Any] = json.loads(write_item(folder / name, name, facts).read_text(encoding="utf-8"))
    return item


def is_valid(item: dict[str, Any]) -> bool:
    """Whether the core schemas that come with pystac hold; those of extensions are on the internet."""
    return bool(validate_dict(item, extensions=[]))


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


def damage_byte(scene: Path) -> None:
    data = bytearray((scene / "image.tif").read_bytes())
    data[len(data) // 2] ^= 1
    (scene / "image.tif").write_bytes(data)


def damage_label_byte(scene: Path) -> None:
    data = bytearray((scene / "label.tif").read_bytes())
    data[-1] ^= 1
    (scene / "label.tif").write_bytes(data)


def truncate(scene: Path) -> None:
    (scene / "image.tif").write_bytes((scene / "image.tif").read_bytes()[:-1])


def replace_by_folder(scene: Path) -> None:
    (scene / "label.tif").unlink()
    (scene / "label.tif").mkdir()


def change_item(scene: Path, change: str, to: str) -> None:
    text = (scene / "item.json").read_text()
    assert change in text
    (scene / "item.json").write_text(text.replace(change, to, 1))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit of the image": damage_byte,
    "a flipped bit of the label": damage_label_byte,
    "a truncated image": truncate,
    "no image": lambda scene: (scene / "image.tif").unlink(),
    "no label": lambda scene: (scene / "label.tif").unlink(),
    "a folder for a label": replace_by_folder,
    "no item": lambda scene: (scene / "item.json").unlink(),
    "an empty item": lambda scene: (scene / "item.json").write_text(""),
    "half an item": lambda scene: (scene / "item.json").write_text((scene / "item.json").read_text()[:900]),
    "an item that is a list": lambda scene: (scene / "item.json").write_text("[]"),
    "an item that is no text": lambda scene: (scene / "item.json").write_bytes(b"\xff\xfe\x00"),
    "an item that names no image": lambda scene: change_item(scene, '"image": {', '"picture": {'),
    "an item without size": lambda scene: change_item(scene, '"file:size"', '"size"'),
    "an item without requests": lambda scene: change_item(scene, '"watermap:requests"', '"requests"'),
    "requests that are none": lambda scene: change_item(
        scene, '"watermap:requests": {', '"watermap:requests": 3, "x": {'
    ),
    "assets that are none": lambda scene: change_item(scene, '"assets": {', '"assets": [], "x": {'),
    "no scene": shutil.rmtree,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_scene_is_verified_only_while_it_is_whole(name: str, tmp_path: Path) -> None:
    describe(tmp_path)
    assert verified(tmp_path / "lake") == {"image": "wm-image-1", "label": "wm-label-2"}
    DAMAGES[name](tmp_path / "lake")
    assert verified(tmp_path / "lake") is None


def test_the_size_is_checked_before_anything_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path)
    (tmp_path / "lake" / "label.tif").write_bytes(b"")

    def hashed(path: Path) -> str:
        raise AssertionError(path)

    monkeypatch.setattr("watermap.scenes.stac.file_digest", hashed)
    assert verified(tmp_path / "lake") is None


def test_verifying_needs_no_pystac(tmp_path: Path) -> None:
    describe(tmp_path)
    script = f"""
import sys
from pathlib import Path
from watermap.scenes.stac import verified
print(sorted(verified(Path({str(tmp_path / "lake")!r}))), "pystac" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['image', 'label'] False\n"


def test_a_catalog_is_walked_both_ways(tmp_path: Path) -> None:
    names = ["a lake", "fjord_2023-06-01", "Übersee"]
    for name in reversed(names):
        describe(tmp_path, name)
    describe(tmp_path, ".hidden")
    write_scene(tmp_path, "added_by_hand", GRID)
    path = write_catalog(tmp_path)
    assert path == tmp_path / "catalog.json"
    catalog = pystac.Catalog.from_file(path)
    assert catalog.catalog_type == pystac.CatalogType.SELF_CONTAINED
    assert catalog.validate()
    items = list(catalog.get_items(recursive=True))
    assert [item.id for item in items] == names
    for item in items:
        assert item.get_parent() is catalog
        assert item.get_root() is catalog
        assert is_valid(item.to_dict())
        assert all(Path(asset.get_absolute_href() or "").is_file() for asset in item.assets.values())
    alone = pystac.Item.from_file(tmp_path / "a lake" / "item.json")
    root = alone.get_root()
    assert root is not None
    assert [item.id for item in root.get_items()] == names


def test_every_link_is_relative_and_leads_somewhere(tmp_path: Path) -> None:
    describe(tmp_path)
    for path in (write_catalog(tmp_path), tmp_path / "lake" / "item.json"):
        links = json.loads(path.read_text())["links"]
        assert len(links) == 2
        for link in links:
            assert not Path(link["href"]).is_absolute()
            assert (path.parent / link["href"]).is_file()


def test_a_catalog_is_written_anew_and_may_be_empty(tmp_path: Path) -> None:
    path = write_catalog(tmp_path)
    catalog = pystac.Catalog.from_file(path)
    assert catalog.validate()
    assert list(catalog.get_items()) == []
    describe(tmp_path)
    write_catalog(tmp_path)
    assert [item.id for item in pystac.Catalog.from_file(path).get_items()] == ["lake"]
    shutil.rmtree(tmp_path / "lake")
    write_catalog(tmp_path)
    assert list(pystac.Catalog.from_file(path).get_items()) == []
    with pytest.raises(DataError) as error:
        write_catalog(tmp_path / "absent")
    assert "absent: no such folder of scenes" in one_line(error)
    assert not (tmp_path / "absent").exists()


def test_what_ends_a_name_in_a_url_is_encoded_in_a_catalog(tmp_path: Path) -> None:
    for name in ("50% #1?", "a lake ä"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "item.json").write_text("{}")
    links = json.loads(write_catalog(tmp_path).read_text())["links"]
    addresses = [link["href"] for link in links if link["rel"] == "item"]
    assert addresses == ["./50%25 %231%3F/item.json", "./a lake ä/item.json"]
    assert all((tmp_path / unquote(urlsplit(address).path)).is_file() for address in addresses)
