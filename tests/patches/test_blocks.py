"""Blocks of ground that scenes share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.patches.tiling import SMALL
from tests.support.rasters import UTM32, grid_around, make_grid, write_scene
from watermap.config import TileConfig
from watermap.patches.blocks import Block, Box, find_sites
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


@pytest.mark.parametrize("seed", range(2))
def test_two_dates_of_one_place_share_their_splits_ground(scenes: Path, tmp_path: Path, seed: int) -> None:
    summary = tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"seed": seed}))
    store = PatchStore.open(summary.folder)
    split_of: dict[str, set[str]] = {}
    for split in store.counts:
        for record in store.records(split):
            split_of.setdefault(record.block, set()).add(split)
    assert all(len(splits) == 1 for splits in split_of.values())
    assert len(split_of) > 10
    both = {record.block for record in store.records("train") if record.scene == "beta_1"}
    assert both & {record.block for record in store.records("train") if record.scene == "beta_2"}


@pytest.mark.parametrize("seed", range(2))
def test_a_scene_in_another_zone_follows_the_ground(tmp_path: Path, seed: int) -> None:
    grid = make_grid(256, 256)
    write_scene(tmp_path / "scenes", "a", grid, seed=1)
    write_scene(tmp_path / "scenes", "b", grid_around(grid, UTM32), seed=2)
    config = TileConfig(patch_size=16, block_patches=4, min_water=0, max_water=1, seed=seed)
    store = PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", config).folder)
    outlines = {split: shapely.union_all([r.footprint for r in store.records(split)]) for split in store.counts}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert outlines[one].intersection(outlines[other]).area < 1e-3 * outlines[other].area
    scenes_of = [{record.scene for record in store.records(split)} for split in store.counts]
    assert scenes_of == [{"a", "b"}] * 3


def test_scenes_less_than_a_patch_apart_are_one_site() -> None:
    grids = {
        "a": make_grid(100, 100),
        "b": make_grid(100, 100, left=500_000 + 1000 + 150),  # 15 pixels beyond
        "c": make_grid(100, 100, left=500_000 + 2150 + 170),
    }
    assert [site.scenes for site in find_sites(grids, patch_size=16, block_patches=2)] == [("a", "b"), ("c",)]


def test_the_blocks_of_a_site_cover_it_once_on_whole_patches() -> None:
    grid = make_grid(210, 170)
    (site,) = find_sites({"a": grid}, patch_size=16, block_patches=3)
    blocks = list(site.blocks(grid))
    assert len({block.name for block in blocks}) == len(blocks) > 9
    covered = np.zeros(grid.shape, int)
    for block in blocks:
        box = block.box(grid)
        assert box is not None
        assert box.left % 16 == box.top % 16 == 0
        assert box.window.width >= 32
        covered[box.top : box.bottom, box.left : box.right] += 1
    assert (covered == 1).all()


def test_chips_side_by_side_share_a_block() -> None:
    grids = {
        f"{row}{col}": make_grid(32, 32, left=500_000 + 320 * col, top=5_300_000 - 320 * row)
        for row in range(4)
        for col in range(4)
    }
    (site,) = find_sites(grids, patch_size=16, block_patches=4)
    assert {block.name for grid in grids.values() for block in site.blocks(grid)} == {"00_r0_c0"}


def test_a_patch_lies_in_a_block_only_with_all_its_corners() -> None:
    grid = make_grid(64, 64)
    block = Block("b", make_grid(32, 32, left=500_000 + 160, top=5_300_000 - 160))
    starts = np.array([(16, 16), (16, 32), (15, 16), (32, 33), (32, 32)])
    assert block.contains(grid, starts, 16).tolist() == [True, True, False, False, True]
    assert block.box(grid) == Box(16, 16, 48, 48)
    assert block.box(make_grid(64, 64, left=600_000)) is None
