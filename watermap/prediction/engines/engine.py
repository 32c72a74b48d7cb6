"""What an engine is."""

from __future__ import annotations

from typing import Protocol

from watermap.arrays import FloatArray


class Engine(Protocol):
    """A model that is loaded and ready for windows of any size that fits its stride.

    Attributes:
        name: engine and precision, for people: "openvino, bfloat16".
        batch_size: windows that it is given at once.
        window_pixels: of one window at most, so that its memory stays within bounds.
        bytes_per_pixel: memory while it computes, of a pixel of its windows; an estimate.
        flops_per_pixel: arithmetic of the model's convolutions, two operations a multiply-add.
    """

    name: str
    batch_size: int
    window_pixels: int
    bytes_per_pixel: float

    @property
    def flops_per_pixel(self) -> float:
        """See above."""
        ...

    def warm(self, shape: tuple[int, int]) -> None:
        """Do what the first windows of (rows, cols) would have to wait for; what goes wrong, `compute` tells."""
        ...

    def compute(self, windows: FloatArray) -> FloatArray:
        """The probability of water; one thread at a time, others wait.

        Args:
            windows: (n, bands, rows, cols), in the digital numbers of the contract; sides are multiples of the stride.

        Returns:
            (n, rows, cols) float32.

        Raises:
            ModelError: the model cannot be run, for want of memory perhaps.
        """
        ...
