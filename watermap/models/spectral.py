"""Digital numbers to logarithms and normalised differences of reflectance, of the bands that are there.

The first layer of models that take scenes of several sensors, with or without some of their bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import KerasTensor, ops

from watermap.bands import Radiometry
from watermap.models.scaling import SCALING_LAYER

MISSING_REFLECTANCE: Final = -1.0
"""What stands for a band that is not there: no ground has it."""

_PRESENT_FROM: Final = -0.5
_DARKEST: Final = 1e-4
"""Noise can make reflectance zero or negative, where a ratio means nothing."""
_HAZE: Final = 0.01
"""Added before the logarithm, so that noise in the dark counts no more than it does in the bright."""
_CENTRE: Final = 2.5
"""Minus the logarithm of a reflectance of about 0.08, which is half-way between water and land."""

_DIFFERENCES: Final = (("B3", "B8"), ("B3", "B11"), ("B4", "B8"), ("B8", "B11"))
"""Bands of the normalised differences: McFeeters' and Xu's water indices, vegetation's turned round, and moisture's."""


@keras.saving.register_keras_serializable(package="watermap")
class SpectralFeatures(keras.layers.Layer):
    """(batch, rows, cols, bands) in DN to (batch, rows, cols, features), in float32 whatever else computes in.

    The features are log(reflectance + 0.01) + 2.5 of each band, normalised differences of the pairs that the bands
    hold, and for each band 1 where it is there, else 0. Where a band is missing, so are its logarithm and its
    differences: they are 0.

    Args:
        bands: canonical names, in the order of the channels.
        scale, offset: reflectance = (DN + offset) * scale.
        options: of `keras.layers.Layer`.
    """

    def __init__(self, bands: Sequence[str], scale: float, offset: float, **options: Any) -> None:
        super().__init__(**({"dtype": "float32"} | options))
        self.bands = tuple(bands)
        self.scale, self.offset = scale, offset
        self._pairs = [
            (self.bands.index(bright), self.bands.index(dark))
            for bright, dark in _DIFFERENCES
            if {bright, dark} <= set(self.bands)
        ]

    def call(self, image: KerasTensor) -> KerasTensor:
        """The features of an image."""
        reflectance = (image + self.offset) * self.scale
        present = ops.cast(reflectance > _PRESENT_FROM, "float32")
        lit = ops.maximum(reflectance, _DARKEST)
        logarithms = (ops.log(lit + _HAZE) + _CENTRE) * present
        differences = [
            (lit[..., one : one + 1] - lit[..., other : other + 1])
            / (lit[..., one : one + 1] + lit[..., other : other + 1])
            * present[..., one : one + 1]
            * present[..., other : other + 1]
            for one, other in self._pairs
        ]
        return ops.concatenate([logarithms, *differences, present], axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Of the features of an image of some shape."""
        return (*input_shape[:-1], 2 * len(self.bands) + len(self._pairs))

    def get_config(self) -> dict[str, Any]:
        """What makes it again."""
        config: dict[str, Any] = super().get_config()
        return config | {"bands": self.bands, "scale": self.scale, "offset": self.offset}


@dataclass(frozen=True)
class Spectral:
    """What a model's numbers mean, and which bands they are of.

    Attributes:
        names: canonical names of the bands, in the order of the channels.
        radiometry: reflectance of a digital number.
    """

    names: tuple[str, ...]
    radiometry: Radiometry

    @property
    def bands(self) -> int:
        """How many."""
        return len(self.names)

    @property
    def missing(self) -> float:
        """The digital number that stands for a band that is not there."""
        return MISSING_REFLECTANCE / self.radiometry.scale - self.radiometry.offset

    def to_layer(self) -> keras.layers.Layer:
        """The Keras layer that makes features of them."""
        return SpectralFeatures(self.names, self.radiometry.scale, self.radiometry.offset, name=SCALING_LAYER)
