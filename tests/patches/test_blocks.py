"""Blocks of ground that scenes share."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from tests.patches.tiling import SMALL
from tests.support.rasters import UTM32, grid_around, make_grid, write_scene
from watermap.config import TileConfig
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
