"""A scene's probability of water, window by window: overlapping, blended, in memory of one row of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.errors import ModelError
from watermap.grid import Span, spans
from watermap.progress import Progress, silent
from watermap.radiometry import FloatArray
from watermap.raster import Mask

Reader = Callable[[Window], tuple[FloatArray, Mask]]
"""Reads a window inside the scene: image (rows, cols, bands) as the model expects it, and valid (rows, cols)."""

Predictor = Callable[[FloatArray], FloatArray]
"""Maps windows (n, size, size, bands) to the probability of water (n, size, size)."""


@dataclass(frozen=True)
class Strip:
    """Finished rows of a scene, full width.

    Attributes:
        row: the first row.
        probability: (rows, cols) of water; only meaningful where valid.
        valid: (rows, cols), True where the scene holds data.
    """

    row: int
    probability: FloatArray
    valid: Mask


def blend_weights(size: int, overlap: int, *, first: bool, last: bool) -> FloatArray:
    """Weights of a window along one axis; with those of its neighbours they add up to one at every pixel.

    A network sees too little at a window's edge. So the outer seven sixteenths of an overlap count for nothing, the
    middle eighth fades by a squared sine, and from there on the window counts in full. A network whose field of view
    reaches no further than seven sixteenths of the overlap gives the same map for any size of window.

    Args:
        size: pixels of the window.
        overlap: pixels shared with each neighbour, less than half of `size`.
        first: whether there is no neighbour at the start.
        last: whether there is none at the end.
    """
    weights = np.ones(size, dtype=np.float32)
    blind = overlap * 7 // 16
    fade = overlap - 2 * blind
    ramp = np.zeros(overlap, dtype=np.float32)
    ramp[blind : blind + fade] = np.sin((np.arange(fade) + 0.5) / max(fade, 1) * np.pi / 2) ** 2
    ramp[blind + fade :] = 1.0
    if not first:
        weights[:overlap] = ramp
    if not last:
        weights[size - overlap :] = ramp[::-1]
    return weights


def predict_strips(
    read: Reader,
    predict: Predictor,
    shape: tuple[int, int],
    *,
    size: int,
    overlap: int,
    batch_size: int,
    progress: Progress = silent,
) -> Iterator[Strip]:
    """Predict a scene of any size from top to bottom.

    Holds one row of windows at a time: memory grows with the scene's width and the window, not with its height.
    Windows without a single valid pixel are not computed.

    Args:
        read: reads a window of the scene.
        predict: the model; always given `batch_size` windows.
        shape: (rows, cols) of the scene.
        size: pixels of a window's side.
        overlap: pixels that neighbours share.
        batch_size: windows predicted at once.
        progress: told after every batch.

    Raises:
        ModelError: the model gives a number that is not finite.
    """
    rows, cols = shape
    row_spans, col_spans = spans(rows, size, overlap), spans(cols, size, overlap)
    total = len(row_spans) * len(col_spans)
    carried = np.zeros((0, cols), dtype=np.float32)
    for number, row_span in enumerate(row_spans):
        is_last = number == len(row_spans) - 1
        row_weights = blend_weights(size, overlap, first=number == 0, last=is_last)
        image, valid = read(Window(0, row_span.start, cols, row_span.used))
        total_probability = np.zeros((row_span.used, cols), dtype=np.float32)
        total_probability[: len(carried)] = carried
        chosen = [i for i, span in enumerate(col_spans) if valid[:, span.start : span.start + span.used].any()]
        for start in range(0, len(chosen), batch_size):
            batch = chosen[start : start + batch_size]
            windows = [_cut(image, col_spans[i], size) for i in batch]
            windows += [windows[-1]] * (batch_size - len(windows))
            for i, probability in zip(batch, predict(np.stack(windows)), strict=False):
                span = col_spans[i]
                weights = np.outer(
                    row_weights, blend_weights(size, overlap, first=i == 0, last=i == len(col_spans) - 1)
                )
                if not np.isfinite(probability).all():
                    raise ModelError(
                        "the model says what is no probability", hint="its weights are damaged; train it again"
                    )
                weighted = (probability * weights)[: row_span.used, : span.used]
                total_probability[:, span.start : span.start + span.used] += weighted
            progress("predict: windows", number * len(col_spans) + batch[-1] + 1, total)
        finished = row_span.used if is_last else size - overlap
        carried = total_probability[finished:]
        if not chosen or chosen[-1] != len(col_spans) - 1:
            progress("predict: windows", (number + 1) * len(col_spans), total)
        yield Strip(row_span.start, total_probability[:finished], valid[:finished])


def _cut(image: FloatArray, span: Span, size: int) -> FloatArray:
    """One window of a row of windows, mirrored where it reaches beyond the scene."""
    window = image[:, span.start : span.start + span.used]
    missing: Sequence[tuple[int, int]] = ((0, size - window.shape[0]), (0, size - span.used), (0, 0))
    padded: npt.NDArray[np.float32] = np.pad(window, missing, mode="symmetric")
    return padded
