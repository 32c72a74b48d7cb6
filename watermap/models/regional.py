"""Averages over regions of a window, and back to its pixels: for features of any size, on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="watermap")
class AdaptiveAveragePooling(layers.Layer):
    """Averages over bins x bins regions that cover features of any size.

    Region i of n pixels along an axis holds those from floor(i n / bins) to ceil((i + 1) n / bins) - 1: all of nearly
    one size, overlapping where the bins do not divide n, and repeated where there are more bins than pixels.

    Args:
        bins: regions along each axis.
        options: of `keras.layers.Layer`.
    """

    def __init__(self, bins: int, **options: Any) -> None:
        super().__init__(**options)
        self.bins = bins

    def call(self, x: Any) -> Any:
        """(batch, rows, cols, channels) to (batch, bins, bins, channels)."""
        return _along_both(x, *(self._weights(ops.shape(x)[axis], x.dtype) for axis in (1, 2)))

    def _weights(self, size: Any, dtype: Any) -> Any:
        """(bins, size): the share of each pixel in each region."""
        pixel, region = _grid(size, self.bins)
        inside = ops.cast((pixel >= region * size // self.bins) & (pixel * self.bins < (region + 1) * size), "float32")
        return ops.cast(inside / ops.sum(inside, axis=1, keepdims=True), dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(batch, bins, bins, channels)."""
        return (input_shape[0], self.bins, self.bins, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same layer again."""
        return {**super().get_config(), "bins": self.bins}


@keras.saving.register_keras_serializable(package="watermap")
class ResizeLike(layers.Layer):
    """Interpolates features bilinearly to the size of others; beyond the middle of an outer pixel it is constant."""

    def call(self, inputs: Sequence[Any]) -> Any:
        """(batch, rows, cols, channels) at the size of the second input."""
        x, like = inputs
        shape = ops.shape(like)
        return _along_both(x, *(self._weights(shape[axis], x.shape[axis], x.dtype) for axis in (1, 2)))

    @staticmethod
    def _weights(size: Any, bins: int, dtype: Any) -> Any:
        """(size, bins): the share of each pixel of the input in each of the output."""
        pixel, region = _grid(size, bins)
        place = (ops.cast(pixel, "float32") + 0.5) * bins / ops.cast(size, "float32") - 0.5
        distance = ops.abs(ops.clip(place, 0, bins - 1) - ops.cast(region, "float32"))
        return ops.cast(ops.transpose(ops.maximum(1 - distance, 0)), dtype)

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The size of the second input, the channels of the first."""
        return (*input_shape[1][:3], input_shape[0][3])


def _grid(size: Any, bins: int) -> tuple[Any, Any]:
    """Whole numbers of pixels (1, size) and of regions (bins, 1)."""
    return ops.arange(size, dtype="int32")[None, :], ops.arange(bins, dtype="int32")[:, None]


def _along_both(x: Any, rows: Any, cols: Any) -> Any:
    """(batch, r, c, channels) by matrices (new rows, r) and (new cols, c)."""
    return ops.einsum("ur,brck,vc->buvk", rows, x, cols)
