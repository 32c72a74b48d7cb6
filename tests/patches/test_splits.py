"""Ground is dealt to splits near the shares wanted, and no two splits share any."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from tests.patches.tiling import SMALL
from tests.support.failures import one_line
from tests.support.rasters import REAL_DATA
from watermap.config import TileConfig
from watermap.errors import DataError
from watermap.patches.splits import check_leaks, split_groups
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


def test_a_split_by_scene_is_refused_where_scenes_share_ground(scenes: Path, tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"split_by": "scene"})
    with pytest.raises(DataError) as error:
        for seed in range(9):  # one of these puts the dates of beta into two splits
            tile(scenes, tmp_path / "patches", config.model_copy(update={"seed": seed}))
    assert "beta_1" in one_line(error)
    assert "beta_2" in str(error.value)
    assert "--split-by ground" in str(error.value)
    (scenes / "beta_2" / "image.tif").unlink()
    store = PatchStore.open(tile(scenes, tmp_path / "patches", config).folder)
    assert sorted(len({r.scene for r in store.records(split)}) for split in store.counts) == [1, 1, 1]


def test_a_split_that_is_not_asked_for_is_empty(scenes: Path, tmp_path: Path) -> None:
    store = PatchStore.open(tile(scenes, tmp_path / "patches", SMALL.model_copy(update={"test": 0.0})).folder)
    assert store.counts["test"] == 0
    assert store.records("test") == []
    assert not list(store.folder.glob("test-*"))


@pytest.mark.extended
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real scenes are not here")
def test_the_real_chips_are_all_used_and_split_by_ground(tmp_path: Path) -> None:
    config = TileConfig(bands=("B2", "B3", "B4", "B8", "B11", "B12"), min_water=0, max_water=1)
    summary = tile(REAL_DATA / "chips", tmp_path / "patches", config)
    store = PatchStore.open(summary.folder)
    assert sum(summary.counts.values()) == 266
    assert summary.counts["train"] / 266 == pytest.approx(0.7, abs=0.03)
    assert summary.counts["validation"] / 266 == pytest.approx(0.15, abs=0.03)
    assert not summary.failures
    assert not summary.notes
    sizes = Counter(record.block for split in store.counts for record in store.records(split))
    assert len(sizes) == 151
    assert max(sizes.values()) == 9


@dataclass(frozen=True)
class Patch:
    """Something on the ground."""

    id: str
    scene: str
    split: str
    footprint: Any


def square(number: float, split: str, side: float = 0.01) -> Patch:
    """One that begins so many hundredths of a degree from the first."""
    west = 12 + 0.01 * number
    return Patch(f"p{number}", f"scene{number}", split, shapely.box(west, 47, west + side, 47 + side))


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_dealt_whole_and_near_the_shares_wanted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = {f"block{number}": int(rng.integers(0, 40)) for number in range(60)} | {"empty": 0}
    found = split_groups(weights, validation=0.15, test=0.15, seed=seed)
    assert set(found) == set(weights)
    assert found["empty"] == "train"
    total = sum(weights.values())
    for split, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
        assert sum(weights[name] for name in found if found[name] == split) / total == pytest.approx(share, abs=0.02)
    assert split_groups(dict(reversed(weights.items())), validation=0.15, test=0.15, seed=seed) == found
    assert split_groups(weights, validation=0.15, test=0.15, seed=seed + 10) != found


def test_each_split_asked_for_has_a_group_however_few_there_are() -> None:
    three = {"a": 100, "b": 1, "c": 1}
    assert sorted(split_groups(three, validation=0.15, test=0.15, seed=0).values()) == ["test", "train", "validation"]
    assert set(split_groups(three, validation=0.0, test=0.0, seed=0).values()) == {"train"}
    assert sorted(split_groups(three, validation=0.0, test=0.3, seed=0).values()) == ["test", "train", "train"]
    with pytest.raises(DataError) as error:
        split_groups({"a": 1, "b": 1, "c": 0}, validation=0.1, test=0.1, seed=0, what="scenes")
    assert one_line(error).startswith("train, validation, test need 3 scenes with patches that pass, but there are 2")


def test_splits_may_touch_but_share_no_ground() -> None:
    check_leaks([square(0, "train"), square(1, "test"), square(2, "validation")])
    check_leaks([square(0, "train"), square(0.5, "train")])
    with pytest.raises(DataError) as error:
        check_leaks([square(0, "train"), square(1.5, "test"), square(2, "validation")])
    assert "patch p1.5 of scene scene1.5 (test) and patch p2 of scene scene2 (validation) share" in one_line(error)
