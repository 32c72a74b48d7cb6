"""How good a map is: counts of agreeing pixels, and the scores that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from watermap.errors import DataError
from watermap.legend import LAND, NO_DATA, WATER

Counts = npt.NDArray[np.int64]
"""(2, 2) pixels: rows are the truth, columns the map, each land then water."""


@dataclass(frozen=True)
class Scores:
    """Scores of a map; a score that nothing speaks for or against is None, never NaN.

    Attributes:
        accuracy: share of pixels that agree; None without pixels.
        mean_iou: intersection over union, averaged over the classes that occur; None without pixels.
        water_iou: intersection over union of water; None if neither truth nor map holds water.
        land_iou: the same of land.
        dice: 2 intersection / (truth + map), averaged over the classes that occur; None without pixels.
        pixels: how many were compared.

    A class occurs if the truth or the map holds it.
    """

    accuracy: float | None
    mean_iou: float | None
    water_iou: float | None
    land_iou: float | None
    dice: float | None
    pixels: int


def scores_from_counts(counts: npt.ArrayLike) -> Scores:
    """The scores of a confusion matrix.

    Args:
        counts: (2, 2) pixels, [truth, map].
    """
    matrix = np.asarray(counts, dtype=np.int64)
    pixels = int(matrix.sum())
    if not pixels:
        return Scores(accuracy=None, mean_iou=None, water_iou=None, land_iou=None, dice=None, pixels=0)
    both = matrix.diagonal()
    either = matrix.sum(axis=0) + matrix.sum(axis=1) - both
    occurs = either > 0
    iou = both / np.maximum(either, 1)
    dice = 2 * both[occurs] / (either + both)[occurs]
    return Scores(
        accuracy=float(both.sum() / pixels),
        mean_iou=float(iou[occurs].mean()),
        water_iou=float(iou[WATER]) if occurs[WATER] else None,
        land_iou=float(iou[LAND]) if occurs[LAND] else None,
        dice=float(dice.mean()),
        pixels=pixels,
    )


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class; None where nothing speaks for or against.

    Attributes:
        precision: of what is mapped as the class, the share that is it (user's accuracy).
        recall: of the class, the share that is mapped as it (producer's accuracy).
        f1: their harmonic mean.
        pixels: of the class.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    pixels: int


def class_scores(counts: npt.ArrayLike, code: int) -> ClassScores:
    """The scores of one class.

    Args:
        counts: (2, 2) pixels, [truth, map].
        code: of the class.
    """
    matrix = np.asarray(counts, dtype=np.int64)
    right, true, mapped = int(matrix[code, code]), int(matrix[code].sum()), int(matrix[:, code].sum())
    return ClassScores(
        precision=right / mapped if mapped else None,
        recall=right / true if true else None,
        f1=2 * right / (true + mapped) if true + mapped else None,
        pixels=true,
    )


@dataclass(eq=False)
class Confusion:
    """Agreement of maps with labels, gathered raster by raster.

    Attributes:
        counts: (2, 2) pixels, [truth, map].
    """

    counts: Counts = field(default_factory=lambda: np.zeros((2, 2), dtype=np.int64))

    def add(self, label: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> None:
        """Count the pixels of one more map; those that are 255 in either are left out.

        Args:
            label: codes 0 land, 1 water, 255 no data; any shape.
            predicted: the same, of the same shape.

        Raises:
            DataError: other codes, or two shapes.
        """
        if label.shape != predicted.shape:
            raise DataError(
                f"a label of {label.shape} pixels and a map of {predicted.shape} cannot be compared",
                hint="put both on one grid",
            )
        valid = (label != NO_DATA) & (predicted != NO_DATA)
        truth, mapped = _is_water(label, "label"), _is_water(predicted, "map")
        both = np.count_nonzero(valid & truth & mapped)
        missed = np.count_nonzero(valid & truth) - both
        invented = np.count_nonzero(valid & mapped) - both
        land = np.count_nonzero(valid) - both - missed - invented
        self.counts += np.array([[land, invented], [missed, both]], dtype=np.int64)

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.counts + other.counts)

    def scores(self) -> Scores:
        """The scores of all pixels so far."""
        return scores_from_counts(self.counts)


def _is_water(codes: npt.NDArray[Any], name: str) -> npt.NDArray[np.bool_]:
    water: npt.NDArray[np.bool_] = codes == WATER
    strange = ~water & (codes != LAND) & (codes != NO_DATA)
    if strange.any():
        raise DataError(
            f"a {name} holds the code {codes[strange].flat[0]}",
            hint=f"codes are {LAND} land, {WATER} water, {NO_DATA} no data",
        )
    return water
