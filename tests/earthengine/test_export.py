"""Exports against a loopback service: pixels, labels, grids, routes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio

from tests.earthengine.asking import ACROSS, BESIDE, CLEAR, FIRST, config
from tests.earthengine.exporting import last_line
from tests.earthengine.runs import Export, assert_scenes_are_right, read_raster, scene_names
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World, expected_image, expected_label, expected_median
from watermap.cli.main import run
from watermap.config.extras import install_command


@pytest.mark.parametrize("label", ["hansen", "jrc", "dynamic-world", "worldcover", "consensus", "none"])
def test_every_label_comes_as_it_is_defined(label: str, export: Export, world: World) -> None:
    export = dataclasses.replace(export, label=label)
    assert export() == 0
    assert scene_names(export.out) == sorted(CLEAR)
    assert_scenes_are_right(world, export.out, label=label)
    assert (export.out / FIRST / "label.tif").exists() == (label != "none")
    if label != "none":
        found, _ = read_raster(export.out / FIRST / "label.tif")
        assert set(np.unique(found)) == {0, 1, 255}


def test_a_dark_lake_is_data_and_what_hansen_does_not_know_is_unknown(export: Export, world: World) -> None:
    assert export() == 0
    image, grid = read_raster(export.out / FIRST / "image.tif")
    dark = (image == 0).all(axis=0)
    assert dark.any()
    assert (image == 65535).any()
    label, _ = read_raster(export.out / FIRST / "label.tif")
    assert (label[0][dark] == 1).any()
    assert (expected_label(world, FIRST, grid, config()) == 255).any()


def test_bands_clouds_and_limit(export: Export, world: World) -> None:
    flags = ("--bands", "B8,B3", "--cloud-score", "0.6", "--limit", "1")
    export = dataclasses.replace(export, flags=flags)
    assert export() == 0
    assert scene_names(export.out) == [FIRST]  # the least cloudy
    with rasterio.open(export.out / FIRST / "image.tif") as dataset:
        assert dataset.descriptions == ("B8", "B3")
        assert dataset.tags()["DATE"] == "2023-06-14"
        assert dataset.tags()["SOURCE"] == f"COPERNICUS/S2_SR_HARMONIZED/{FIRST}"
    image, grid = read_raster(export.out / FIRST / "image.tif")
    settings = config(bands=("B8", "B3"), cloud_score=0.6)
    np.testing.assert_array_equal(image, expected_image(world, FIRST, grid, settings))
    assert (image == 65535).sum() > (expected_image(world, FIRST, grid, config(bands=("B8", "B3"))) == 65535).sum()


@pytest.mark.parametrize("label", ["hansen", "dynamic-world"])
def test_a_composite_is_the_median_on_the_utm_grid(label: str, export: Export, world: World) -> None:
    export = dataclasses.replace(export, label=label, flags=("--composite", "median"))
    assert export() == 0
    names = scene_names(export.out)
    assert names == ["median_20230601_20230630_32633"]
    settings = config(label=label, composite="median")
    for name in names:
        image, grid = read_raster(export.out / name / "image.tif")
        assert (grid.transform.c % 10, grid.transform.f % 10) == (0, 0)
        np.testing.assert_array_equal(image, expected_median(world, grid, settings, indexes=CLEAR))
        codes, _ = read_raster(export.out / name / "label.tif")
        np.testing.assert_array_equal(codes[0], expected_label(world, None, grid, settings, indexes=CLEAR))


def test_an_area_larger_than_a_scene_is_split(export: Export, world: World) -> None:
    export = dataclasses.replace(export, flags=("--scene-size", "64"))
    assert export() == 0
    names = scene_names(export.out)
    assert len(names) == 4 * len(CLEAR)
    assert f"{FIRST}_001" in names
    assert_scenes_are_right(world, export.out)


def test_scenes_can_be_tiled(export: Export) -> None:
    assert export() == 0
    words = ["tile", str(export.out), "--out", "patches", "--patch-size", "16", "--bands", "B2,B3,B4"]
    assert run([*words, "--min-water", "0", "--max-water", "1"]) == 0


def test_the_catalog_is_walked_by_other_tools(export: Export) -> None:
    assert export() == 0
    catalog = pystac.Catalog.from_file(str(export.out / "catalog.json"))
    items = {item.id: item for item in catalog.get_items(recursive=True)}
    assert sorted(items) == sorted(CLEAR)
    assert items[FIRST].properties["eo:cloud_cover"] == 0.12
    assert items[FIRST].properties["watermap:label_source"].startswith("UMD/hansen/")
    assert str(items[FIRST].datetime).startswith("2023-06-14")


def test_tiles_adapt_to_what_the_service_can_do(export: Export, server: LoopbackServer, world: World) -> None:
    server.largest_pixels = 3000
    export = dataclasses.replace(export, requests=1)
    assert export() == 0
    assert_scenes_are_right(world, export.out)
    refused = [record for record in server.requests if record.status == 400]
    assert 1 <= len(refused) <= 2  # one for each scene under way; the others are asked for in the size that worked


def test_a_tile_that_is_refused_in_every_size_is_no_matter_of_size(
    export: Export, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    export = dataclasses.replace(export, flags=("--hansen-asset", "UMD/hansen/none"))
    assert export() == 4
    assert "UMD/hansen/none" in last_line(capsys)
    assert sum(record.status == 400 for record in server.requests) <= 3 * len(CLEAR)


@pytest.mark.parametrize(
    ("area", "flags", "words"),
    [
        ("100,10,100.1,10.1", (), "no scene of this area: check the coordinates"),
        (None, ("--start", "2020-01-01", "--end", "2020-02-01"), "from 2020-01-01 to 2020-02-01: widen"),
        (None, ("--max-cloud", "0.1"), "below --max-cloud 0.1, the clearest has 0.12 % clouds"),
    ],
)
def test_an_empty_collection_names_the_filter_that_emptied_it(
    area: str | None, flags: tuple[str, ...], words: str, export: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    export = dataclasses.replace(export, area=area or export.area, flags=flags)
    assert export() == 4
    assert words in last_line(capsys)
    assert not export.out.exists()


def test_pixels_that_are_no_tiff_are_asked_for_again(export: Export, server: LoopbackServer, world: World) -> None:
    server.fail("pixels", "no-tiff", times=3)
    assert export() == 0
    assert_scenes_are_right(world, export.out)


def test_secrets_are_neither_shown_nor_written(
    export: Export, key: Path, server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = json.loads(key.read_text())["private_key"].splitlines()[3]
    server.fail("token", 403, times=None)
    assert dataclasses.replace(export, patience_s=0)() == 4
    server.heal()
    assert export() == 0
    shown = capsys.readouterr()
    assert secret not in shown.out + shown.err
    assert "ya29" not in shown.out + shown.err
    for path in export.out.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_boxes_west_of_greenwich_are_no_options(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataclasses.replace(export, area="-3.5,40,-3.4,40.1")() == 4
    assert "no scene of this area" in last_line(capsys)


def test_scenes_across_the_zone_border_keep_their_own_grid(export: Export) -> None:
    assert export() == 0
    assert read_raster(export.out / ACROSS / "image.tif")[1].crs.to_epsg() == 32632


def test_without_the_client(export: Export) -> None:
    script = "import sys; sys.modules['ee'] = None; from watermap.cli.main import run; sys.exit(run(sys.argv[1:]))"
    words = [sys.executable, "-c", script, *export.words()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert install_command("earthengine") in done.stderr.splitlines()[-1]


def test_an_area_that_only_touches_a_scene_has_none(
    export: Export, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    east = max(lon for lon, _ in world.granule(BESIDE).footprint.exterior.coords)
    south = min(lat for _, lat in world.granule(BESIDE).footprint.exterior.coords)
    area = f"{east + 1e-9},{south},{east + 0.01},{south + 0.001}"
    assert dataclasses.replace(export, area=area)() == 4
    assert "no scene" in last_line(capsys)


@pytest.mark.parametrize("words", [["--project", "projects/x"], ["--project", ""], ["--requests", "0"]])
def test_settings_that_cannot_be(words: list[str], export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataclasses.replace(export, flags=tuple(words))() == 2
    assert last_line(capsys).startswith("watermap: ")
