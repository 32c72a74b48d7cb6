"""What goes with a map: on disk, with its names, and in step with the map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
from pystac.validation import validate_dict

from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.folders import listing, maps_of
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.cli.main import run
from watermap.config import PredictConfig, ProductConfig, VectorizeConfig
from watermap.errors import DataError
from watermap.io.files import file_digest
from watermap.io.layouts import LABEL_LAYOUT
from watermap.maps.confidence import open_confidence
from watermap.maps.polygons.vectorize import vectorize
from watermap.maps.products import add_products
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import Prediction, predict_scene
from watermap.scenes.label import open_label

NONE = ProductConfig(style=False, quicklook=False, stac=False)
ROWS, COLS = 60, 80


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle")


def predicted(bundle: Bundle, tmp_path: Path, name: str = "place_20230607", **config: Any) -> tuple[Path, Prediction]:
    """A scene whose left half is water, with a corner of no data, and its map."""
    values = np.full((6, ROWS, COLS), 400, dtype=np.uint16)
    values[STANDARD_BANDS.index("B3"), :, : COLS // 2] = 1500
    values[STANDARD_BANDS.index("B11"), :, COLS // 2 :] = 1500
    values[:, :10, :10] = 0
    scene = write_tif(tmp_path / f"{name}.tif", values, make_grid(COLS, ROWS), names=STANDARD_BANDS, no_data=0)
    predictor = Predictor(bundle, PredictConfig(engine="keras", offset=0, scale=1e-4, **config))
    return scene, predict_scene(scene, predictor, tmp_path / "out")


@pytest.mark.parametrize("probability", ["none", "percent", "float"])
def test_all_of_it_lies_beside_the_map(probability: str, bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path, probability=probability)
    done = add_products(scene, made, ProductConfig(polygons=True))
    expected = maps_of("place_20230607", probability=probability != "none")
    assert listing(tmp_path / "out") == sorted([*expected, "place_20230607_bodies.gpkg", "place_20230607_bodies.qml"])
    assert [path.name for path in done.products] == ["place_20230607_bodies.gpkg", "place_20230607_quicklook.png"]
    assert pyogrio.read_info(tmp_path / "out" / "place_20230607_bodies.gpkg")["features"] == 1


def test_nothing_is_made_that_is_not_asked_for(bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path)
    assert add_products(scene, made, NONE) == made
    assert listing(tmp_path / "out") == ["place_20230607_water.tif"]


def test_the_item_is_valid_and_names_bundle_scene_and_files(bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path, probability="percent")
    add_products(scene, made, ProductConfig(polygons=True))
    path = tmp_path / "out" / "place_20230607_item.json"
    assert validate_dict(json.loads(path.read_text()), extensions=[])  # those of extensions are on the internet
    item = pystac.Item.from_file(path)
    assert item.datetime is not None
    assert item.datetime.date().isoformat() == "2023-06-07"
    assert item.id == "place_20230607"
    assert item.properties["watermap:bundle_id"] == bundle.id
    assert item.properties["watermap:scene_sha256"] == file_digest(scene)
    assert item.properties["proj:shape"] == [ROWS, COLS]
    (source,) = item.get_links("derived_from")
    assert json.loads(path.read_text())["links"] == [source.to_dict(transform_href=False)]
    assert (path.parent / str(source.target)).resolve() == scene
    assert set(item.assets) == {
        "water",
        "probability",
        "quicklook",
        "bodies",
        "style",
        "probability_style",
        "bodies_style",
    }
    for asset in item.assets.values():
        file = path.parent / asset.href
        assert asset.extra_fields["file:checksum"] == "1220" + file_digest(file)
        assert asset.extra_fields["file:size"] == file.stat().st_size
    classes = item.assets["water"].extra_fields["classification:classes"]
    assert [(each["value"], each["name"]) for each in classes] == [(0, "land"), (1, "water"), (255, "no_data")]


def test_what_went_with_an_earlier_map_does_not_stay_beside_another(bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path, probability="percent")
    first = add_products(scene, made, ProductConfig(polygons=True))
    assert (made.replaces, first.notes) == (False, made.notes)
    scene, made = predicted(bundle, tmp_path, threshold=0.7)
    assert made.replaces
    done = add_products(scene, made, NONE)
    name = "place_20230607"
    assert listing(tmp_path / "out") == [
        f"{name}_{end}" for end in ("bodies.gpkg", "bodies.qml", "water.qml", "water.tif")
    ]
    removed, kept = done.notes[-2:]
    ends = ("probability.tif", "probability.qml", "quicklook.png", "item.json")
    assert removed.endswith("what went with that is removed: " + ", ".join(f"{name}_{end}" for end in ends))
    assert f"{name}_bodies.gpkg: is of an earlier map; make it again with watermap vectorize" in kept


def test_what_is_made_again_is_not_told_as_removed(bundle: Bundle, tmp_path: Path) -> None:
    everything = ProductConfig(polygons=True)
    for threshold in (0.5, 0.7):
        scene, made = predicted(bundle, tmp_path, probability="percent", threshold=threshold)
        done = add_products(scene, made, everything)
        assert done.notes == made.notes
    expected = [*maps_of("place_20230607", probability=True), "place_20230607_bodies.gpkg", "place_20230607_bodies.qml"]
    assert listing(tmp_path / "out") == sorted(expected)


def test_all_stays_beside_the_same_map_made_again_and_beside_one_of_unknown_origin(
    bundle: Bundle, tmp_path: Path
) -> None:
    scene, made = predicted(bundle, tmp_path, probability="percent")
    add_products(scene, made, ProductConfig())
    before = listing(tmp_path / "out")
    scene, made = predicted(bundle, tmp_path)
    assert add_products(scene, made, NONE).notes == made.notes
    assert listing(tmp_path / "out") == before
    write_tif(made.water, np.zeros((1, 9, 9), np.uint8), make_grid(9, 9))
    scene, made = predicted(bundle, tmp_path)
    add_products(scene, made, NONE)
    assert listing(tmp_path / "out") == before


@pytest.mark.parametrize("tag", ["WATERMAP_BUNDLE_ID", "WATERMAP_SCENE_SHA256"])
def test_a_probability_of_another_map_is_refused(tag: str, bundle: Bundle, tmp_path: Path) -> None:
    _, made = predicted(bundle, tmp_path, probability="percent")
    assert made.probability is not None
    vectorize(made.water, tmp_path / "b.gpkg", VectorizeConfig(), probability=made.probability)
    with rasterio.open(made.probability, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.update_tags(**{tag: "other"})
    said = (
        f"is not the probability of place_20230607_water.tif, another {'bundle' if 'BUNDLE' in tag else 'scene'} made"
    )
    with pytest.raises(DataError) as error:
        vectorize(made.water, tmp_path / "b.gpkg", VectorizeConfig(), probability=made.probability)
    assert said in one_line(error)
    with open_label(made.water) as water, pytest.raises(DataError) as error, open_confidence(water, []):
        pass
    assert said in one_line(error)


def test_an_item_stays_true_when_polygons_are_made_again(bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path, name="lake 1")
    add_products(scene, made, ProductConfig(polygons=True))
    assert run(["vectorize", str(made.water), "--min-area-m2", "1e9"]) == 0
    path = tmp_path / "out" / "lake 1_item.json"
    for asset in pystac.Item.from_file(path).assets.values():
        file = path.parent / unquote(asset.href)
        assert asset.extra_fields["file:checksum"] == "1220" + file_digest(file)
        assert asset.extra_fields["file:size"] == file.stat().st_size
    path.write_text("{}")
    assert run(["vectorize", str(made.water)]) == 0
    assert path.read_text() == "{}"


def test_addresses_in_an_item_are_urls(bundle: Bundle, tmp_path: Path) -> None:
    name = "50% of #1? lake ä"
    scene, made = predicted(bundle, tmp_path, name=name)
    add_products(scene, made, ProductConfig())
    item = pystac.Item.from_dict(json.loads((tmp_path / "out" / f"{name}_item.json").read_text()))
    for asset in item.assets.values():
        assert urlsplit(asset.href).path == asset.href
        assert asset.href.isascii()
        assert (tmp_path / "out" / unquote(asset.href)).is_file()
    (source,) = item.get_links("derived_from")
    assert (tmp_path / "out" / unquote(str(source.target))).resolve() == scene
    assert " " not in str(source.target)


def test_a_map_without_a_date_says_between_which_moments(bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path, name="place")
    add_products(scene, made, ProductConfig(style=False, quicklook=False))
    item = json.loads((tmp_path / "out" / "place_item.json").read_text())
    assert item["properties"]["datetime"] is None
    assert item["properties"]["start_datetime"] < item["properties"]["end_datetime"]


def test_styles_say_the_same_colours_as_the_rasters(bundle: Bundle, tmp_path: Path) -> None:
    scene, made = predicted(bundle, tmp_path, probability="percent")
    add_products(scene, made, ProductConfig(quicklook=False, stac=False))
    with rasterio.open(made.water) as dataset:
        embedded = dataset.colormap(1)
    entries = ElementTree.parse(made.water.with_suffix(".qml")).getroot().findall(".//paletteEntry")  # noqa: S314  # our own file
    shown = {
        int(entry.attrib["value"]): (*bytes.fromhex(entry.attrib["color"][1:]), int(entry.attrib["alpha"]))
        for entry in entries
    }
    assert shown == {code: embedded[code] for code in (0, 1)}
    assert {entry.attrib["label"] for entry in entries} == {"land", "water"}
    assert LABEL_LAYOUT.colors is not None
    assert embedded[255][3] == LABEL_LAYOUT.colors[255][3] == 0
