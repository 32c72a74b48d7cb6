"""Spectral indices that tell water from land: the maps that need no training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watermap.arrays import Mask

Floats = npt.NDArray[np.floating[Any]]

_LEAST_REFLECTANCE: Final = 1e-4
"""Noise can make reflectance zero or negative, where a ratio means nothing."""


@dataclass(frozen=True)
class WaterIndex(ABC):
    """A number of some bands' reflectance that is higher over water than over land, or lower.

    Attributes:
        name: its short name, as commands and files bear it.
        title: what people call it.
        bands: whose reflectance it takes, in order.
        source: who proposed it.
        water_is_low: whether water lies below a threshold, not above.
    """

    name: str
    title: str
    bands: tuple[str, ...]
    source: str
    water_is_low: bool = False

    @property
    @abstractmethod
    def formula(self) -> str:
        """How it is computed, in the names of its bands."""

    @property
    @abstractmethod
    def value_range(self) -> tuple[float, float]:
        """Between which values it lies; of a sum of bands, between which almost all do."""

    @abstractmethod
    def __call__(self, *reflectance: Floats) -> Floats:
        """The index.

        Args:
            reflectance: of each band in the order of `bands`, all of one shape.
        """

    def is_water(self, values: Floats, threshold: float) -> Mask:
        """Which values mean water: those above a threshold, or below where water is low. None of NaN does."""
        found: Mask = values < threshold if self.water_is_low else values > threshold
        return found


@dataclass(frozen=True)
class NormalisedDifference(WaterIndex):
    """The difference of two bands, first less second, over their sum."""

    @property
    def formula(self) -> str:
        """As `(B3 - B8) / (B3 + B8)`."""
        first, second = self.bands
        return f"({first} - {second}) / ({first} + {second})"

    @property
    def value_range(self) -> tuple[float, float]:
        """From -1 to 1."""
        return -1.0, 1.0

    def __call__(self, *reflectance: Floats) -> Floats:
        """The index, in [-1, 1].

        Args:
            reflectance: of both bands, of one shape; below 0.0001 it is taken for that.
        """
        first, second = (np.maximum(band, _LEAST_REFLECTANCE) for band in reflectance)
        index: Floats = (first - second) / (first + second)
        return index


@dataclass(frozen=True)
class LinearIndex(WaterIndex):
    """A sum of bands, each with its weight.

    Attributes:
        weights: of each band.
    """

    weights: tuple[float, ...] = ()

    @property
    def formula(self) -> str:
        """As `4 B3 - 0.25 B8 - 4 B11 - 2.75 B12`."""
        parts = [
            f"{'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight):g} '}{band}"
            for weight, band in zip(self.weights, self.bands, strict=True)
        ]
        return " ".join(parts).removeprefix("+ ")

    @property
    def value_range(self) -> tuple[float, float]:
        """From -4 to 4, which holds sunlit snow, sand and clouds."""
        return -4.0, 4.0

    def __call__(self, *reflectance: Floats) -> Floats:
        """The index; it grows with the brightness of the scene.

        Args:
            reflectance: of each band, all of one shape.
        """
        index: Floats = np.zeros_like(reflectance[0])
        for weight, band in zip(self.weights, reflectance, strict=True):
            index += weight * band
        return index


NDWI: Final = NormalisedDifference("ndwi", "NDWI", ("B3", "B8"), "McFeeters 1996")
MNDWI: Final = NormalisedDifference("mndwi", "MNDWI", ("B3", "B11"), "Xu 2006")
AWEI_SH: Final = LinearIndex(
    "awei_sh",
    "AWEIsh",
    ("B2", "B3", "B8", "B11", "B12"),
    "Feyisa et al. 2014",
    weights=(1.0, 2.5, -1.5, -1.5, -0.25),
)
AWEI_NSH: Final = LinearIndex(
    "awei_nsh",
    "AWEInsh",
    ("B3", "B8", "B11", "B12"),
    "Feyisa et al. 2014",
    weights=(4.0, -0.25, -4.0, -2.75),
)
NDVI: Final = NormalisedDifference("ndvi", "NDVI", ("B8", "B4"), "Rouse et al. 1974", water_is_low=True)

INDICES: Final[Mapping[str, WaterIndex]] = {index.name: index for index in (NDWI, MNDWI, AWEI_SH, AWEI_NSH, NDVI)}
"""All of them by name."""
WATER_INDICES: Final = (NDWI, MNDWI)
"""Those that maps are compared with."""
