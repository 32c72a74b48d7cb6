"""Losses over valid pixels: label 255 counts for nothing."""

from watermap.training.losses.entropy import BalancedCrossEntropy, CrossEntropy, Focal, cross_entropy, cross_entropy_sum
from watermap.training.losses.labels import IGNORED, Tensor, ignore_shores, soften_shores, valid_pixels, water_pixels
from watermap.training.losses.noise import Bootstrap, Forward, bootstrapped_cross_entropy, forward_cross_entropy
from watermap.training.losses.overlap import Dice, Tversky, dice, tversky
from watermap.training.losses.sums import LOSSES, CrossEntropyDice, LossSum, get_loss

__all__ = [
    "IGNORED",
    "LOSSES",
    "BalancedCrossEntropy",
    "Bootstrap",
    "CrossEntropy",
    "CrossEntropyDice",
    "Dice",
    "Focal",
    "Forward",
    "LossSum",
    "Tensor",
    "Tversky",
    "bootstrapped_cross_entropy",
    "cross_entropy",
    "cross_entropy_sum",
    "dice",
    "forward_cross_entropy",
    "get_loss",
    "ignore_shores",
    "soften_shores",
    "tversky",
    "valid_pixels",
    "water_pixels",
]
