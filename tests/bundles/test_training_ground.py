from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from watermap.bundles.fingerprints import ONE_IN, fingerprints, rate
from watermap.bundles.training_ground import GROUND_FILE, TrainingGround, ground_of_patches, read_ground, write_ground
from watermap.errors import ModelError
from watermap.patches.store import PatchStore


def test_what_was_seen_is_read_as_it_was_written(small_patches: Path, tmp_path: Path) -> None:
    seen = ground_of_patches(PatchStore.open(small_patches))
    again = read_ground(write_ground(tmp_path / GROUND_FILE, seen))
    assert again.names.tolist() == seen.names.tolist()
    np.testing.assert_array_equal(again.prints, seen.prints)
    assert shapely.equals(again.outlines, seen.outlines).all()


def test_training_and_validation_patches_are_seen_and_test_patches_are_not(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    seen = ground_of_patches(store)
    assert len(seen.names) == store.count("train") + store.count("validation")
    for split in ("train", "validation", "test"):
        for place, record in enumerate(store.records(split)):
            patch = store.read(split, [place])
            prints = fingerprints(patch.image[0], patch.valid[0], store.radiometry)
            assert (seen.ground(record.footprint) is None) == (split == "test")
            assert np.isin(prints, seen.prints).all() == (split != "test") or not len(prints)


def test_edges_that_touch_are_not_shared_ground() -> None:
    seen = TrainingGround(
        np.array(["p"], object), np.array([shapely.box(10, 50, 10.01, 50.01)], object), np.empty(0, np.uint64)
    )
    assert seen.ground(shapely.box(10.01, 50, 10.02, 50.01)) is None
    told = seen.ground(shapely.box(10.009, 50, 10.02, 50.01))
    assert told is not None
    assert told.endswith("km2 of ground with patch p, which it has seen")


def test_of_large_trainings_fewer_squares_are_kept_and_copies_are_known_alike(
    small_patches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PatchStore.open(small_patches)
    whole = ground_of_patches(store)
    monkeypatch.setattr("watermap.bundles.training_ground._MOST_PRINTS", len(whole.prints) // 3)
    few = ground_of_patches(store)
    assert (rate(whole.prints), rate(few.prints)) == (ONE_IN, 4 * ONE_IN)
    assert len(few.prints) <= len(whole.prints) // 3
    assert few.share(whole.prints) == whole.share(whole.prints) == 1
    assert rate((few + whole).prints) == 4 * ONE_IN
    assert set((few + whole).names) == set(whole.names)
    monkeypatch.undo()
    one = replace(whole, prints=few.prints[:1])
    assert set(whole.prints) <= set((whole + one).prints)  # a record of one does not thin out another


def test_a_damaged_record_is_one_line(tmp_path: Path) -> None:
    (tmp_path / GROUND_FILE).write_text("no GeoPackage")
    with pytest.raises(ModelError, match="not readable"):
        read_ground(tmp_path / GROUND_FILE)
