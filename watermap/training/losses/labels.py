"""What a label says to losses and metrics: which pixels are known, and how much of each is water."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from keras import ops

from watermap.legend import NO_DATA

Tensor: TypeAlias = Any
"""A tensor of whichever backend Keras runs on."""

IGNORED: Final = NO_DATA
"""The label that no loss and no metric looks at."""


def valid_pixels(y_true: Tensor) -> Tensor:
    """1.0 where a label is known and 0.0 where it is ignored, shaped as the label.

    Args:
        y_true: (batch, rows, cols) codes 0 land, 1 water, 255 ignored, of any dtype.
    """
    return ops.cast(ops.not_equal(ops.cast(y_true, "float32"), IGNORED), "float32")


def water_pixels(y_true: Tensor) -> Tensor:
    """How much of each pixel is water, 0.0 where it is ignored, shaped as the label.

    Args:
        y_true: (batch, rows, cols) codes 0 land, 1 water, between them where it is uncertain, 255 ignored, of any
            dtype.
    """
    return ops.cast(y_true, "float32") * valid_pixels(y_true)


def truth_by_class(y_true: Tensor) -> Tensor:
    """How much of each pixel is land and water, (batch, rows, cols, 2); zeros where it is ignored.

    Args:
        y_true: (batch, rows, cols) codes, as for `water_pixels`.
    """
    water = water_pixels(y_true)
    return ops.stack([valid_pixels(y_true) - water, water], axis=-1)


def soften_shores(y_true: Tensor, *, px: int, softness: float) -> Tensor:
    """A label that is less sure of itself beside a change from land to water.

    Labels of 30 m (Hansen, JRC) are stair-stepped on pixels of 10 m: up to 1.5 px of a shoreline are of the wrong
    class, and a loss that trusts them teaches the steps.

    Args:
        y_true: (batch, rows, cols) codes 0 land, 1 water, 255 ignored, of any dtype.
        px: how far from a valid pixel of the other class, along rows, columns and diagonals, a pixel is softened.
        softness: water is 1 - softness there, and land softness.

    Returns:
        (batch, rows, cols) float32 in [0, 1]; 255 where it is ignored.

    Source: label smoothing of Szegedy et al. 2016, section 7, at boundaries only, as in Islam and Glocker 2021.
    """
    valid, water = valid_pixels(y_true), water_pixels(y_true)
    land = valid - water
    beside_both = _dilate(land, px) * _dilate(water, px)
    softened = water + softness * beside_both * (land - water)
    return ops.where(ops.cast(valid, "bool"), softened, float(IGNORED))


def ignore_shores(y_true: Tensor, *, px: int) -> Tensor:
    """A label that says nothing beside a change from land to water.

    Which side of a coarse shoreline a pixel lies on is for the images to say, of places where the label is right.

    Args:
        y_true: (batch, rows, cols) codes 0 land, 1 water, 255 ignored, of any dtype; between 0 and 1 where it is
            softened, which counts as what it is nearer to.
        px: how far from a valid pixel of the other class, along rows, columns and diagonals, a pixel is ignored.

    Returns:
        (batch, rows, cols) float32 as it was, but 255 there.
    """
    valid = valid_pixels(y_true)
    water = ops.cast(water_pixels(y_true) > 0.5, "float32")
    beside_both = _dilate(valid - water, px) * _dilate(water, px)
    return ops.where(beside_both > 0.5, float(IGNORED), ops.cast(y_true, "float32"))


def _dilate(here: Tensor, px: int) -> Tensor:
    """The largest value up to so many pixels away."""
    wide = ops.max_pool(ops.expand_dims(here, -1), 2 * px + 1, strides=1, padding="same", data_format="channels_last")
    return ops.squeeze(wide, -1)
