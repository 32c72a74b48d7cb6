"""How rasters are laid out in files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from watermap.bands import IMAGE_NO_DATA
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS, Rgba


@dataclass(frozen=True)
class RasterLayout:
    """What a raster's file looks like.

    Attributes:
        dtype: numpy name of the pixel type.
        bands: description of each band, in order.
        no_data: the no-data value, or None.
        overviews: how overviews are made: nearest for classes, average for measurements.
        colors: colour table (RGBA) by code, for one uint8 band.
        classes: name of each code, for legends.
        value_range: the least and the largest value, where they mean none and all.
        ramp: values in rising order, each with its colour; between them colours are mixed. None: blues over the range.
    """

    dtype: str
    bands: tuple[str, ...]
    no_data: float | None
    overviews: Literal["nearest", "average"]
    colors: Mapping[int, Rgba] | None = field(default=None, hash=False)
    classes: Mapping[int, str] = field(default_factory=dict, hash=False)
    value_range: tuple[float, float] | None = None
    ramp: tuple[tuple[float, Rgba], ...] | None = None


LABEL_LAYOUT: Final = RasterLayout(
    "uint8", ("water",), NO_DATA, "nearest", WATER_COLORS, classes={LAND: "land", WATER: "water"}
)


def image_layout(bands: tuple[str, ...]) -> RasterLayout:
    """The layout of an image of Sentinel-2 digital numbers: uint16, no data 65535."""
    return RasterLayout("uint16", bands, IMAGE_NO_DATA, "average")
