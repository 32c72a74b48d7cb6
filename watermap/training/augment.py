"""Changes made to training patches, image and label together, so that a model sees more than there is."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from watermap.arrays import FloatArray
from watermap.legend import NO_DATA
from watermap.scenes.radiometry import Statistics

Labels = npt.NDArray[np.uint8]
Augmenter = Callable[[FloatArray, Labels, int], tuple[FloatArray, Labels]]
"""(image (rows, cols, bands) in DN, label (rows, cols), seed) to the changed image and label."""


def make_augmenter(kind: Literal["recipe", "flips", "none"], statistics: Statistics) -> Augmenter | None:
    """A seeded augmentation pipeline.

    `recipe` is the reference one: flips, rotation within 30 degrees, brightness and contrast, and one of CLAHE, grid
    and optical distortion, each at 0.5. `flips` keeps to the eight symmetries of a square. Pixels that a change
    brings in from outside the patch are 255 in the label and the mean in the image. Only brightness, contrast and
    CLAHE bend numbers, and clip them to the range between the training pixels' low and high ends.

    Args:
        kind: which pipeline; none gives None.
        statistics: of the training pixels; brightness and contrast act between their low and high ends.
    """
    if kind == "none":
        return None
    if kind == "flips":
        flips = _Pipelines(_flips)

        def flip(image: FloatArray, label: Labels, seed: int) -> tuple[FloatArray, Labels]:
            changed = flips.seeded(seed)(image=image, mask=label)
            return changed["image"], changed["mask"]

        return flip
    low = np.array(statistics.low, dtype=np.float32)
    value_range = np.maximum(np.array(statistics.high, dtype=np.float32) - low, 1e-6)
    mean = np.array(statistics.mean, dtype=np.float32)
    recipes = _Pipelines(_recipe)

    def augment(image: FloatArray, label: Labels, seed: int) -> tuple[FloatArray, Labels]:
        rows, cols, bands = image.shape
        lows, ranges = np.tile(low, cols), np.tile(value_range, cols)  # numpy is slow along the few bands of a pixel
        unit = (image.reshape(rows, cols * bands) - lows) / ranges
        codes = np.stack([label, np.zeros_like(label)], axis=-1)  # label and outside
        changed = recipes.seeded(seed)(image=unit.reshape(image.shape), mask=codes)
        new_label, outside = changed["mask"][..., 0], changed["mask"][..., 1]
        new_image = np.ascontiguousarray(changed["image"]).reshape(rows, cols * bands) * ranges + lows
        new_image = new_image.reshape(image.shape)
        if outside.any():
            new_image[outside == NO_DATA] = mean
        return new_image, new_label

    return augment


class _Pipelines(threading.local):
    """A pipeline for each thread: to seed one and to use it are two steps.

    Args:
        make: makes one.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._pipeline = make()

    def seeded(self, seed: int) -> Any:
        """This thread's pipeline, which now draws from a seed.

        All transforms share one pair of generators: `set_random_seed` would give each its own of the same seed, so that
        all would draw the same numbers, and half of the patches would stay as they are.
        """
        self._pipeline.set_random_state(np.random.default_rng(seed), random.Random(seed))  # noqa: S311  # no secret
        return self._pipeline


def _flips() -> Any:
    return _albumentations().Compose([_albumentations().D4(p=1.0)])


def _recipe() -> Any:
    """The reference recipe; its random crop to the patch size changes nothing here."""
    a = _albumentations()
    outside = {"border_mode": 0, "fill": 0.0, "fill_mask": NO_DATA}
    return a.Compose(
        [
            a.HorizontalFlip(p=0.5),
            a.VerticalFlip(p=0.5),
            a.Rotate(limit=30, interpolation=0, p=0.5, **outside),
            a.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=0.5),
            a.OneOf(
                [
                    _clahe_by_band()(clip_limit=(2.0, 2.0), p=1.0),
                    a.GridDistortion(p=1.0, **outside),
                    a.OpticalDistortion(p=1.0, **outside),
                ],
                p=0.5,
            ),
        ]
    )


def _albumentations() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the internet for a newer version
    import albumentations
    import cv2

    cv2.setNumThreads(1)  # patches are small, and made by several threads already
    return albumentations


def _clahe_by_band() -> type[Any]:
    """CLAHE for any number of bands: albumentations' own takes one or three."""
    base: type[Any] = _albumentations().CLAHE

    class ClaheByBand(base):
        def apply(self, img: FloatArray, clip_limit: float, **params: Any) -> FloatArray:
            one = super().apply
            bands = [one(img[..., [b]], clip_limit, **params).reshape(img.shape[:2]) for b in range(img.shape[-1])]
            return np.stack(bands, axis=-1)

    return ClaheByBand
