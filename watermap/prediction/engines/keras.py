"""Keras: the model as it was trained, on whatever its backend finds, a GPU perhaps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from watermap.arrays import FloatArray
from watermap.config import Precision
from watermap.errors import ModelError
from watermap.legend import WATER

if TYPE_CHECKING:
    import keras

    from watermap.bundles.bundle import Bundle

_WINDOW_PIXELS: Final = 512 * 512
_BYTES_PER_PIXEL: Final = 1600.0
"""Of the reference UNet on TensorFlow, as measured."""
_GPU_BATCH: Final = 16
_OUT_OF_MEMORY: Final = ("ResourceExhaustedError", "OutOfMemoryError")
_OUT_OF_MEMORY_TEXTS: Final = ("RESOURCE_EXHAUSTED", "out of memory")


class KerasEngine:
    """A bundle's own model.

    On a GPU it is given many windows at once, and fewer where they do not fit its memory.

    Args:
        bundle: the trained bundle.
        precision: float32, or bfloat16 in between.
        batch_size: windows at once; None: two on a processor, sixteen on a GPU.
    """

    def __init__(self, bundle: Bundle, precision: Precision, batch_size: int | None = None) -> None:
        from watermap.models.backend import accelerators, require_keras

        require_keras()
        import keras

        self.backend = keras.backend.backend()
        self.name = f"keras with {self.backend}, {precision}"
        self.window_pixels = _WINDOW_PIXELS
        self.bytes_per_pixel = _BYTES_PER_PIXEL
        self.batch_size = batch_size or (_GPU_BATCH if accelerators(self.backend) else 2)
        self._bundle = bundle
        self._compute: Literal["float32", "bfloat16"] = "bfloat16" if precision == "bfloat16" else "float32"
        self._fits = self.batch_size
        self._models: dict[tuple[int, int], keras.Model] = {}
        self._computing = threading.Lock()

    @property
    def flops_per_pixel(self) -> float:
        """See `Engine`."""
        from watermap.models.arithmetic import flops_per_pixel

        side = self._bundle.contract.trained_patch_size
        return flops_per_pixel(self._bundle.load_model((side, side)), side)

    def warm(self, shape: tuple[int, int]) -> None:
        """Nothing: a framework that another thread loads may not survive an interruption."""

    def compute(self, windows: FloatArray) -> FloatArray:
        """See `Engine`."""
        with self._computing:
            return self._computed(windows)

    def _computed(self, windows: FloatArray) -> FloatArray:
        model = self._model(windows.shape[2:])
        images = np.ascontiguousarray(np.moveaxis(windows, 1, -1))
        found: list[FloatArray] = []
        done = 0
        while done < len(images):
            batch = images[done : done + self._fits]
            try:
                found.append(np.asarray(model.predict_on_batch(batch))[..., WATER])
            except Exception as error:
                if not _is_out_of_memory(error):
                    raise
                if self._fits == 1:
                    rows, cols = images.shape[1:3]
                    raise ModelError(
                        f"there is not enough memory for a window of {rows} x {cols} pixels",
                        hint="make it smaller with --window",
                    ) from error
                self._fits = max(1, len(batch) // 2)
                continue
            done += len(batch)
        return np.concatenate(found).astype(np.float32, copy=False)

    def _model(self, shape: tuple[int, ...]) -> keras.Model:
        size = (shape[0], shape[1])
        if size not in self._models:
            self._models[size] = self._bundle.load_model(size, compute=self._compute)
        return self._models[size]


def _is_out_of_memory(error: Exception) -> bool:
    return type(error).__name__ in _OUT_OF_MEMORY or any(text in str(error) for text in _OUT_OF_MEMORY_TEXTS)
