"""What an engine is."""

from __future__ import annotations

from typing import Protocol

from watermap.radiometry import FloatArray


class Engine(Protocol):
    """A model that is loaded and ready for windows of any size that fits its stride.

    Attributes:
        name: engine and precision, for people: "openvino, bfloat16".
        batch_size: windows that it is given at once.
        window_pixels: of one window at most, so that its memory stays within bounds.
    """

    name: str
    batch_size: int
    window_pixels: int

    def compute(self, windows: FloatArray) -> FloatArray:
        """The probability of water.

        Args:
            windows: (n, bands, rows, cols), in the digital numbers of the contract; sides are multiples of the stride.

        Returns:
            (n, rows, cols) float32.

        Raises:
            ModelError: the model cannot be run, for want of memory perhaps.
        """
        ...
