from pathlib import Path

import numpy as np
import pytest

from watermap.patches.store import PatchStore
from watermap.scenes.filling import Filling
from watermap.training.augment import make_augmenter
from watermap.training.batches import PatchBatches, training_statistics


@pytest.fixture(scope="module")
def store(small_patches: Path) -> PatchStore:
    return PatchStore.open(small_patches)


def batches(store: PatchStore, **options: object) -> PatchBatches:
    defaults = {"batch_size": 5, "filling": Filling.of(training_statistics(store))}
    return PatchBatches(store, "train", **(defaults | options))  # type: ignore[arg-type]  # mixed options


def epoch_of(data: PatchBatches) -> tuple[np.ndarray, np.ndarray]:
    parts = [data[i] for i in range(len(data))]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def test_statistics_are_those_of_the_valid_training_pixels(store: PatchStore) -> None:
    patches = store.read("train", range(store.count("train")))
    pixels = patches.image[patches.valid].astype(float)
    found = training_statistics(store)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.std, pixels.std(axis=0), rtol=1e-6)


def test_an_epoch_holds_every_patch_once_in_raw_numbers(store: PatchStore) -> None:
    images, labels = epoch_of(batches(store))
    patches = store.read("train", range(store.count("train")))
    np.testing.assert_array_equal(images, patches.image.astype(np.float32))
    np.testing.assert_array_equal(labels, patches.label)
    assert (images.dtype.name, labels.dtype.name) == ("float32", "uint8")


def test_shuffling_changes_the_order_by_epoch_and_nothing_else(store: PatchStore) -> None:
    data = batches(store, shuffle=True, seed=3)
    first, _ = epoch_of(data)
    data.on_epoch_end()
    second, _ = epoch_of(data)
    plain, _ = epoch_of(batches(store))
    assert not np.array_equal(first, second)
    key = [images.sum(axis=(1, 2, 3)) for images in (first, second, plain)]
    np.testing.assert_array_equal(np.sort(key[0]), np.sort(key[2]))
    np.testing.assert_array_equal(np.sort(key[1]), np.sort(key[2]))


def test_changes_differ_from_epoch_to_epoch(store: PatchStore) -> None:
    data = batches(store, augment=make_augmenter("recipe", training_statistics(store)))
    first, _ = epoch_of(data)
    data.on_epoch_end()
    second, _ = epoch_of(data)
    differs = (first != second).any(axis=(1, 2, 3))
    assert differs.mean() > 0.5


def test_an_epoch_can_be_entered_directly_as_after_a_resume(store: PatchStore) -> None:
    statistics = training_statistics(store)
    options = {"shuffle": True, "seed": 3, "augment": make_augmenter("recipe", statistics)}
    walked = batches(store, **options)
    for _ in range(4):
        walked.on_epoch_end()
    jumped = batches(store, **options, epoch=4)
    for one, other in zip(epoch_of(walked), epoch_of(jumped), strict=True):
        np.testing.assert_array_equal(one, other)


def test_patches_are_cut_into_squares_that_count_as_one_each(store: PatchStore) -> None:
    whole, cut = batches(store), batches(store, cut_px=16)
    (images, labels), (squares, codes) = whole[0], cut[0]
    assert len(cut) == len(whole)
    assert squares.shape == (4 * len(images), 16, 16, images.shape[-1])
    np.testing.assert_array_equal(squares[: len(images)], images[:, :16, :16])
    assert not isinstance(labels, dict)
    assert not isinstance(codes, dict)
    np.testing.assert_array_equal(codes[-len(images) :], labels[:, 16:32, 16:32])
