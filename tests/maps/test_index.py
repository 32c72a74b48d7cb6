"""Index maps in one call, and of many scenes, with what goes with them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
from pystac.validation import validate_dict

import watermap
from tests.maps.lakes import lake_values, write_lakes
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import make_grid, write_tif
from tests.support.scenes import single
from watermap.config import IndexConfig, ProductConfig
from watermap.errors import DataError, UsageError
from watermap.maps.index import IndexMaps, index, index_scenes

ALL = ["bodies.gpkg", "bodies.qml", "item.json", "ndwi.png", "ndwi.qml", "ndwi.tif", "quicklook.png"]
NONE = ProductConfig(style=False, quicklook=False, stac=False)


def test_all_that_goes_with_a_water_raster_lies_beside_it(tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "lakes_20230607.tif")
    maps = index(scene, threshold=0, out=tmp_path / "out", polygons=True)
    assert listing(tmp_path / "out") == [f"lakes_20230607_{end}" for end in (*ALL, "water.qml", "water.tif")]
    assert set(maps.files) == {"ndwi", "water", "bodies", "quicklook", "index_quicklook"}
    assert maps.files["quicklook"].name == "lakes_20230607_quicklook.png"
    assert maps.files["index_quicklook"].name == "lakes_20230607_ndwi.png"
    assert maps.water == maps.files["water"]
    assert (maps.index, maps.threshold) == (maps.files["ndwi"], 0)
    with rasterio.open(maps.water) as dataset:
        share = (dataset.read(1) == 1).mean()
    assert maps.areas_km2["water"] == pytest.approx(share * 330 * 210 * 1e-4, rel=2e-3)
    assert pyogrio.read_info(maps.files["bodies"])["features"] > 3


def test_the_item_lists_the_index_and_says_how_water_was_found(tmp_path: Path) -> None:
    maps = index(write_lakes(tmp_path / "lakes_20230607.tif"), "mndwi", threshold="otsu", out=tmp_path)
    path = tmp_path / "lakes_20230607_item.json"
    assert validate_dict(json.loads(path.read_text()), extensions=[])  # those of extensions are on the internet
    item = pystac.Item.from_file(str(path))
    assert set(item.assets) == {"water", "mndwi", "style", "mndwi_style", "quicklook", "index_quicklook"}
    assert item.assets["mndwi"].description == "MNDWI = (B3 - B11) / (B3 + B11)"
    assert item.assets["mndwi"].extra_fields["nodata"] == "nan"
    assert item.properties["watermap:index"] == "mndwi"
    assert item.properties["watermap:index_rule"] == "otsu"
    assert float(item.properties["watermap:index_threshold"]) == maps.threshold


def test_the_style_parts_where_water_begins(tmp_path: Path) -> None:
    maps = index(write_lakes(tmp_path / "lakes.tif"), threshold=0.2, out=tmp_path, quicklook=False, stac=False)
    root = ElementTree.parse(maps.index.with_suffix(".qml")).getroot()  # noqa: S314  # our own file
    items = {float(item.attrib["value"]): item.attrib["color"] for item in root.iter("item")}
    assert items[0.2] == "#f7f7f7"
    water = ElementTree.parse(maps.files["water"].with_suffix(".qml")).getroot()  # noqa: S314  # our own file
    assert {entry.attrib["label"] for entry in water.iter("paletteEntry")} == {"land", "water"}


def test_without_a_threshold_there_is_the_index_alone(tmp_path: Path) -> None:
    maps = index(write_lakes(tmp_path / "lakes.tif"), "ndvi", out=tmp_path / "out")
    assert listing(tmp_path / "out") == ["lakes_ndvi.png", "lakes_ndvi.qml", "lakes_ndvi.tif"]
    assert (maps.water, maps.threshold, maps.areas_km2) == (None, None, {})
    assert set(maps.files) == {"ndvi", "index_quicklook"}
    index(write_lakes(tmp_path / "lakes.tif"), "ndvi", out=tmp_path / "bare", style=False, quicklook=False)
    assert listing(tmp_path / "bare") == ["lakes_ndvi.tif"]
    with pytest.raises(UsageError, match="polygons are of water bodies"):
        index(tmp_path / "lakes.tif", out=tmp_path / "out", polygons=True)


def test_an_item_beside_it_stays_true_where_the_index_is_made_again(tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "lakes.tif")
    index(scene, threshold=0.2, out=tmp_path / "out")
    item = tmp_path / "out" / "lakes_item.json"
    before = json.loads(item.read_text())["assets"]
    index(scene, out=tmp_path / "out")
    after = json.loads(item.read_text())["assets"]
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"ndwi_style", "index_quicklook"}  # which part at 0 now
    style = tmp_path / "out" / "lakes_ndwi.qml"
    assert after["ndwi_style"]["file:size"] == style.stat().st_size


def test_one_scene_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    good = [write_lakes(tmp_path / f"{name}.tif") for name in "ac"]
    bad = write_tif(tmp_path / "b.tif", lake_values()[:3], make_grid(210, 330), names=["B2", "B3", "B4"])
    scenes = single([good[0], bad, good[1]])
    config = IndexConfig(threshold="otsu")
    for jobs in (1, 2):
        results = index_scenes(scenes, config, tmp_path / str(jobs), NONE, jobs=jobs)
        assert [type(result) for _, result in results] == [IndexMaps, DataError, IndexMaps]
        assert listing(tmp_path / str(jobs)) == ["a_ndwi.tif", "a_water.tif", "c_ndwi.tif", "c_water.tif"]


def test_no_map_takes_the_place_of_what_is_read(tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "a.tif")
    other = write_lakes(tmp_path / "a_ndwi.tif")
    with pytest.raises(UsageError, match=r"a_ndwi\.tif: is one of the files that are read"):
        index_scenes(single([scene, other]), IndexConfig(), tmp_path)
    mask = write_tif(tmp_path / "a_water.tif", np.zeros((1, 330, 210), np.uint8), make_grid(210, 330))
    with pytest.raises(UsageError, match=r"a_water\.tif: is one of the files that are read") as error:
        index(scene, threshold=0, out=tmp_path, clouds=mask)
    assert one_line(error)
    folder = tmp_path / "two"
    for name in "ab":
        write_lakes(folder / f"{name}.tif")
    with pytest.raises(UsageError, match="holds 2 scenes"):
        index(folder)


def test_index_rasters_are_no_scenes(tmp_path: Path) -> None:
    write_lakes(tmp_path / "a.tif")
    watermap.index(tmp_path / "a.tif", "awei_sh", threshold=0, out=tmp_path)
    maps = watermap.index(tmp_path, "awei_sh", out=tmp_path / "again")
    assert maps.scene == tmp_path / "a.tif"
