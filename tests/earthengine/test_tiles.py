"""Pieces of a raster are put together whole, or not at all."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.windows import Window

from tests.earthengine.asking import BESIDE
from tests.earthengine.exporting import last_line
from tests.earthengine.runs import Export, assert_scenes_are_right, read_raster, scene_names
from tests.earthengine.server import LoopbackServer
from tests.earthengine.world import World
from tests.support.rasters import make_grid, write_tif
from watermap.earthengine.failures import UnusableAnswerError
from watermap.earthengine.plan import Request
from watermap.earthengine.tiles import Tile, assemble, open_tile, tile_on_disk
from watermap.io.layouts import LABEL_LAYOUT


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


GRID = make_grid(40, 30)
LABEL = Request("watermap-x", "label", None, GRID, LABEL_LAYOUT, {"DATE": "2023-06-14"})
CODES = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), (1, 30, 40))


def piece(path: Path, window: Window, values: Any = None, **changed: Any) -> Path:
    """A file with a window of the label."""
    rows, cols = window.toslices()
    return write_tif(path, CODES[:, rows, cols] if values is None else values, GRID.crop(window), **changed)


def test_pieces_become_the_raster_wherever_they_were_cut(tmp_path: Path) -> None:
    windows = [Window(0, 0, 25, 30), Window(25, 0, 15, 11), Window(25, 11, 15, 19)]
    tiles = [open_tile(piece(tmp_path / f"{n}.tif", window), LABEL) for n, window in enumerate(windows)]
    assert [tile.window for tile in tiles] == windows
    valid = assemble(tiles[::-1], LABEL, tmp_path / "label.tif")
    found, grid = read_raster(tmp_path / "label.tif")
    np.testing.assert_array_equal(found, CODES)
    assert grid == GRID
    assert valid == (CODES != 255).sum()


@pytest.mark.parametrize("windows", [[Window(0, 0, 25, 30)], [Window(0, 0, 25, 30), Window(24, 0, 16, 30)]])
def test_a_gap_and_an_overlap_make_no_raster(windows: list[Window], tmp_path: Path) -> None:
    tiles = [open_tile(piece(tmp_path / f"{n}.tif", window), LABEL) for n, window in enumerate(windows)]
    with pytest.raises(UnusableAnswerError, match="do not cover every pixel exactly once"):
        assemble(tiles, LABEL, tmp_path / "out" / "label.tif")
    assert not (tmp_path / "out" / "label.tif").exists()


def test_a_file_that_is_no_part_of_the_raster_is_not_used_and_not_kept(tmp_path: Path) -> None:
    whole = Window(0, 0, 40, 30)
    shifted = make_grid(40, 30, left=500_004)
    other = {
        "codes": piece(tmp_path / "codes.tif", whole, np.full((1, 30, 40), 7, np.uint8)),
        "bands": piece(tmp_path / "bands.tif", whole, np.zeros((1, 30, 40), np.uint16)),
        "another grid": write_tif(tmp_path / "grid.tif", CODES, shifted),
        "no GeoTIFF": tmp_path / "text.tif",
    }
    other["no GeoTIFF"].write_text("<html>", encoding="utf-8")
    for reason, path in other.items():
        with pytest.raises(UnusableAnswerError, match=reason):
            open_tile(path, LABEL)
        assert tile_on_disk(path, LABEL) is None
        assert not path.exists()
    good = piece(tmp_path / "good.tif", Window(8, 4, 10, 10))
    assert tile_on_disk(good, LABEL) == Tile(good, Window(8, 4, 10, 10))
