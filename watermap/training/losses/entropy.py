"""Losses that look at each pixel alone: cross-entropy, weighted by class or not, and focal.

They are averages over the valid pixels of a whole batch: a patch weighs as much as it has valid pixels, one without
any weighs nothing, and a batch without any costs 0.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import ops

from watermap.training.losses.base import PixelLoss
from watermap.training.losses.labels import Tensor, truth_by_class, valid_pixels

_LEAST_PROBABILITY: Final = 1e-30
"""Below it a logarithm is cut off, and with it the gradient: what is that wrong and that sure learns nothing."""
_LEAST_LACK: Final = 1e-7
"""Of a probability to 1, as float32 resolves it: a power's gradient at 0 is not finite."""


def cross_entropy_sum(
    y_true: Tensor, y_pred: Tensor, *, weights: Tensor = (1.0, 1.0), gamma: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The cross-entropy of all valid pixels, and how many there are.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        weights: (2,) factors of land and water.
        gamma: exponent of what a probability lacks of 1, times which a pixel counts.

    Returns:
        Two scalars: the sum in nats, and the number of pixels.
    """
    chances = likely(y_pred)
    nats = -ops.log(chances) * ops.cast(ops.convert_to_tensor(weights), "float32")
    if gamma:
        nats = nats * ops.power(ops.clip(1.0 - chances, _LEAST_LACK, 1.0), gamma)
    return ops.sum(truth_by_class(y_true) * nats), ops.sum(valid_pixels(y_true))


def likely(y_pred: Tensor) -> Tensor:
    """Probabilities in float32, as every model gives them, that a logarithm can be taken of."""
    return ops.clip(ops.cast(y_pred, "float32"), _LEAST_PROBABILITY, 1.0)


def cross_entropy(y_true: Tensor, y_pred: Tensor, *, weights: Tensor = (1.0, 1.0), gamma: float = 0.0) -> Tensor:
    """Cross-entropy, averaged over the valid pixels of the whole batch.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        weights: (2,) factors of land and water; a weighted pixel still counts as one in the average.
        gamma: of the focal loss.

    Returns:
        A scalar in nats: a patch weighs as much as it has valid pixels; 0 if there are none.

    Source: with gamma, Lin et al. 2017, eq. 5.
    """
    nats, count = cross_entropy_sum(y_true, y_pred, weights=weights, gamma=gamma)
    return nats / ops.maximum(count, 1.0)


def balancing_weights(y_true: Tensor) -> Tensor:
    """Factors (2,) with which land and water weigh the same in a batch: (n - n of the class) / n.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.

    Source: FACTS R4.
    """
    by_class = ops.sum(truth_by_class(y_true), axis=(0, 1, 2))
    count = ops.sum(by_class)
    return (count - by_class) / ops.maximum(count, 1.0)


def _weighted(y_true: Tensor, y_pred: Tensor, *, land: float, water: float, gamma: float = 0.0) -> Tensor:
    return cross_entropy(y_true, y_pred, weights=(land, water), gamma=gamma)


def _balanced(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return cross_entropy(y_true, y_pred, weights=balancing_weights(y_true))


@keras.saving.register_keras_serializable(package="watermap")
class CrossEntropy(PixelLoss):
    """`cross_entropy` as a Keras loss.

    Args:
        land: factor of land pixels.
        water: factor of water pixels.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(_weighted)

    def __init__(self, land: float = 1.0, water: float = 1.0, name: str = "cross_entropy", **options: Any) -> None:
        super().__init__({"land": land, "water": water}, name, **options)


@keras.saving.register_keras_serializable(package="watermap")
class BalancedCrossEntropy(PixelLoss):
    """`cross_entropy` in which land and water weigh the same, however little there is of one in the batch.

    A batch of one class alone costs nothing and teaches nothing: give it Dice or another loss for company where
    there may be such.

    Args:
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(_balanced)

    def __init__(self, name: str = "balanced_cross_entropy", **options: Any) -> None:
        super().__init__({}, name, **options)


@keras.saving.register_keras_serializable(package="watermap")
class Focal(PixelLoss):
    """Cross-entropy in which pixels count the less, the surer the model is of what they are.

    Args:
        gamma: how much less; without it this is cross-entropy.
        land: factor of land pixels.
        water: factor of water pixels.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.

    Source: Lin et al. 2017, eq. 5, with land and water for 1 - alpha and alpha.
    """

    function = staticmethod(_weighted)

    def __init__(
        self, gamma: float = 2.0, land: float = 1.0, water: float = 1.0, name: str = "focal", **options: Any
    ) -> None:
        super().__init__({"gamma": gamma, "land": land, "water": water}, name, **options)
