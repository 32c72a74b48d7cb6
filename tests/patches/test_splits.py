"""Ground is dealt to splits near the shares wanted, and no two splits share any."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.patches.tiling import SMALL
from tests.support.failures import one_line
from tests.support.rasters import REAL_DATA
from watermap.config import TileConfig
from watermap.errors import DataError
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
