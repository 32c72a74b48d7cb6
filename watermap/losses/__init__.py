"""Losses over valid pixels: label 255 counts for nothing."""

from watermap.losses.entropy import BalancedCrossEntropy, CrossEntropy, Focal, cross_entropy, cross_entropy_sum
from watermap.losses.labels import IGNORED, Tensor, soften_shores, valid_pixels, water_pixels
from watermap.losses.overlap import Dice, Tversky, dice, tversky
from watermap.losses.sums import LOSSES, CrossEntropyDice, LossSum, get_loss

__all__ = [
    "IGNORED",
    "LOSSES",
    "BalancedCrossEntropy",
    "CrossEntropy",
    "CrossEntropyDice",
    "Dice",
    "Focal",
    "LossSum",
    "Tensor",
    "Tversky",
    "cross_entropy",
    "cross_entropy_sum",
    "dice",
    "get_loss",
    "soften_shores",
    "tversky",
    "valid_pixels",
    "water_pixels",
]
