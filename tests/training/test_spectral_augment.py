"""Crops in other scales, light and waters, with less bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from watermap.bands import STANDARD_BANDS, Radiometry
from watermap.models.spectral import MISSING_REFLECTANCE
from watermap.patches.store import PatchStore
from watermap.training.spectral_augment import WaterSpectra, gather_spectra, make_spectral_augmenter

PLAIN = Radiometry(1e-4, 0.0)
LAND = np.array([800, 900, 1000, 2500, 2200, 1500], dtype=np.float32)
WATER = np.array([600, 500, 400, 200, 100, 60], dtype=np.float32)
OTHER = np.array([[0.09, 0.12, 0.13, 0.06, 0.02, 0.01]], dtype=np.float32)
MISSING = MISSING_REFLECTANCE / PLAIN.scale


def patch() -> tuple[np.ndarray, np.ndarray]:
    """Land on the left, water in a corner, unknown at the bottom."""
    label = np.zeros((64, 64), dtype=np.uint8)
    label[:20, 40:] = 1
    label[60:] = 255
    return np.where((label == 1)[..., None], WATER, LAND), label


def crops(count: int, image: np.ndarray, label: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    augment = make_spectral_augmenter(STANDARD_BANDS, PLAIN, WaterSpectra(OTHER), crop_px=32)
    return [augment(image, label, seed) for seed in range(count)]


def test_the_same_seed_gives_the_same_crop_and_nothing_changes_in_place() -> None:
    image, label = patch()
    kept = image.copy(), label.copy()
    one, again, other = crops(1, image, label)[0], crops(1, image, label)[0], crops(2, image, label)[1]
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one[0], other[0])
    assert (one[0].shape, one[1].shape) == ((32, 32, 6), (32, 32))
    assert (str(one[0].dtype), str(one[1].dtype)) == ("float32", "uint8")
    np.testing.assert_array_equal(image, kept[0])
    np.testing.assert_array_equal(label, kept[1])


def test_water_stays_where_its_label_is() -> None:
    """However light, haze and shadow change it, the near infrared of water stays below that of the land beside it."""
    image, label = patch()
    image[..., 3] = np.where(label == 1, 1, 9000)
    for changed, codes in crops(60, image, label):
        near = changed[..., 3]
        inner = codes != 255
        if len(np.unique(codes[inner])) == 2:
            border = (near[inner & (codes == 1)].mean(), near[inner & (codes == 0)].mean())
            assert border[0] < border[1] / 2


def test_bands_are_taken_away_as_often_as_other_sensors_have_less() -> None:
    image, label = patch()
    found = [tuple(changed[0, 0] == MISSING) for changed, _ in crops(1500, image, label)]
    shares = {
        (False,) * 4 + (True, True): 0.18,
        (True, False, True, False, True, True): 0.12,
        (False,) * 5 + (True,): 0.06,
        (False,) * 6: 0.64,
    }
    assert set(found) == set(shares)
    for lost, share in shares.items():
        assert abs(found.count(lost) / len(found) - share) < 4 * (share / len(found)) ** 0.5


def test_a_missing_band_stays_missing_and_green_and_near_infrared_are_never_taken() -> None:
    image, label = patch()
    image[..., 4:] = MISSING
    for changed, _ in crops(50, image, label):
        assert (changed[..., 4:] == MISSING).all()
        assert (changed[..., [1, 3]] > MISSING / 2).all()


def test_scales_crops_at_water_and_other_waters_follow_their_shares() -> None:
    image, label = patch()
    made = crops(600, image, label)
    with_water = np.mean([(codes == 1).any() for _, codes in made])
    assert 0.6 < with_water <= 1
    alone = make_spectral_augmenter(STANDARD_BANDS, PLAIN, WaterSpectra(OTHER[:0]), crop_px=32)
    moved = [
        not np.array_equal(changed, alone(image, label, seed)[0])
        for seed, (changed, codes) in enumerate(made)
        if (codes == 1).any()
    ]
    assert abs(np.mean(moved) - 0.35) < 4 * (0.35 / len(moved)) ** 0.5
    symmetric = {(codes[0, 0], codes[0, -1], codes[-1, 0], codes[-1, -1]) for _, codes in made}
    assert len(symmetric) > 8


def test_waters_are_gathered_as_reflectance(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    found = gather_spectra(store, seed=0).reflectance
    assert found.shape[1] == len(store.bands)
    assert 0 < np.nanmedian(found) < 0.3
    np.testing.assert_array_equal(found, gather_spectra(store, seed=0).reflectance)


@pytest.mark.parametrize("side", [32, 48])
def test_a_patch_no_larger_than_the_crop_will_do(side: int) -> None:
    image, label = patch()
    changed, codes = crops(1, image[:side, :side], label[:side, :side])[0]
    assert (changed.shape, codes.shape) == ((32, 32, 6), (32, 32))
