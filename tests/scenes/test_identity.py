"""What a scene holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.counting import count_digests
from tests.support.rasters import make_grid, write_scene
from tests.support.safes import SWIR, band_file, band_values, write_band, write_safe
from watermap.io.files import file_digest
from watermap.io.products import find_scene
from watermap.scenes.identity import content, with_identities


def test_a_file_is_what_its_digest_says(tmp_path: Path) -> None:
    image = write_scene(tmp_path, "lake", make_grid(20, 20)) / "image.tif"
    scene = find_scene(image)
    assert content(scene) == content(with_identities(scene)) == f"sha256:{file_digest(image)}"


def test_a_product_is_all_of_its_files(tmp_path: Path) -> None:
    bands = band_values(bands=("B2", *SWIR))
    safe = write_safe(tmp_path, bands)
    scene = with_identities(find_scene(safe))
    names = [*(band_file(safe, band).name for band in bands), "MTD_MSIL2A.xml"]
    assert [name for name, _ in scene.identities] == names
    before = content(scene)
    assert content(find_scene(safe)) == before
    write_band(band_file(safe, "B12"), bands["B12"] + 1, 20)
    assert content(find_scene(safe)) != before
    assert content(scene) == before  # a value does not change


def test_it_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = write_safe(tmp_path, band_values(bands=("B2", "B3")))
    read = count_digests(monkeypatch)
    scene = with_identities(find_scene(safe))
    assert with_identities(scene) is scene
    content(scene)
    assert set(read.values()) == {1}
