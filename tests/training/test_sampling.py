"""Which patches an epoch draws, against what they hold."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from watermap.patches.store import PatchStore
from watermap.scenes.filling import Filling
from watermap.training.augment import make_augmenter
from watermap.training.batches import PatchBatches, training_statistics
from watermap.training.sampling import epoch_order, repeats, sampling_weights, shore_lengths


class Labels:
    """What sampling looks at of a patch store."""

    def __init__(self, label: Any) -> None:
        self.label = np.asarray(label, "uint8")

    def count(self, _split: str) -> int:
        return len(self.label)

    def read(self, _split: str, indexes: Any) -> Any:
        return SimpleNamespace(label=self.label[list(indexes)])

    def records(self, _split: str) -> Any:
        known = (self.label != 255).sum(axis=(1, 2))
        water = (self.label == 1).sum(axis=(1, 2)) / np.maximum(known, 1)
        return [
            SimpleNamespace(valid_fraction=k / self.label[0].size, water_fraction=w)
            for k, w in zip(known, water, strict=True)
        ]


def weights_of(label: Any, kind: Any) -> Any:
    return sampling_weights(Labels(label), kind)  # type: ignore[arg-type]  # a store in all that matters


def shores_of(label: Any) -> list[int]:
    """Reference: side by side."""
    lengths = []
    for codes in label.astype(int).tolist():
        rows = [*codes, *zip(*codes, strict=True)]
        lengths.append(sum({a, b} == {0, 1} for row in rows for a, b in itertools.pairwise(row)))
    return lengths


def test_shores_against_counting_sides() -> None:
    label = np.random.default_rng(0).choice([0, 1, 255], (700, 6, 6))
    assert shore_lengths(Labels(label)).tolist() == shores_of(label)  # type: ignore[arg-type]  # a stand-in


def test_balanced_draws_see_as_much_of_water_as_the_patches_allow() -> None:
    label = np.zeros((100, 8, 8), "uint8")
    label[:10] = 1
    weights = weights_of(label, "balanced")
    np.testing.assert_allclose(weights, np.repeat([0.05, 0.5 / 90], [10, 90]))
    assert weights[:10].sum() == pytest.approx(0.5)  # a tenth of the patches, half of the draws


def test_unknown_pixels_weigh_nothing() -> None:
    label = np.zeros((2, 8, 8), "uint8")
    label[0, :4], label[0, 4:], label[1, :4] = 1, 255, 1
    np.testing.assert_allclose(weights_of(label, "balanced"), [0.25, 0.75])


def test_boundary_draws_keep_patches_without_a_shore_in_sight() -> None:
    label = np.zeros((4, 8, 8), "uint8")
    label[0, :, 4:] = 1
    np.testing.assert_allclose(weights_of(label, "boundary"), [0.5 + 0.125, 0.125, 0.125, 0.125])


@pytest.mark.parametrize("kind", ["balanced", "boundary"])
@pytest.mark.parametrize("code", [0, 1])
def test_patches_that_are_all_alike_are_drawn_alike(kind: str, code: int) -> None:
    np.testing.assert_allclose(weights_of(np.full((5, 8, 8), code), kind), 0.2)


def test_draws_follow_the_chances_as_closely_as_whole_numbers_can() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(50, 0.3))
    total = np.zeros(50)
    for epoch in range(200):
        order = epoch_order(weights, np.random.default_rng(epoch))
        counts = np.bincount(order, minlength=50)
        assert len(order) == counts.sum() == 50
        assert (np.abs(counts - 50 * weights) < 1).all()
        total += counts
    np.testing.assert_allclose(total / 200, 50 * weights, atol=0.15)
    assert not np.array_equal(order, np.sort(order))


def test_turns_count_what_came_before() -> None:
    assert repeats(np.array([3, 1, 3, 3, 0, 1])).tolist() == [0, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("kind", ["balanced", "boundary"])
def test_an_epoch_of_drawn_patches_is_its_own_and_can_be_entered_directly(kind: Any, small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    statistics = training_statistics(store)
    options: dict[str, Any] = {
        "batch_size": 5,
        "filling": Filling.of(statistics),
        "weights": sampling_weights(store, kind),
        "seed": 3,
        "augment": make_augmenter("flips", statistics),
    }
    walked = PatchBatches(store, "train", **options)
    first = [walked[i][0] for i in range(len(walked))]
    assert sum(map(len, first)) == store.count("train")
    for _ in range(2):
        walked.on_epoch_end()
    jumped = PatchBatches(store, "train", **options, epoch=2)
    later = [walked[i][0] for i in range(len(walked))]
    for i, images in enumerate(later):
        np.testing.assert_array_equal(images, jumped[i][0])
    assert not all(np.array_equal(one, other) for one, other in zip(first, later, strict=True))


def test_a_patch_drawn_again_in_an_epoch_changes_in_another_way(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    statistics = training_statistics(store)
    weights = np.zeros(store.count("train"))
    weights[0] = 1
    data = PatchBatches(
        store,
        "train",
        batch_size=store.count("train"),
        filling=Filling.of(statistics),
        weights=weights,
        augment=make_augmenter("flips", statistics),
    )
    images, _ = data[0]
    assert 2 < len(np.unique(images.reshape(len(images), -1), axis=0)) <= 8
