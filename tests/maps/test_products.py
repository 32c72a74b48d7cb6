"""What goes with a map: on disk, with its names, and in step with the map."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio

from tests.maps.mapped import predicted
from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.folders import listing, maps_of
from tests.support.rasters import make_grid, write_tif
from watermap.bundles.bundle import Bundle
from watermap.config import ProductConfig, VectorizeConfig
from watermap.errors import DataError
from watermap.io.layouts import LABEL_LAYOUT
from watermap.maps.confidence import open_confidence
from watermap.maps.polygons.vectorize import vectorize
from watermap.maps.products import add_products
from watermap.scenes.label import open_label

NONE = ProductConfig(style=False, quicklook=False, stac=False)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle")


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
