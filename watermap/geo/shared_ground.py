"""Whether outlines share ground: the rule by which splits, held-out scenes and training ground are kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from watermap.arrays import Shapes
from watermap.geo.ellipsoid import areas_m2

_ROUNDING: Final = 1e-3
"""Share of the smaller outline's area up to which common ground is rounding: edges are straight in one CRS only."""


@dataclass(frozen=True)
class SharedGround:
    """Pairs of outlines that share ground, by the place of the first and then of the second.

    Attributes:
        first: (n,) places among the first outlines.
        second: (n,) places among the second ones.
        km2: (n,) how much ground each pair shares.
    """

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    km2: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.km2)


def shared_ground(first: Sequence[Any] | Shapes, second: Sequence[Any] | Shapes) -> SharedGround:
    """Which outlines share ground with which; those whose edges touch do not, but for a sliver of rounding.

    Args:
        first: (n,) polygons in EPSG:4326, in two parts where they cross the antimeridian.
        second: (m,) of the same kind.
    """
    ones, others = np.array(first, dtype=object), np.array(second, dtype=object)
    right, left = shapely.STRtree(ones).query(others)
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    common = shapely.intersection(ones[left], others[right])
    overlap = shapely.area(common) > 0
    left, right = left[overlap], right[overlap]
    m2 = areas_m2(common[overlap])
    kept = m2 > _ROUNDING * np.minimum(_of_each(ones, left), _of_each(others, right))
    return SharedGround(left[kept], right[kept], m2[kept] / 1e6)


def _of_each(outlines: Shapes, places: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """(n,) areas in m2 of the outlines at some places, each measured once however many pairs it is in."""
    needed, where = np.unique(places, return_inverse=True)
    areas: npt.NDArray[np.float64] = areas_m2(outlines[needed])[where]
    return areas
