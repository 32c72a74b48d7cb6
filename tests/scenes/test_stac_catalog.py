"""The catalog of a folder of scenes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pystac
import pytest

from tests.scenes.items import GRID, describe, is_valid
from tests.support.failures import one_line
from tests.support.rasters import write_scene
from watermap.errors import DataError
from watermap.scenes.stac import write_catalog


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
