"""`watermap export` against the loopback server: what comes home, and what happens on the way."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio

from tests.earthengine.asking import ACROSS, BESIDE, CLEAR, CLOUDY, FIRST, config
from tests.earthengine.runs import BUCKET, Export, assert_scenes_are_right, contents, read_raster, scene_names
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World, expected_image, expected_label, expected_median
from watermap.cli.main import run
from watermap.config.extras import install_command
from watermap.earthengine.export import EXPORT_FOLDER


@pytest.fixture
def export(server: LoopbackServer, key: Path, world: World, tmp_path: Path) -> Export:
    """An export of everything clear, straight to this machine."""
    return Export(server, key, tmp_path / "run", world.whole_box)


def phases(server: LoopbackServer, phase: str) -> int:
    return sum(record.phase == phase for record in server.requests)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


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


@pytest.mark.parametrize("shards", [None, 32])
def test_exports_by_the_bucket_are_the_same(shards: int | None, export: Export, server: LoopbackServer) -> None:
    assert export() == 0
    server.shard_pixels = shards
    through = dataclasses.replace(export, folder=export.folder / "gcs", to="gcs")
    assert through() == 0
    assert contents(through.out) == contents(export.out)
    assert len(server.bucket) == 8 * (1 if shards is None else 9)
    assert set(server.started.values()) == {1}


def test_exports_to_drive_are_told_and_brought_in_by_hand(
    export: Export, server: LoopbackServer, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    to_drive = dataclasses.replace(export, to="drive", flags=("--folder", "lakes"))
    assert to_drive() == 0
    assert sorted(server.drive) == sorted(f"lakes/{name}_{kind}.tif" for name in CLEAR for kind in ("image", "label"))
    shown = capsys.readouterr().out
    assert f"lakes/{FIRST}_image.tif" in shown
    for place, content in server.drive.items():
        Path(Path(place).name).write_bytes(content)
    advice = [line for line in shown.splitlines() if "scenes add" in line]
    assert len(advice) == len(CLEAR)
    for line in advice:
        assert run(line.split()[1:]) == 0
    for name in CLEAR:
        image, grid = read_raster(export.out / name / "image.tif")
        np.testing.assert_array_equal(image, expected_image(world, name, grid, config()))
        codes, label_grid = read_raster(export.out / name / "label.tif")
        assert label_grid == grid
        np.testing.assert_array_equal(codes[0], expected_label(world, name, grid, config()))
    assert to_drive() == 0
    assert set(server.started.values()) == {1}


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


def test_no_more_requests_in_flight_than_configured(export: Export, server: LoopbackServer) -> None:
    server.delay_s = 0.02
    export = dataclasses.replace(export, requests=3, request_mib=0.01)
    assert export() == 0
    assert server.most_in_flight == 3


def test_no_more_requests_in_flight_on_the_way_through_the_bucket(export: Export, server: LoopbackServer) -> None:
    export = dataclasses.replace(export, requests=2, to="gcs")
    assert export() == 0
    assert 1 <= server.most_in_flight <= 2
    assert phases(server, "bucket") == 0  # its client asks nothing unbidden


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


def test_a_scene_that_fails_does_not_lose_the_others(
    export: Export, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    export = dataclasses.replace(export, label="dynamic-world", flags=("--max-cloud", "50"))
    assert export() == 6  # Dynamic World has no image of the cloudy scene
    shown = capsys.readouterr().err
    assert f"scene {CLOUDY} failed" in shown
    assert "1 of 5 scenes failed" in shown
    assert scene_names(export.out) == sorted(CLEAR)
    assert_scenes_are_right(world, export.out, label="dynamic-world")


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


def test_a_dry_run_touches_nothing(export: Export, server: LoopbackServer, capsys: pytest.CaptureFixture[str]) -> None:
    export = dataclasses.replace(export, flags=("--dry-run",))
    assert export() == 0
    shown = capsys.readouterr().out
    assert "4 scenes" in shown
    assert "8 pixel requests" in shown
    assert not export.out.exists()
    assert {record.phase for record in server.requests} == {"token", "initialize", "compute"}


def test_what_is_there_and_whole_is_not_asked_for_again(export: Export, server: LoopbackServer) -> None:
    assert export() == 0
    before, asked = contents(export.out), phases(server, "pixels")
    assert export() == 0
    assert phases(server, "pixels") == asked
    image = export.out / FIRST / "image.tif"
    damaged = bytearray(image.read_bytes())
    damaged[-9] ^= 1
    image.write_bytes(damaged)
    (export.out / BESIDE / "label.tif").unlink()
    (export.out / BESIDE / "notes.txt").write_text("mine")
    assert export() == 0
    assert (export.out / EXPORT_FOLDER / f"{BESIDE}.replaced" / "notes.txt").read_text() == "mine"
    assert phases(server, "pixels") == asked + 4
    assert contents(export.out) == before


def test_scenes_made_otherwise_are_not_replaced(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert export() == 0
    before = contents(export.out)
    assert dataclasses.replace(export, label="jrc")() == 2
    assert "was exported with other settings" in last_line(capsys)
    (export.out / BESIDE / "label.tif").write_bytes(b"edited")
    assert dataclasses.replace(export, label="jrc")() == 2
    (export.out / BESIDE / "label.tif").write_bytes(before[f"{BESIDE}/label.tif"])
    for foreign in ("{}", '{"properties": {}}', None):
        if foreign is None:
            (export.out / FIRST / "item.json").unlink()
        else:
            (export.out / FIRST / "item.json").write_text(foreign)
        capsys.readouterr()
        assert export() == 2
        assert "not from an export" in last_line(capsys)
    assert {name: each for name, each in before.items() if name != f"{FIRST}/item.json"} == contents(export.out)


def test_two_exports_into_one_folder(export: Export, server: LoopbackServer) -> None:
    server.delay_s = 0.3
    codes: list[int] = []
    words = export.words()
    threads = [threading.Thread(target=lambda: codes.append(export_in_process(words))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 2]


def export_in_process(words: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "watermap", *words], capture_output=True, check=False).returncode


def test_an_answer_that_is_lost_starts_no_second_task(export: Export, server: LoopbackServer) -> None:
    server.fail("export", "reset-after", times=3)
    export = dataclasses.replace(export, to="gcs")
    assert export() == 0
    assert set(server.started.values()) == {1}
    assert len(server.started) == 8


def test_a_task_of_an_earlier_run_is_adopted_even_if_its_name_was_never_learned(
    export: Export, server: LoopbackServer
) -> None:
    export = dataclasses.replace(export, to="gcs")
    assert dataclasses.replace(export, patience_s=0)() == 0
    ledger = sorted((export.out / EXPORT_FOLDER).glob("*.gcs.json"))
    for path in ledger:  # as if the run had been killed between sending and hearing
        entry = json.loads(path.read_text())
        path.write_text(json.dumps({**entry, "state": "recorded", "operation": None}))
    for name in CLEAR:
        (export.out / name / "image.tif").unlink()
    started = dict(server.started)
    assert export() == 0
    assert server.started == started


@pytest.mark.parametrize(("code", "attempts"), [(8, 3), (13, 3), (7, 1)])
def test_a_task_that_fails_is_started_again_only_where_that_may_help(
    code: int, attempts: int, export: Export, server: LoopbackServer, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    server.states = ["PENDING", "FAILED"]
    server.operation_error = {"code": code, "message": "User memory limit exceeded."}
    export = dataclasses.replace(export, to="gcs", area=world.small_box, label="none")
    assert export() == 4
    assert "User memory limit exceeded" in last_line(capsys)
    assert len(server.started) == attempts
    posted = [json.loads(record.content) for record in server.requests if record.phase == "export"]
    blocks = [each["fileExportOptions"]["geoTiffOptions"]["tileSize"]["value"] for each in posted]
    assert blocks == ([256, 128, 64] if code == 8 else [256] * attempts)
    server.states = ["SUCCEEDED"]
    assert export() == 0
    assert_scenes_are_right(world, export.out, label="none")


class FailingLabels(dict[str, Sequence[str]]):
    """States of tasks by description: those of labels fail."""

    def get(self, description: str, default: Any = None) -> Any:
        return ["PENDING", "FAILED"] if "_label_" in description else default


def test_where_one_raster_fails_the_task_of_the_other_is_cancelled(
    export: Export, server: LoopbackServer, world: World
) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    server.states = ["PENDING", "RUNNING"]
    server.states_of = FailingLabels()
    server.operation_error = {"code": 7, "message": "No."}
    assert export() == 4
    assert sorted(each.state for each in server.operations.values())[0] in ("CANCELLING", "CANCELLED")
    assert sorted(each.state for each in server.operations.values())[1] == "FAILED"
    server.states_of = {}
    server.states = ["SUCCEEDED"]
    assert export() == 0
    assert_scenes_are_right(world, export.out)


def test_files_gone_from_the_bucket_are_exported_again(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert export() == 0
    (export.out / BESIDE / "image.tif").unlink()
    server.bucket.clear()
    assert export() == 0
    assert_scenes_are_right(world, export.out)
    assert len(server.started) == 4


def test_a_bucket_that_is_not_there(export: Export, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    words = dataclasses.replace(export, to="gcs", area=world.small_box).words()
    words[words.index(BUCKET)] = "another-bucket"
    assert run(words) == 4
    assert "another-bucket" in last_line(capsys)


def test_a_pace_that_is_too_fast_is_no_matter_of_permission(export: Export, server: LoopbackServer) -> None:
    server.fail("pixels", 403, times=2, reason="rateLimitExceeded")
    assert export() == 0


def test_shards_that_do_not_cover_the_raster_are_no_scene(
    export: Export, server: LoopbackServer, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    server.shard_pixels = 8
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert export() == 0
    for path in (export.out / BESIDE).iterdir():
        path.unlink()
    (export.out / BESIDE).rmdir()
    del server.bucket[sorted(name for name in server.bucket if "image" in name)[1]]
    assert export() == 4
    assert "do not cover every pixel" in last_line(capsys)
    assert scene_names(export.out) == []


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


def test_another_destination_is_another_task(export: Export, server: LoopbackServer, world: World) -> None:
    there = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert there() == 0
    to_drive = dataclasses.replace(there, to="drive", folder=export.folder / "drive")
    assert to_drive() == 0
    assert sorted(server.drive) == [f"watermap/{BESIDE}_image.tif", f"watermap/{BESIDE}_label.tif"]
    elsewhere = dataclasses.replace(there, folder=export.folder / "other", flags=("--folder", "elsewhere"))
    assert elsewhere() == 0
    assert len(server.started) == 6
    assert sum(name.startswith("elsewhere/") for name in server.bucket) == 2


def test_an_id_that_is_used_up_does_not_end_the_matter(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert dataclasses.replace(export, folder=export.folder / "first")() == 0
    server.operations.clear()  # the service has forgotten the tasks, but not their ids
    server.bucket.clear()
    assert export() == 0
    assert_scenes_are_right(world, export.out)
    assert sorted(name[-2:] for name in server.started) == ["-1", "-1", "-2", "-2"]


def test_what_may_pass_does_not_cancel_the_other_raster(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box, patience_s=0)
    server.fail("poll", 503, times=1)
    assert export() == 4
    assert server.count("cancel") == 0
    assert export() == 0
    assert set(server.started.values()) == {1}
    assert len(server.started) == 2


def test_a_cancel_that_fails_is_not_taken_for_one(export: Export, server: LoopbackServer, world: World) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box, patience_s=0)
    server.states_of = FailingLabels()
    server.states = ["RUNNING"]
    server.operation_error = {"code": 7, "message": "No."}
    server.fail("cancel", 503, times=None)
    assert export() == 4
    server.heal()
    server.states_of = {}
    server.states = ["SUCCEEDED"]
    assert export() == 0
    assert sorted(name[-2:] for name in server.started) == ["-1", "-1", "-2"]  # only the label's task is anew


def test_shards_that_are_missing_are_exported_anew_by_the_next_run(
    export: Export, server: LoopbackServer, world: World
) -> None:
    server.shard_pixels = 8
    export = dataclasses.replace(export, to="gcs", area=world.small_box)
    assert export() == 0
    shutil.rmtree(export.out / BESIDE)
    del server.bucket[sorted(name for name in server.bucket if "image" in name)[1]]
    assert export() == 4
    assert export() == 0
    assert_scenes_are_right(world, export.out)


def test_a_catalog_that_is_gone_comes_back_and_leftovers_go(export: Export, world: World) -> None:
    export = dataclasses.replace(export, area=world.small_box)
    assert export() == 0
    (export.out / "catalog.json").unlink()
    hidden = export.out / EXPORT_FOLDER
    request = json.loads((export.out / BESIDE / "item.json").read_text())["properties"]["watermap:requests"]["image"]
    for name in (BESIDE, request):
        (hidden / name).mkdir()
    (hidden / ".watermap-x.4194305.part.json").write_text("{")
    assert export() == 0
    assert (export.out / "catalog.json").exists()
    assert [path.name for path in hidden.iterdir() if path.suffix != ".json"] == ["lock"]
    assert not list(hidden.glob(".*"))


def test_every_failure_is_named(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataclasses.replace(export, flags=("--hansen-asset", "UMD/none"))() == 4
    shown = capsys.readouterr().err
    assert all(f"scene {name} failed" in shown for name in CLEAR)


def test_an_area_that_only_touches_a_scene_has_none(
    export: Export, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    east = max(lon for lon, _ in world.granule(BESIDE).footprint.exterior.coords)
    south = min(lat for _, lat in world.granule(BESIDE).footprint.exterior.coords)
    area = f"{east + 1e-9},{south},{east + 0.01},{south + 0.001}"
    assert dataclasses.replace(export, area=area)() == 4
    assert "no scene" in last_line(capsys)


def test_rasters_that_reach_drive_in_pieces_are_refused(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.earthengine.export.DRIVE_LIMIT_BYTES", 1000)
    assert dataclasses.replace(export, to="drive")() == 2


def test_an_outage_is_waited_for_once_and_not_for_every_scene(export: Export, server: LoopbackServer) -> None:
    server.fail("pixels", 503, times=None)
    export = dataclasses.replace(export, patience_s=1.0, flags=("--scene-size", "64"))
    begun = time.monotonic()
    assert export() == 4
    assert time.monotonic() - begun < 8  # of sixteen scenes


def test_a_catalog_behind_its_scenes_catches_up(export: Export) -> None:
    assert export() == 0
    before = contents(export.out)
    (export.out / "catalog.json").write_text("{}")
    assert export() == 0
    assert contents(export.out) == before


@pytest.mark.parametrize("words", [["--project", "projects/x"], ["--project", ""], ["--requests", "0"]])
def test_settings_that_cannot_be(words: list[str], export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataclasses.replace(export, flags=tuple(words))() == 2
    assert last_line(capsys).startswith("watermap: ")


def test_a_bucket_that_cannot_be_listed_is_not_an_empty_one(
    export: Export, server: LoopbackServer, world: World
) -> None:
    export = dataclasses.replace(export, to="gcs", area=world.small_box, patience_s=0)
    server.fail("download", 503, times=None)
    assert export() == 4
    server.heal()
    server.fail("download:list", 404, times=2)
    assert export() == 4
    assert export() == 0
    assert len(server.started) == 2
