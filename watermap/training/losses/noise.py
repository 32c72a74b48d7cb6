"""Losses for labels that are known to be wrong here and there: bootstrapped, and corrected for known rates of error.

They are averages over the valid pixels of a whole batch, as those of `watermap.training.losses.entropy`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from watermap.training.losses.base import PixelLoss
from watermap.training.losses.entropy import likely
from watermap.training.losses.labels import Tensor, truth_by_class, valid_pixels


def bootstrapped_cross_entropy(y_true: Tensor, y_pred: Tensor, *, beta: float = 0.95) -> Tensor:
    """Cross-entropy with a truth that is the label for one part, and what the model itself says for the other.

    Where label and image contradict each other, a model that has learnt what water looks like pays less for saying
    so. The gradient goes through its own part of the truth too, which makes it surer of itself.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        beta: the label's part, up to 1, which is plain cross-entropy.

    Returns:
        A scalar in nats; 0 if no pixel is valid.

    Source: Reed et al. 2014, eq. 6 (soft bootstrapping, for which they take 0.95).
    """
    found = ops.cast(y_pred, "float32")
    valid = valid_pixels(y_true)
    truth = beta * truth_by_class(y_true) + (1.0 - beta) * found * ops.expand_dims(valid, -1)
    nats = -ops.log(likely(y_pred))
    return ops.sum(truth * nats) / ops.maximum(ops.sum(valid), 1.0)


def forward_cross_entropy(y_true: Tensor, y_pred: Tensor, *, missed: float = 0.1, invented: float = 0.02) -> Tensor:
    """Cross-entropy of what the label would say of the map's truth, given how often it errs.

    With the right rates, the map that costs least is that of the truth, not that of the label; the two may differ
    much, as they do for labels of permanent water, which miss a good part of what is water and invent hardly any.
    The rates are those of every pixel alike: errors that gather beside shores are only met on average.

    Args:
        y_true: (batch, rows, cols) codes, or numbers between 0 land and 1 water; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1], of what is truly there.
        missed: share of the water that the label calls land.
        invented: share of the land that it calls water.

    Returns:
        A scalar in nats; 0 if no pixel is valid.

    Source: Patrini et al. 2017, theorem 2.
    """
    land, water = ops.split(ops.cast(y_pred, "float32"), 2, axis=-1)
    mixed = ops.concatenate(
        [(1.0 - invented) * land + missed * water, invented * land + (1.0 - missed) * water], axis=-1
    )
    nats = -ops.log(likely(mixed))
    return ops.sum(truth_by_class(y_true) * nats) / ops.maximum(ops.sum(valid_pixels(y_true)), 1.0)


@keras.saving.register_keras_serializable(package="watermap")
class Bootstrap(PixelLoss):
    """`bootstrapped_cross_entropy` as a Keras loss.

    Args:
        beta: the label's part of the truth.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(bootstrapped_cross_entropy)

    def __init__(self, beta: float = 0.95, name: str = "bootstrap", **options: Any) -> None:
        super().__init__({"beta": beta}, name, **options)


@keras.saving.register_keras_serializable(package="watermap")
class Forward(PixelLoss):
    """`forward_cross_entropy` as a Keras loss.

    Args:
        missed: share of the water that the label calls land.
        invented: share of the land that it calls water.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(forward_cross_entropy)

    def __init__(self, missed: float = 0.1, invented: float = 0.02, name: str = "forward", **options: Any) -> None:
        super().__init__({"missed": missed, "invented": invented}, name, **options)
