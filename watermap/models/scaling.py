"""Digital numbers to the numbers that a network works with: the first layer of every model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import keras

from watermap.bands import REFLECTANCE_SCALE
from watermap.errors import UsageError

SCALING_LAYER: Final = "scaling"
"""Name of the layer inside a model."""

IMAGENET_STD: Final = {"B2": 57.375, "B3": 57.12, "B4": 58.395}
"""Standard deviation of ImageNet's blue, green and red in [0, 255], whose means its weights expect at zero.

Source: the ImageNet training set's (0.229, 0.224, 0.225) for red, green, blue, times 255; `keras.applications`
trained ResNet50 with 'caffe' preprocessing, which takes the mean off and leaves the spread as it is.
"""

_FLAT: Final = 1e-6
"""Spread, relative to the mean, below which a band is constant up to rounding."""


@dataclass(frozen=True)
class Scaling:
    """Statistics by band: a model sees (DN - mean) / std.

    Attributes:
        mean: in raw digital numbers (DN).
        std: in raw digital numbers; a band that never varies is divided by 10000 instead.

    Raises:
        UsageError: unequal lengths, or numbers that are not finite or negative.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise UsageError(f"scaling has {len(self.mean)} means but {len(self.std)} standard deviations")
        if not all(map(math.isfinite, self.mean + self.std)) or any(std < 0 for std in self.std):
            raise UsageError(f"scaling by mean {self.mean} and standard deviation {self.std} is impossible")

    @classmethod
    def reflectance(cls, bands: int) -> Self:
        """The scaling of Sentinel-2 DN to reflectance, the same for every band."""
        return cls((0.0,) * bands, (1 / REFLECTANCE_SCALE,) * bands)

    def to_layer(self, gains: Sequence[float] | None = None) -> keras.layers.Layer:
        """The Keras layer that does it; its statistics are settings, not weights.

        Args:
            gains: the standard deviation that each band has afterwards; 1 if absent.
        """
        bands = zip(self.mean, self.std, gains or (1.0,) * len(self.mean), strict=True)
        spreads = [(std if std > _FLAT * abs(mean) else 1 / REFLECTANCE_SCALE) / gain for mean, std, gain in bands]
        return keras.layers.Normalization(
            axis=-1,
            mean=list(self.mean),
            variance=[spread**2 for spread in spreads],
            dtype="float32",
            name=SCALING_LAYER,
        )


def imagenet_gains(bands: Sequence[str]) -> tuple[float, ...]:
    """The standard deviation at which ImageNet's weights expect each band; the mean of the three for others.

    Args:
        bands: canonical names, in channel order.
    """
    other = sum(IMAGENET_STD.values()) / len(IMAGENET_STD)
    return tuple(IMAGENET_STD.get(band, other) for band in bands)
