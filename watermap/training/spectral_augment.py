"""Changes made to patches for models that take scenes of any sensor: other scales, light, haze, waters and band sets.

They work on reflectance and know which bands a scene has, so that one network learns to do with what is there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.bands import SENTINEL2, Radiometry
from watermap.legend import NO_DATA, WATER
from watermap.models.spectral import MISSING_REFLECTANCE
from watermap.patches.store import PatchStore
from watermap.training.augment import Augmenter, Labels

_SCALES: Final = (0.6, 1.8)
"""Pixels of a patch that become one of the crop, along a side."""
_AT_WATER: Final = 0.6
"""Share of crops around a pixel of water, where the patch has any."""
_TRIES: Final = 4
_LEAST_LABELLED: Final = 0.3

_GAIN: Final = (0.15, 0.06)
_OFFSET: Final = (0.006, 0.004)
"""Spread of the logarithm of the gain and of the offset: of all bands together, and of each by itself."""

_HAZY: Final = 0.15
_HAZE: Final = 0.06
_BLUE_NM: Final = 492.4
"""The haze is as much brighter in shorter waves as the ratio of wavelengths squared. Source: Chavez 1988, table 1."""

_OTHER_WATER: Final = 0.35
_OTHER_WATER_RATIO: Final = (0.2, 5.0)

_SHADED: Final = 0.3
_SHADE: Final = (0.15, 0.75)
_SHADE_SWIR: Final = 1.2
"""Shadows are lit by the sky, which has little infrared light."""
_SHADE_GRID: Final = 6
"""Cells along a side of the random field that shadows are cut from."""

_INFRARED: Final = ("B11", "B12")
_BASIC: Final = ("B3", "B8")
_DROPPED: Final = ((_INFRARED, 0.18), (None, 0.12), (("B12",), 0.06))
"""Which bands a crop loses, None for all but green and NIR, and how often."""

_DONORS_A_PATCH: Final = 8


@dataclass(frozen=True)
class WaterSpectra:
    """Spectra of water, to change crops' water by.

    Attributes:
        reflectance: (n, bands); NaN where a spectrum's scene has not the band.
    """

    reflectance: FloatArray


def gather_spectra(store: PatchStore, *, seed: int) -> WaterSpectra:
    """Some water pixels of each training patch."""
    rng = np.random.default_rng([seed, 1])
    found = [np.empty((0, len(store.bands)), dtype=np.float32)]
    for index in range(store.count("train")):
        patch = store.read("train", [index])
        pixels = patch.image[(patch.label == WATER) & patch.valid]
        chosen = pixels[rng.integers(0, len(pixels), min(_DONORS_A_PATCH, len(pixels)))].astype(np.float32)
        chosen = (chosen + store.radiometry.offset) * store.radiometry.scale
        chosen[:, ~patch.present[0]] = np.nan
        found.append(chosen)
    return WaterSpectra(np.concatenate(found))


def make_spectral_augmenter(
    bands: Sequence[str], radiometry: Radiometry, waters: WaterSpectra, *, crop_px: int
) -> Augmenter:
    """A seeded pipeline: a crop at a random place and scale, turned, in other light, perhaps with less bands.

    Args:
        bands: canonical names, in the order of the channels. A band that a patch's scene has not is known by its
            number, see `models.spectral`, and stays missing.
        radiometry: what the patches' numbers mean.
        waters: of the training patches.
        crop_px: side of a crop; patches are at least 1.8 times as large, or crops are of smaller scales only.
    """
    import cv2

    cv2.setNumThreads(1)
    names = tuple(bands)
    nanometres = np.array([SENTINEL2[band].wavelength_nm for band in names])
    haze_shape = (_BLUE_NM / nanometres) ** 2
    infrared = np.isin(names, _INFRARED)

    def resized(values: npt.NDArray[Any], interpolation: int) -> npt.NDArray[Any]:
        size = (crop_px, crop_px)
        return np.stack([cv2.resize(layer, size, interpolation=interpolation) for layer in values], axis=-1)

    def augment(image: FloatArray, label: Labels, seed: int) -> tuple[FloatArray, Labels]:
        rng = np.random.default_rng(seed)
        square, side = _square(label, crop_px, rng)
        area = cv2.INTER_AREA if side > crop_px else cv2.INTER_LINEAR
        pixels = np.ascontiguousarray(np.moveaxis(image[square], -1, 0), dtype=np.float32)
        made = ((resized(pixels, area) + radiometry.offset) * radiometry.scale).astype(np.float32)
        codes = resized(np.ascontiguousarray(label[square])[None], cv2.INTER_NEAREST)[..., 0].astype(np.uint8)
        present = made[0, 0] > MISSING_REFLECTANCE / 2
        made, codes = _turned(made, codes, rng)
        if rng.random() < _OTHER_WATER:
            _change_water(made, codes, present, waters, rng)
        if rng.random() < _SHADED:
            _shade(made, infrared, rng, cv2)
        _change_light(made, haze_shape, rng)
        _drop_bands(present, names, rng)
        made[..., ~present] = MISSING_REFLECTANCE
        return np.ascontiguousarray(made / radiometry.scale - radiometry.offset, dtype=np.float32), codes

    return augment


def _square(label: Labels, crop_px: int, rng: np.random.Generator) -> tuple[tuple[slice, slice], int]:
    """Where a crop is cut, and its side in the patch's pixels."""
    rows, cols = label.shape
    low, high = np.log(_SCALES)
    side = min(round(crop_px * math.exp(rng.uniform(low, high))), rows, cols)
    water = np.argwhere(label == WATER) if rng.random() < _AT_WATER else np.empty((0, 2), dtype=np.intp)
    square = (slice(0, side), slice(0, side))
    for _ in range(_TRIES):
        if len(water):
            row, col = water[rng.integers(len(water))] - rng.integers(0, side, 2)
        else:
            row, col = rng.integers(0, rows - side + 1), rng.integers(0, cols - side + 1)
        top, left = int(np.clip(row, 0, rows - side)), int(np.clip(col, 0, cols - side))
        square = (slice(top, top + side), slice(left, left + side))
        if np.mean(label[square] != NO_DATA) >= _LEAST_LABELLED:
            break
    return square, side


