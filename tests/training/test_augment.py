from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pytest

from watermap.scenes.radiometry import Statistics
from watermap.training.augment import make_augmenter


def patch(bands: int) -> tuple[np.ndarray, np.ndarray, Statistics]:
    """An image whose every band equals 1000 where the label is water and 200 elsewhere."""
    label = np.zeros((64, 64), dtype=np.uint8)
    label[10:30, 5:50] = 1
    label[50:, 50:] = 255
    image = np.repeat(np.where(label == 1, 1000, 200)[..., None], bands, axis=-1).astype(np.float32)
    pixels = np.random.default_rng(0).uniform(0, 3000, (1000, bands))
    return image, label, Statistics.of(pixels)


@pytest.mark.parametrize("bands", [1, 2, 3, 6, 13])
@pytest.mark.parametrize("kind", ["recipe", "flips"])
def test_the_same_seed_gives_the_same_patch(kind: Literal["recipe", "flips"], bands: int) -> None:
    image, label, statistics = patch(bands)
    augment = make_augmenter(kind, statistics)
    assert augment is not None
    first, again, other = augment(image, label, 7), augment(image, label, 7), augment(image, label, 8)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert first[0].dtype == np.float32
    assert first[0].shape == image.shape


def test_several_threads_make_the_same_patches_as_one() -> None:
    image, label, statistics = patch(6)
    augment = make_augmenter("recipe", statistics)
    assert augment is not None
    alone = [augment(image, label, seed) for seed in range(64)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: augment(image, label, seed), range(64)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_none_is_none() -> None:
    assert make_augmenter("none", patch(3)[2]) is None


def test_flips_leave_numbers_alone_however_dark_or_bright() -> None:
    image, label, statistics = patch(6)
    image[0, 0], image[63, 0] = 20, 9000
    augment = make_augmenter("flips", statistics)
    assert augment is not None
    for seed in range(8):
        np.testing.assert_array_equal(np.sort(augment(image, label, seed)[0], axis=None), np.sort(image, axis=None))


def test_image_and_label_move_together() -> None:
    image, label, statistics = patch(6)
    augment = make_augmenter("flips", statistics)
    assert augment is not None
    for seed in range(16):
        changed, moved = augment(image, label, seed)
        np.testing.assert_array_equal(changed[..., 0] > 600, moved == 1)
        assert set(np.unique(changed.round())) == {200, 1000}


def test_the_recipe_keeps_codes_and_marks_what_comes_from_outside() -> None:
    image, label, statistics = patch(6)
    augment = make_augmenter("recipe", statistics)
    assert augment is not None
    mean = np.array(statistics.mean, dtype=np.float32)
    brought_in = 0
    agreement = []
    for seed in range(60):
        changed, moved = augment(image, label, seed)
        assert set(np.unique(moved)) <= {0, 1, 255}
        outside = (np.abs(changed - mean) < 0.5).all(axis=-1)
        assert (moved[outside] == 255).all()
        brought_in += int(outside.any())
        known = moved != 255
        agreement.append(((changed[..., 0] > changed[known].mean()) == (moved == 1))[known].mean())
    assert brought_in > 5
    assert np.median(agreement) > 0.95


def test_water_is_never_made_of_unknown_pixels() -> None:
    image, label, statistics = patch(3)
    label[:] = 255
    augment = make_augmenter("recipe", statistics)
    assert augment is not None
    for seed in range(30):
        assert (augment(image, label, seed)[1] == 255).all()


def test_changes_are_drawn_independently_of_each_other() -> None:
    """Of the recipe's five changes, each at a half; two of three in the last move pixels, one bends numbers."""
    rng = np.random.default_rng(0)
    image = rng.uniform(500, 2500, (32, 32, 3)).astype(np.float32)
    label = rng.integers(0, 2, (32, 32)).astype(np.uint8)
    augment = make_augmenter("recipe", Statistics.of(image.reshape(-1, 3)))
    assert augment is not None
    count, alike, bent = 800, 0, 0
    for seed in range(count):
        changed, moved = augment(image, label, seed)
        if np.array_equal(moved, label):
            is_alike = np.allclose(changed, image, rtol=1e-3)
            alike, bent = alike + is_alike, bent + (not is_alike)
    for found, chance in ((alike, 0.5**5), (bent, 0.5**3 * (2 / 3 - 1 / 4))):
        assert abs(found / count - chance) < 4 * (chance / count) ** 0.5
