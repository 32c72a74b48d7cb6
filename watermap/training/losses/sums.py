"""Sums of losses, as settings state them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras

from watermap.config.loss import parse_loss
from watermap.errors import UsageError
from watermap.training.losses.base import PixelLoss
from watermap.training.losses.entropy import BalancedCrossEntropy, CrossEntropy, Focal, cross_entropy
from watermap.training.losses.labels import Tensor, ignore_shores, soften_shores
from watermap.training.losses.noise import Bootstrap, Forward
from watermap.training.losses.overlap import Dice, Tversky, dice


def _cross_entropy_dice(
    y_true: Tensor, y_pred: Tensor, *, cross_entropy_weight: float, dice_weight: float, smooth: float
) -> Tensor:
    """Each patch's Dice beside the cross-entropy of all, (batch,)."""
    return cross_entropy_weight * cross_entropy(y_true, y_pred) + dice_weight * dice(y_true, y_pred, smooth=smooth)


@keras.saving.register_keras_serializable(package="watermap")
class CrossEntropyDice(PixelLoss):
    """The weighted sum of `cross_entropy` and `dice`.

    Args:
        cross_entropy_weight: factor of the cross-entropy.
        dice_weight: factor of the Dice loss.
        smooth: of the Dice loss, in pixels.
        name: shown in logs.
        options: `reduction` and `dtype` of `keras.losses.Loss`.
    """

    function = staticmethod(_cross_entropy_dice)

    def __init__(
        self,
        cross_entropy_weight: float = 1.0,
        dice_weight: float = 1.0,
        smooth: float = 1.0,
        name: str = "cross_entropy_dice",
        **options: Any,
    ) -> None:
        weights = {"cross_entropy_weight": cross_entropy_weight, "dice_weight": dice_weight}
        super().__init__({**weights, "smooth": smooth}, name, **options)


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
class LossSum(PixelLoss):
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
        shores = {"shore_px": shore_px, "shore_softness": shore_softness, "ignore_px": ignore_px}
        super().__init__({"terms": terms, **shores}, name, **options)
        self._weighted = [(term.weight, LOSSES[term.name](**term.options)) for term in parse_loss(terms)]

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The losses of a batch, (batch,) or a scalar where no term tells its patches apart."""
        label, settings = y_true, self.settings
        if settings["shore_px"]:
            label = soften_shores(label, px=settings["shore_px"], softness=settings["shore_softness"])
        if settings["ignore_px"]:
            label = ignore_shores(label, px=settings["ignore_px"])
        return sum(weight * loss.call(label, y_pred) for weight, loss in self._weighted)


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
