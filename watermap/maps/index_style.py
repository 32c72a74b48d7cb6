"""How an index raster is laid out and coloured: colours part where water begins."""

from __future__ import annotations

from typing import Final

from watermap.io.layouts import RasterLayout
from watermap.legend import Rgba
from watermap.scenes.indices import WaterIndex

_BROWNS: Final[tuple[Rgba, ...]] = ((246, 232, 195, 255), (223, 194, 125, 255), (191, 129, 45, 255))
"""To the driest, not so dark that land would be what is seen first. Source: ColorBrewer, BrBG."""
_BLUES: Final[tuple[Rgba, ...]] = ((209, 229, 240, 255), (146, 197, 222, 255), (67, 147, 195, 255), (33, 102, 172, 255))
"""To the wettest. Source: ColorBrewer, RdBu."""
_GREENS: Final[tuple[Rgba, ...]] = ((217, 240, 211, 255), (166, 219, 160, 255), (90, 174, 97, 255), (27, 120, 55, 255))
"""To the densest leaves. Source: ColorBrewer, PRGn."""
_MIDDLE: Final[Rgba] = (247, 247, 247, 255)
_SHOWN: Final = 0.8
"""Share of an index's range that the colours cover on each side; beyond it little lies."""
_SHOWN_SUMS: Final = (-1.2, 0.4)
"""What they cover of a sum of bands, whose water lies just above 0."""
_FIRST_STEP: Final = 0.06
"""How soon on either side of the threshold a colour is one of land or of water, as a share of that side."""
_NARROWEST: Final = 0.2
"""Of either side's colours, where a threshold lies near their end."""


def index_layout(index: WaterIndex, threshold: float = 0.0) -> RasterLayout:
    """The layout of an index raster: float32, NaN where there is no data, two ramps of colours.

    The ends of the ramps are the same for all scenes, so that maps can be compared; only where they meet is the
    threshold's.

    Args:
        index: which one.
        threshold: where the colours of land and of water meet.
    """
    low, high = index.value_range
    low, high = (_SHOWN * low, _SHOWN * high) if (low, high) == (-1, 1) else _SHOWN_SUMS
    low, high = min(low, threshold - _NARROWEST), max(high, threshold + _NARROWEST)
    below, above = (_BLUES, _GREENS) if index.water_is_low else (_BROWNS, _BLUES)
    ramp = [*_side(threshold, low, below)[::-1], (threshold, _MIDDLE), *_side(threshold, high, above)]
    band = f"{index.title} = {index.formula}"
    return RasterLayout("float32", (band,), float("nan"), "average", value_range=index.value_range, ramp=tuple(ramp))


def _side(threshold: float, end: float, colors: tuple[Rgba, ...]) -> list[tuple[float, Rgba]]:
    """The colours of one side of a threshold, from there to its end."""
    steps = [_FIRST_STEP, *((number + 1) / (len(colors) - 1) for number in range(len(colors) - 1))]
    return [(threshold + (end - threshold) * step, color) for step, color in zip(steps, colors, strict=True)]
