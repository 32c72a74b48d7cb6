"""The ways by which rasters come: straight, through a bucket, or to Drive."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.earthengine.asking import CLEAR, FIRST, config
from tests.earthengine.exporting import phases
from tests.earthengine.runs import Export, contents, read_raster
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World, expected_image, expected_label
from watermap.cli.main import run


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


def test_no_more_requests_in_flight_on_the_way_through_the_bucket(export: Export, server: LoopbackServer) -> None:
    export = dataclasses.replace(export, requests=2, to="gcs")
    assert export() == 0
    assert 1 <= server.most_in_flight <= 2
    assert phases(server, "bucket") == 0  # its client asks nothing unbidden


def test_rasters_that_reach_drive_in_pieces_are_refused(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermap.earthengine.export.DRIVE_LIMIT_BYTES", 1000)
    assert dataclasses.replace(export, to="drive")() == 2
