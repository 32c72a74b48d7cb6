"""Areas as people read them: in km2, with the digits that tell something."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

_M2_A_KM2: Final = 1e6
PICTURE_DIGITS: Final = 3
"""Significant digits of areas in pictures, which have little room."""
_MOST_DECIMALS: Final = 6
"""Of an area that has digits before that: a square metre."""
_FIRST_DIGITS: Final = 2
"""How many digits an area shows at least, however much larger those beside it are."""


def km2(area_m2: float, *, digits: int = 4, like_m2: float | None = None, signed: bool = False) -> str:
    """An area, or a difference of areas, in km2, without the unit.

    Only no area at all is written as 0: a pond has as many decimals as its first digit needs.

    Args:
        area_m2: in m2.
        digits: significant ones to show, within whole km2 and m2; km2 are never rounded to tens.
        like_m2: the area whose decimals it is to have, that both stand side by side: one at least, and never so few
            that it shows less than two digits of its own.
        signed: write a + before what is not negative.

    Returns:
        e.g. 1,235 or 12.34 or 0.01234, and 0 for 0.
    """
    decimals = _decimals(area_m2, digits)
    if like_m2:
        decimals = max(1, _decimals(like_m2, digits), _decimals(area_m2, _FIRST_DIGITS))
    return f"{area_m2 / _M2_A_KM2:{'+' if signed else ''},.{decimals}f}"


def km2_column(areas_m2: Iterable[float]) -> list[str]:
    """Areas in km2 with the same decimals, as many as the smallest needs, to stand one below the other."""
    areas = list(areas_m2)
    least = min((area for area in areas if area > 0), default=None)
    return [km2(area, like_m2=least) for area in areas]


def _decimals(area_m2: float, digits: int) -> int:
    """How many digits after the point show so many that count."""
    if not area_m2:
        return 0
    first = math.floor(math.log10(abs(area_m2) / _M2_A_KM2))
    return max(0, min(digits - 1 - first, max(_MOST_DECIMALS, -first)))
