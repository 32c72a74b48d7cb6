"""Where patches are cut, and which of them pass."""

from __future__ import annotations

from collections import Counter

import numpy as np

from watermap.config import TileConfig
from watermap.patches.blocks import Box
from watermap.patches.select import Selection, passing, random_starts, regular_starts


def test_patches_pass_by_valid_and_water_fraction() -> None:
    """Against a count of every patch, one by one."""
    rng = np.random.default_rng(0)
    label = rng.choice(np.array([0, 1, 255], dtype=np.uint8), (90, 70), p=[0.4, 0.4, 0.2])
    label[:30, :30] = 255
    label[60:, :] = 1
    box = Box(100, 200, 170, 290)
    config = TileConfig(patch_size=16, min_valid=0.7, min_water=0.45, max_water=0.55)
    starts = np.concatenate([regular_starts(box, 16), random_starts(box, 16, density=9, seed=1, name="a")])
    tally: Counter[str] = Counter()
    cuts = passing(starts, label, box, config, tally)
    expected = []
    for row, col in starts.tolist():
        patch = label[row - 200 : row - 184, col - 100 : col - 84]
        valid = patch[patch != 255]
        if valid.size / 256 >= 0.7 and 0.45 <= (valid == 1).mean() <= 0.55:
            expected.append((row, col, (valid == 1).mean(), valid.size / 256))
    found = [(*start, *rest) for start, *rest in zip(cuts.starts.tolist(), cuts.water, cuts.valid, strict=True)]
    assert found == expected
    assert 0 < len(cuts) < len(starts)
    assert tally["tried"] == len(starts)
    assert sum(tally.values()) == 2 * len(starts) - len(cuts)
    assert isinstance(cuts, Selection)


def test_bounds_are_inclusive() -> None:
    label = np.zeros((10, 10), dtype=np.uint8)
    label[:3] = 1
    config = TileConfig(patch_size=16).model_copy(update={"patch_size": 10})
    box = Box(0, 0, 10, 10)
    assert len(passing(np.array([[0, 0]]), label, box, config, Counter())) == 1
    assert len(passing(np.array([[0, 0]]), 1 - label, box, config, Counter())) == 1


def test_random_corners() -> None:
    box = Box(10, 20, 210, 420)
    starts = random_starts(box, 32, density=1.5, seed=0, name="a/b")
    assert 0.8 * 1.5 * 200 * 400 / 32**2 <= len(starts) <= np.ceil(1.5 * 200 * 400 / 32**2)
    assert (starts >= (20, 10)).all()
    assert (starts + 32 <= (420, 210)).all()
    assert (starts + 32).max(axis=0).tolist() > [380, 170]
    np.testing.assert_array_equal(starts, random_starts(box, 32, density=1.5, seed=0, name="a/b"))
    assert starts.tolist() != random_starts(box, 32, density=1.5, seed=0, name="a/c").tolist()
    assert starts.tolist() != random_starts(box, 32, density=1.5, seed=1, name="a/b").tolist()
    assert random_starts(Box(0, 0, 32, 32), 32, density=20, seed=0, name="a").tolist() == [[0, 0]]
    assert random_starts(Box(0, 0, 31, 32), 32, density=20, seed=0, name="a").shape == (0, 2)
