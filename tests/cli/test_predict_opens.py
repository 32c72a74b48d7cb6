"""`watermap predict` finds a scene once, and opens its files no more often than it has to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rasterio

from tests.support.bundles import make_bundle
from tests.support.counting import Opens, count_digests, count_listings, of_files
from tests.support.folders import listing, maps_of
from tests.support.safes import NAME, band_values, code_of, write_band, write_safe
from watermap.bands import SENTINEL2
from watermap.bundles.bundle import Bundle
from watermap.cli.main import run
from watermap.io.raster import open_raster


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.fixture
def opens(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Opens:
    return Opens(monkeypatch, caplog, capfd)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A plain folder of six band files, of 10 m and 20 m."""
    for band, values in band_values().items():
        write_band(tmp_path / "lake" / f"{code_of(band)}.tif", values, SENTINEL2[band].pixel_size_m)
    return tmp_path / "lake"


def test_what_gdal_opens_is_counted(opens: Opens, lake: Path) -> None:
    with rasterio.open(lake / "B02.tif"):
        pass
    assert of_files(opens.counted(), lake) == {"B02.tif": 1}
    with open_raster(lake) as raster:
        raster.read()
    assert of_files(opens.counted(), lake) == dict.fromkeys(listing(lake), 2)  # what it says of itself; its pixels


def test_a_folder_of_bands_is_listed_once_and_no_file_opened_more_than_twice(
    opens: Opens, lake: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, hashed = count_listings(monkeypatch), count_digests(monkeypatch)
    words = ["predict", str(lake), "--bundle", str(bundle.folder), "--out", str(tmp_path / "out"), "--offset", "-1000"]
    assert run(words) == 0
    assert listed[str(lake)] == 1
    opened = of_files(opens.counted(), lake)
    assert list(opened) == listing(lake)
    assert max(opened.values()) <= 2
    assert of_files(hashed, lake) == dict.fromkeys(listing(lake), 1)
    assert listing(tmp_path / "out") == maps_of("lake")


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_a_product_is_looked_through_once_and_no_file_opened_more_than_twice(
    kind: str, opens: Opens, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = write_safe(tmp_path / "products", band_values())
    bands = {f"{each.name}" for each in scene.rglob("*_B*m.jp2")}
    if kind == "archive":
        scene = Path(shutil.make_archive(str(tmp_path / "zips" / NAME), "zip", tmp_path / "products", scene.name))
    listed, hashed = count_listings(monkeypatch), count_digests(monkeypatch)
    words = ["predict", str(scene), "--bundle", str(bundle.folder), "--out", str(tmp_path / "out"), "--clouds", "scl"]
    assert run(words) == 0
    opened = {Path(name).name: count for name, count in opens.counted().items() if name.endswith(".jp2")}
    assert bands <= set(opened)
    assert {name for name, count in opened.items() if count > 2} <= {name for name in opened if "_SCL_" in name}
    assert [folder for folder, count in listed.items() if folder.startswith(str(scene)) and count > 1] == []
    assert [file for file, count in hashed.items() if file.startswith(str(scene)) and count > 1] == []
