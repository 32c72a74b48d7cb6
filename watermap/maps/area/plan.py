"""How many samples: what margin of the water area they may be expected to leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from watermap.config.area import WATER_THOUGHT
from watermap.errors import UsageError
from watermap.maps.area.intervals import Z, finite_correction
from watermap.maps.area.olofsson import Figure, samples_wanted
from watermap.maps.area.sample import allotted

_MOST: Final = 100_000
"""More than anybody interprets."""


def expected_water(
    areas: Sequence[float],
    sizes: Sequence[int],
    pixels: Sequence[int],
    water_shares: Sequence[float] = WATER_THOUGHT,
) -> Figure:
    """The area of water that samples may be expected to find, and how surely, where the map is as good as thought.

    Args:
        areas: (strata,) of each, in any unit.
        sizes: (strata,) samples of each.
        pixels: (strata,) of each; where all are samples, nothing is left to chance.
        water_shares: (strata,) the share of each that is thought to be water.

    Source: the variance of Olofsson et al. 2014, eq. 11, as it is expected of these shares and so many pixels.
    """
    area, share, size = np.array(areas), np.array(water_shares), np.maximum(sizes, 1)
    variance = float((area**2 * share * (1 - share) / size * finite_correction(size, pixels)).sum())
    return Figure(float(area @ share), variance**0.5)


def samples_for(
    margin: float,
    areas: Sequence[float],
    pixels: Sequence[int],
    least: int,
    water_shares: Sequence[float] = WATER_THOUGHT,
) -> int:
    """The fewest samples that may be expected to leave a margin, as they are allotted to strata.

    Args:
        margin: half of the 95 % interval of the area of water, in the unit of the areas.
        areas: (strata,) of each.
        pixels: (strata,) of each.
        least: samples of each stratum at least.
        water_shares: (strata,) the share of each that is thought to be water.

    Raises:
        UsageError: more would be needed than anybody interprets.
    """
    most = min(_MOST, sum(pixels))

    def is_enough(total: int) -> bool:
        sizes = allotted(total, areas, pixels, least, water_shares)
        return expected_water(areas, sizes, pixels, water_shares).margin <= margin

    fewest = samples_wanted(areas, water_shares, margin / Z / sum(areas), pixels)
    low = high = min(most, max(fewest, sum(min(least, count) for count in pixels)))
    while not is_enough(high):  # the least of some strata is taken from others, which need it more
        if high == most:
            raise UsageError(
                f"an interval as narrow as this takes more than {_MOST:,} samples",
                hint="allow a larger --error, map less of the dry land around the water, or state better "
                "--water-shares, which a first sample tells",
            )
        low, high = high + 1, min(most, high * 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return high
