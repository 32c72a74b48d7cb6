"""Losses over valid pixels: label 255 counts for nothing.

They are written out because Keras's own are wrong here: its Dice with zero weights still counts ignored pixels, and
scores an empty dry patch as a complete miss.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import keras
from keras import ops

from watermap.codes import NO_DATA, WATER
from watermap.errors import UsageError

Tensor: TypeAlias = Any
"""A tensor of whichever backend Keras runs on."""

IGNORED: Final = NO_DATA
"""The label that no loss and no metric looks at."""

_LEAST_PROBABILITY: Final = 1e-7
"""Below it a logarithm is cut off: float32 resolves no probability closer to one."""


def valid_pixels(y_true: Tensor) -> Tensor:
    """1.0 where a label is known and 0.0 where it is ignored, shaped as the label.

    Args:
        y_true: (batch, rows, cols) codes 0 land, 1 water, 255 ignored, of any dtype.
    """
    return ops.cast(ops.not_equal(ops.cast(y_true, "float32"), IGNORED), "float32")


def water_pixels(y_true: Tensor) -> Tensor:
    """1.0 where a label is water and 0.0 elsewhere, shaped as the label.

    Args:
        y_true: (batch, rows, cols) codes 0 land, 1 water, 255 ignored, of any dtype.
    """
    return ops.cast(ops.equal(ops.cast(y_true, "float32"), WATER), "float32")


def cross_entropy_sum(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """The cross-entropy of all valid pixels, and how many there are.

    Args:
        y_true: (batch, rows, cols) codes; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].

    Returns:
        Two scalars: the sum in nats, and the number of pixels.
    """
    of_truth = ops.where(ops.cast(water_pixels(y_true), "bool"), y_pred[..., 1], y_pred[..., 0])
    nats = -ops.log(ops.clip(ops.cast(of_truth, "float32"), _LEAST_PROBABILITY, 1.0))
    valid = valid_pixels(y_true)
    return ops.sum(nats * valid), ops.sum(valid)


def cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Cross-entropy, averaged over the valid pixels of the whole batch.

    Args:
        y_true: (batch, rows, cols) codes; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].

    Returns:
        A scalar in nats: a patch weighs as much as it has valid pixels; 0 if there are none.
    """
    nats, count = cross_entropy_sum(y_true, y_pred)
    return nats / ops.maximum(count, 1.0)


def dice(y_true: Tensor, y_pred: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Soft Dice loss over valid pixels, averaged over land and water.

    Args:
        y_true: (batch, rows, cols) codes; 255 is ignored.
        y_pred: (batch, rows, cols, 2) probabilities in [0, 1].
        smooth: pixels added to numerator and denominator, so that a dry patch mapped dry scores 0.

    Returns:
        (batch,) loss in [0, 1]; 0 for a patch without a valid pixel.

    Source: Milletari et al. 2016, eq. 3; masked as in FACTS.md. Its squares matter on dry patches: with plain sums
    a P(water) of 0.001 all over one would score as if half of the map were wrong.
    """
    valid = ops.expand_dims(valid_pixels(y_true), -1)
    water = ops.expand_dims(water_pixels(y_true), -1)
    truth = ops.concatenate([1.0 - water, water], axis=-1) * valid
    found = ops.cast(y_pred, "float32") * valid
    shared = ops.sum(truth * found, axis=(1, 2))
    total = ops.sum(ops.square(truth) + ops.square(found), axis=(1, 2))
    return 1.0 - ops.mean((2.0 * shared + smooth) / (total + smooth), axis=-1)


@keras.saving.register_keras_serializable(package="watermap")
class CrossEntropy(keras.losses.Loss):
    """`cross_entropy` as a Keras loss.

    Args:
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    def __init__(self, name: str = "cross_entropy", **options: Any) -> None:
        super().__init__(name=name, **options)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of a batch, a scalar in nats."""
        return cross_entropy(y_true, y_pred)


@keras.saving.register_keras_serializable(package="watermap")
class Dice(keras.losses.Loss):
    """`dice` as a Keras loss, averaged over the patches of a batch.

    Args:
        smooth: pixels added to numerator and denominator.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    def __init__(self, smooth: float = 1.0, name: str = "dice", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.smooth = smooth

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The losses of a batch, (batch,) in [0, 1]."""
        return dice(y_true, y_pred, smooth=self.smooth)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same loss again."""
        return {**super().get_config(), "smooth": self.smooth}


@keras.saving.register_keras_serializable(package="watermap")
class CrossEntropyDice(keras.losses.Loss):
    """The weighted sum of `cross_entropy` and `dice`.

    Args:
        cross_entropy_weight: factor of the cross-entropy.
        dice_weight: factor of the Dice loss.
        smooth: of the Dice loss, in pixels.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    def __init__(
        self,
        cross_entropy_weight: float = 1.0,
        dice_weight: float = 1.0,
        smooth: float = 1.0,
        name: str = "cross_entropy_dice",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.cross_entropy_weight = cross_entropy_weight
        self.dice_weight = dice_weight
        self.smooth = smooth

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The losses of a batch, (batch,): each patch's Dice beside the cross-entropy of all."""
        overlap = self.dice_weight * dice(y_true, y_pred, smooth=self.smooth)
        return self.cross_entropy_weight * cross_entropy(y_true, y_pred) + overlap

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same loss again."""
        return {
            **super().get_config(),
            "cross_entropy_weight": self.cross_entropy_weight,
            "dice_weight": self.dice_weight,
            "smooth": self.smooth,
        }


LOSSES: Final = {"cross_entropy": CrossEntropy, "dice": Dice, "cross_entropy_dice": CrossEntropyDice}


def get_loss(name: str) -> keras.losses.Loss:
    """A loss with its default settings.

    Args:
        name: one of `LOSSES`.

    Raises:
        UsageError: there is no such loss.
    """
    if name not in LOSSES:
        raise UsageError(f"there is no loss {name!r}", hint=f"choose from {', '.join(LOSSES)}")
    return LOSSES[name]()
