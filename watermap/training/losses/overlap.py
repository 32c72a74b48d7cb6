"""Losses of how a patch's map and truth overlap: Dice and Tversky.

They are reckoned patch by patch and averaged over the batch's patches, each with the same weight; a patch without a
valid pixel costs 0. They are written out because Keras's own are wrong here: its Dice with zero weights still counts
ignored pixels, and scores an empty dry patch as a complete miss.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import ops

from watermap.training.losses.base import PixelLoss
from watermap.training.losses.labels import Tensor, truth_by_class, valid_pixels

_LEAST_LOSS: Final = 1e-7
"""Up to it a patch counts as mapped without a fault: float32 resolves no less, and a root's gradient at 0 is none."""


def tversky_distance(y_true: Tensor, y_pred: Tensor, *, missed: float, false_alarm: float, smooth: float) -> Tensor:
    """One less the Tversky index of each class, over valid pixels.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        missed: how much pixels of the class weigh that are mapped as the other.
        false_alarm: how much pixels of the other class weigh that are mapped as this.
        smooth: pixels added to twice the overlap, so that a class that neither truth nor map holds costs 0.

    Returns:
        (batch, 2) in [0, 1], land and water.

    Source: Salehi et al. 2017, eq. 2, with squares of what is too little and too much. They make it the Dice of
    Milletari et al. 2016, eq. 3, where both weigh 0.5, and they matter on dry patches: with plain sums a P(water) of
    0.001 all over one would score as if half of the map were wrong.
    """
    valid = ops.expand_dims(valid_pixels(y_true), -1)
    truth, found = truth_by_class(y_true), ops.cast(y_pred, "float32") * valid
    both = 2.0 * ops.sum(truth * found, axis=(1, 2))
    too_little = ops.sum(ops.square(ops.relu(truth - found)), axis=(1, 2))
    too_much = ops.sum(ops.square(ops.relu(found - truth)), axis=(1, 2))
    wrong = 2.0 * (missed * too_little + false_alarm * too_much)
    return wrong / (both + wrong + smooth)


def dice(y_true: Tensor, y_pred: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Soft Dice loss over valid pixels, averaged over land and water.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        smooth: pixels added to numerator and denominator, so that a dry patch mapped dry scores 0.

    Returns:
        (batch,) loss in [0, 1]; 0 for a patch without a valid pixel.

    Source: Milletari et al. 2016, eq. 3; masked as in FACTS.md.
    """
    return ops.mean(tversky_distance(y_true, y_pred, missed=0.5, false_alarm=0.5, smooth=smooth), axis=-1)


def tversky(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    missed: float = 0.7,
    false_alarm: float = 0.3,
    exponent: float = 1.0,
    smooth: float = 1.0,
) -> Tensor:
    """Tversky loss of water over valid pixels: what is missed may cost more than what is found too much.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        missed: weight of water mapped as land.
        false_alarm: weight of land mapped as water.
        exponent: of the loss; with 0.75, the focal Tversky loss, patches that are nearly right still count.
        smooth: pixels added to numerator and denominator, so that a dry patch mapped dry scores 0.

    Returns:
        (batch,) loss in [0, 1]; 0 for a patch without a valid pixel.

    Source: Salehi et al. 2017, eq. 2; the exponent: Abraham and Khan 2019, eq. 4.
    """
    of_water = tversky_distance(y_true, y_pred, missed=missed, false_alarm=false_alarm, smooth=smooth)[:, 1]
    if exponent == 1.0:
        return of_water
    return ops.where(of_water > _LEAST_LOSS, ops.power(ops.maximum(of_water, _LEAST_LOSS), exponent), 0.0)


@keras.saving.register_keras_serializable(package="watermap")
class Dice(PixelLoss):
    """`dice` as a Keras loss, averaged over the patches of a batch.

    Args:
        smooth: pixels added to numerator and denominator.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(dice)

    def __init__(self, smooth: float = 1.0, name: str = "dice", **options: Any) -> None:
        super().__init__({"smooth": smooth}, name, **options)


@keras.saving.register_keras_serializable(package="watermap")
class Tversky(PixelLoss):
    """`tversky` as a Keras loss, averaged over the patches of a batch.

    Args:
        missed: weight of water mapped as land.
        false_alarm: weight of land mapped as water.
        exponent: of each patch's loss; below 1 the focal Tversky loss.
        smooth: pixels added to numerator and denominator.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(tversky)

    def __init__(
        self,
        missed: float = 0.7,
        false_alarm: float = 0.3,
        exponent: float = 1.0,
        smooth: float = 1.0,
        name: str = "tversky",
        **options: Any,
    ) -> None:
        settings = {"missed": missed, "false_alarm": false_alarm, "exponent": exponent, "smooth": smooth}
        super().__init__(settings, name, **options)
