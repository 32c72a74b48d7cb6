"""Digital numbers to the numbers that a network works with: the first layer of every model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import keras

from watermap.bands import REFLECTANCE_SCALE
from watermap.errors import UsageError

SCALING_LAYER: Final = "scaling"
"""Name of the layer inside a model."""

IMAGENET_MEAN: Final = {"B2": 103.53, "B3": 116.28, "B4": 123.675}
IMAGENET_STD: Final = {"B2": 57.375, "B3": 57.12, "B4": 58.395}
"""Mean and standard deviation of ImageNet's blue, green and red in [0, 255].

Source: the ImageNet training set's (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225) for red, green, blue, times 255.
"""

Preprocessing = Literal["caffe", "tf"]
"""What a network of `keras.applications` was trained on: colours in [0, 255] less their mean, or in [-1, 1]."""

_HALF_RANGE: Final = 127.5

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

    @property
    def bands(self) -> int:
        """How many."""
        return len(self.mean)

    @classmethod
    def reflectance(cls, bands: int) -> Self:
        """The scaling of Sentinel-2 DN to reflectance, the same for every band."""
        return cls((0.0,) * bands, (1 / REFLECTANCE_SCALE,) * bands)

    def to_layer(
        self, gains: Sequence[float] | None = None, offsets: Sequence[float] | None = None
    ) -> keras.layers.Layer:
        """The Keras layer that does it; its statistics are settings, not weights.

        Args:
            gains: the standard deviation that each band has afterwards; 1 if absent.
            offsets: the mean that each band has afterwards; 0 if absent.
        """
        nothing = (0.0,) * len(self.mean)
        bands = zip(self.mean, self.std, gains or (1.0,) * len(self.mean), strict=True)
        spreads = [(std if std > _FLAT * abs(mean) else 1 / REFLECTANCE_SCALE) / gain for mean, std, gain in bands]
        shifted = zip(self.mean, spreads, offsets or nothing, strict=True)
        return keras.layers.Normalization(
            axis=-1,
            mean=[mean - offset * spread for mean, spread, offset in shifted],
            variance=[spread**2 for spread in spreads],
            dtype="float32",
            name=SCALING_LAYER,
        )


def imagenet_gains(bands: Sequence[str], preprocessing: Preprocessing = "caffe") -> tuple[float, ...]:
    """The standard deviation at which ImageNet's weights expect each band; the mean of the three for others.

    Args:
        bands: canonical names, in channel order.
        preprocessing: of the network.
    """
    unit = 1.0 if preprocessing == "caffe" else _HALF_RANGE
    return tuple(each / unit for each in _or_their_mean(IMAGENET_STD, bands))


def imagenet_offsets(bands: Sequence[str], preprocessing: Preprocessing = "caffe") -> tuple[float, ...]:
    """The mean at which ImageNet's weights expect each band; the mean of the three for others.

    Args:
        bands: canonical names, in channel order.
        preprocessing: of the network.
    """
    if preprocessing == "caffe":
        return (0.0,) * len(bands)
    return tuple(each / _HALF_RANGE - 1 for each in _or_their_mean(IMAGENET_MEAN, bands))


def _or_their_mean(values: Mapping[str, float], bands: Sequence[str]) -> list[float]:
    other = sum(values.values()) / len(values)
    return [values.get(band, other) for band in bands]
