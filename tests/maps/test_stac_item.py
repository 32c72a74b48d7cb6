"""Items of maps are valid, and in step with the files."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pystac
import pytest
from pystac.validation import validate_dict

from tests.maps.mapped import COLS, ROWS, predicted
from tests.support.bundles import make_bundle
from watermap.bundles.bundle import Bundle
from watermap.cli.main import run
from watermap.config import ProductConfig
from watermap.io.files import file_digest
from watermap.maps.products import add_products


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle")


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