def _turned(image: FloatArray, label: Labels, rng: np.random.Generator) -> tuple[FloatArray, Labels]:
    """One of the eight symmetries of a square."""
    quarters, is_mirrored = int(rng.integers(4)), rng.random() < 0.5
    image, label = np.rot90(image, quarters), np.rot90(label, quarters)
    if is_mirrored:
        image, label = image[:, ::-1], label[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def _change_water(
    image: FloatArray, label: Labels, present: npt.NDArray[np.bool_], waters: WaterSpectra, rng: np.random.Generator
) -> None:
    """Move the crop's water by a random part towards another scene's, in all bands that both have."""
    here = label == WATER
    if not here.any() or not len(waters.reflectance):
        return
    other = waters.reflectance[rng.integers(len(waters.reflectance))]
    mean = np.maximum(image[here].mean(axis=0), 1e-3)
    both = present & np.isfinite(other)
    ratio = np.where(both, np.maximum(other, 1e-3) / mean, 1.0)
    image[here] *= np.clip(ratio ** rng.random(), *_OTHER_WATER_RATIO).astype(np.float32)


def _shade(image: FloatArray, infrared: npt.NDArray[np.bool_], rng: np.random.Generator, cv2: Any) -> None:
    """Darken smooth blobs, water and land alike: what is water stays water, and what is land land."""
    rows, cols, _ = image.shape
    coarse = rng.random((_SHADE_GRID, _SHADE_GRID)).astype(np.float32)
    field = cv2.resize(coarse, (cols, rows), interpolation=cv2.INTER_CUBIC)
    edge = np.quantile(field, rng.uniform(0.5, 0.9))
    depth = np.clip((field - edge) / 0.05, 0, 1)[..., None]
    strength = rng.uniform(*_SHADE)
    by_band = np.where(infrared, min(0.95, strength * _SHADE_SWIR), strength)
    image *= (1 - depth * by_band).astype(np.float32)


def _change_light(image: FloatArray, haze_shape: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
    """Another gain and offset, and sometimes haze."""
    bands = image.shape[-1]
    gain = np.asarray(np.exp(rng.normal(0, _GAIN[0]) + rng.normal(0, _GAIN[1], bands)))
    offset = np.asarray(rng.normal(0, _OFFSET[0]) + rng.normal(0, _OFFSET[1], bands))
    if rng.random() < _HAZY:
        offset = offset + rng.uniform(0, _HAZE) * haze_shape
    image *= gain.astype(np.float32)
    image += offset.astype(np.float32)


def _drop_bands(present: npt.NDArray[np.bool_], names: Sequence[str], rng: np.random.Generator) -> None:
    """Take bands away, as many as other sensors have less."""
    chance = rng.random()
    for lost, share in _DROPPED:
        if chance < share:
            present &= ~np.isin(names, lost) if lost is not None else np.isin(names, _BASIC)
            return
        chance -= share
