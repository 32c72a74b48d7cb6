"""Sums of losses, as settings state them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras

from watermap.config.loss import parse_loss
from watermap.errors import UsageError
from watermap.training.losses.entropy import BalancedCrossEntropy, CrossEntropy, Focal, cross_entropy
from watermap.training.losses.labels import Tensor, ignore_shores, soften_shores
from watermap.training.losses.noise import Bootstrap, Forward
from watermap.training.losses.overlap import Dice, Tversky, dice


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


LOSSES: Final[dict[str, Callable[..., keras.losses.Loss]]] = {
    "cross_entropy": CrossEntropy,
    "balanced_cross_entropy": BalancedCrossEntropy,
    "focal": Focal,
    "bootstrap": Bootstrap,
    "forward": Forward,
    "dice": Dice,
    "tversky": Tversky,
    "cross_entropy_dice": CrossEntropyDice,
}


@keras.saving.register_keras_serializable(package="watermap")
class LossSum(keras.losses.Loss):
    """A sum of losses, on labels that are softened or ignored beside shores if wanted.

    Args:
        terms: what is added, as settings say it: `cross_entropy+dice`, `0.5*focal(gamma=2) + tversky`.
        shore_px: how far from a change of class labels are softened, see `soften_shores`; 0 leaves them as they are.
        shore_softness: by how much.
        ignore_px: how far from a change of class they are ignored, see `ignore_shores`; 0 for nowhere.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.

    Raises:
        ValueError: terms that there are none of.
    """

    def __init__(
        self,
        terms: str,
        shore_px: int = 0,
        shore_softness: float = 0.0,
        ignore_px: int = 0,
        name: str = "loss_sum",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.terms = terms
        self.shore_px = shore_px
        self.shore_softness = shore_softness
        self.ignore_px = ignore_px
        self._weighted = [(term.weight, LOSSES[term.name](**term.options)) for term in parse_loss(terms)]

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The losses of a batch, (batch,) or a scalar where no term tells its patches apart."""
        label = y_true
        if self.shore_px:
            label = soften_shores(label, px=self.shore_px, softness=self.shore_softness)
        if self.ignore_px:
            label = ignore_shores(label, px=self.ignore_px)
        return sum(weight * loss.call(label, y_pred) for weight, loss in self._weighted)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same loss again."""
        shores = {"shore_px": self.shore_px, "shore_softness": self.shore_softness, "ignore_px": self.ignore_px}
        return {**super().get_config(), "terms": self.terms, **shores}


def get_loss(terms: str, *, shore_px: int = 0, shore_softness: float = 0.0, ignore_px: int = 0) -> LossSum:
    """The loss that settings state.

    Args:
        terms: one of `LOSSES`, or a sum of them such as `cross_entropy+0.5*dice`.
        shore_px: how far from a change of class labels are softened; 0 leaves them as they are.
        shore_softness: by how much.
        ignore_px: how far from a change of class labels are ignored; 0 for nowhere.

    Raises:
        UsageError: there is no such loss.
    """
    try:
        return LossSum(terms, shore_px, shore_softness, ignore_px)
    except ValueError as error:
        raise UsageError(str(error)) from error
