"""A scene's probability of water, window by window: overlapping, blended, in memory of one row of windows.

Three things happen at the same time: the next windows are read, one batch is predicted, and finished rows are blended
and handed on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap.arrays import FloatArray, Mask
from watermap.config import STRIDE
from watermap.errors import ModelError
from watermap.geo.grid import Span, even_size, spans
from watermap.io.raster import Pixels
from watermap.prediction.prefetch import prefetch
from watermap.progress import Progress, silent

Reader = Callable[[Window], Pixels]
"""Reads a window inside the scene, as stored; what it gives is read over by the next."""

Prepare = Callable[[Pixels, FloatArray], None]
"""Turns pixels as stored into the image (bands, rows, cols) that the model expects, written into an array."""

Compute = Callable[[FloatArray], FloatArray]
"""Maps windows (n, bands, rows, cols) to the probability of water (n, rows, cols), an array of its own."""

_BUFFERS: Final = 3
"""Of windows: one that is filled, one that waits, one that is computed."""

_FADE: Final = 2
"""Pixels in the middle of an overlap in which one window gives way to the next."""

TALLEST: Final = 1024
"""Rows of a window at most, where its size is picked: a scene's rows are held in memory by the row of windows. In
scenes narrower than a Sentinel-2 tile as many more as take no more memory."""
_TILE_COLS: Final = 10_980


@dataclass(frozen=True)
class Layout:
    """How windows of one size cover a scene.

    Attributes:
        rows, cols: the windows' extents along each axis.
        overlap: pixels that neighbours share along both.
    """

    rows: tuple[Span, ...]
    cols: tuple[Span, ...]
    overlap: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of a window."""
        return self.rows[0].size, self.cols[0].size

    @property
    def computed(self) -> int:
        """Pixels that are computed if every window holds data."""
        rows, cols = self.shape
        return rows * cols * len(self.rows) * len(self.cols)


def square_layout(shape: tuple[int, int], window: int, overlap: int, multiple: int = STRIDE) -> Layout:
    """Square windows of a stated size, or smaller ones that hold a small scene whole.

    Args:
        shape: (rows, cols) of the scene.
        window: side of a window; more than twice the overlap.
        overlap: pixels that neighbours share.
        multiple: twice of which the windows' sides are multiples.
    """
    step = 2 * multiple
    size = min(window, math.ceil((max(shape) + overlap // 2) / step) * step)
    return fixed_layout(shape, size, overlap, multiple)


def fixed_layout(shape: tuple[int, int], window: int, overlap: int, multiple: int = STRIDE) -> Layout:
    """Square windows of one size, however small the scene is; arguments as of `square_layout`, for any overlap."""
    shared = min(overlap, _floor((window - 1) // 2, multiple))
    return Layout(_spans(shape[0], window, shared), _spans(shape[1], window, shared), shared)


def picked_layout(shape: tuple[int, int], pixels: int, overlap: int, multiple: int = STRIDE) -> Layout:
    """Few large windows, so that little is computed twice.

    Args:
        shape: (rows, cols) of the scene.
        pixels: of a window, at most; what memory allows.
        overlap: pixels that neighbours share, a multiple of `multiple`.
        multiple: of which the windows' sides are multiples.
    """
    least = 2 * overlap + multiple
    beyond = overlap // 2
    width = math.ceil((shape[1] + beyond) / multiple) * multiple
    held = max(TALLEST, TALLEST * _TILE_COLS // width)
    tallest = min(held, max(math.isqrt(pixels), pixels // width))
    rows = even_size(shape[0] + beyond, max(least, _floor(tallest, multiple)), overlap, multiple)
    cols = even_size(shape[1] + beyond, max(least, _floor(pixels // rows, multiple)), overlap, multiple)
    return Layout(_spans(shape[0], rows, overlap), _spans(shape[1], cols, overlap), overlap)


def _floor(pixels: int, multiple: int) -> int:
    return pixels // multiple * multiple


def _spans(length: int, size: int, overlap: int) -> tuple[Span, ...]:
    """Windows that cover an axis and half an overlap more.

    What lies beyond the end is mirrored. If windows ended anywhere, each would see as much of it as it happens to
    hold, and the map would depend on their size.
    """
    covered = length + overlap // 2
    found = spans(covered, size, overlap if covered > size else 0)
    return tuple(replace(span, used=min(size, length - span.start)) for span in found)


def blend_weights(size: int, overlap: int, *, first: bool, last: bool) -> FloatArray:
    """Weights of a window along one axis; with those of its neighbours they add up to one at every pixel.

    A network sees too little at a window's edge. So the outer half of an overlap counts for nothing, and from there on
    the window counts in full, but for two pixels in the middle that fade. A network whose field of view reaches no
    further than one pixel less than half of the overlap gives the same map for any size of window.

    Args:
        size: pixels of the window.
        overlap: pixels shared with each neighbour, less than half of `size`.
        first: whether there is no neighbour at the start.
        last: whether there is none at the end.
    """
    weights = np.ones(size, dtype=np.float32)
    if not first:
        weights[:overlap] = _ramp(overlap)
    if not last:
        weights[size - overlap :] = _ramp(overlap)[::-1]
    return weights


def _ramp(overlap: int) -> FloatArray:
    blind = max(0, overlap - _FADE) // 2
    fade = overlap - 2 * blind
    ramp = np.zeros(overlap, dtype=np.float32)
    ramp[blind : blind + fade] = np.sin((np.arange(fade) + 0.5) / max(fade, 1) * np.pi / 2) ** 2
    ramp[blind + fade :] = 1.0
    return ramp


def overlap_for(receptive_field_px: int, multiple: int = STRIDE) -> int:
    """The overlap whose blind part holds `receptive_field_px` pixels, a multiple of `multiple`."""
    return math.ceil((2 * receptive_field_px + _FADE) / multiple) * multiple if receptive_field_px else 0


@dataclass(frozen=True)
class Strip:
    """Finished rows of a scene, full width.

    Attributes:
        row: the first row.
        probability: (rows, cols) of water; only meaningful where valid.
        valid: (rows, cols), True where the scene holds data.
        answer_entropy: (rows, cols) of what a committee says besides; None of one model.
    """

    row: int
    probability: FloatArray
    valid: Mask
    answer_entropy: FloatArray | None = None


@dataclass(frozen=True)
class _Row:
    """One row of windows: what was read of it, in pieces from top to bottom, and which of its windows hold data."""

    number: int
    pieces: list[Pixels]
    valid: Mask
    chosen: list[int]


@dataclass(frozen=True)
class _Batch:
    """Some windows of one row; the last batch of a row closes it."""

    row: _Row
    columns: list[int]
    windows: FloatArray
    closes: bool


def predict_strips(
    read: Reader,
    prepare: Prepare,
    compute: Compute,
    layout: Layout,
    *,
    bands: int | None = None,
    batch_size: int,
    has_disagreement: bool = False,
    progress: Progress = silent,
) -> Generator[Strip, None, None]:
    """Predict a scene of any size from top to bottom.

    Holds one row of windows at a time and reads the next: memory grows with the scene's width and the window, not with
    its height. Windows without a single valid pixel are not computed. `read` and `prepare` are called in one thread,
    `compute` in another.

    Args:
        read: reads a window of the scene.
        prepare: writes what the model expects of pixels as stored.
        bands: that it writes; None for as many as are read.
        compute: the model; always given `batch_size` windows, whose memory is used again for later ones.
        layout: of the windows.
        batch_size: windows predicted at once.
        has_disagreement: whether `compute` gives (windows, 2, rows, cols): the probability, and what is blended like
            it.
        progress: told after every batch.

    Raises:
        ModelError: the model gives a number that is not finite.
    """
    # Closed by name: an error that travels keeps frames alive, and a thread that still reads must not outlive its file.
    with (
        closing(prefetch(_batches(_rows(read, layout), prepare, (batch_size, bands), layout))) as batches,
        closing(prefetch(_computed(batches, compute))) as results,
    ):
        yield from _blended(results, layout, 1 + has_disagreement, progress)


def _rows(read: Reader, layout: Layout) -> Iterator[_Row]:
    """Every row of windows; what two of them share is read once."""
    width = layout.cols[-1].start + layout.cols[-1].used
    pieces: list[Pixels] = []
    for number, span in enumerate(layout.rows):
        shared = sum(len(piece.valid) for piece in pieces)
        if span.used > shared:
            pieces.append(read(Window(0, span.start + shared, width, span.used - shared)))
        valid = np.concatenate([piece.valid for piece in pieces])
        chosen = [i for i, col in enumerate(layout.cols) if valid[:, col.start : col.start + col.used].any()]
        yield _Row(number, pieces, valid, chosen)
        if number + 1 < len(layout.rows):
            pieces = _last_rows(pieces, span.start + span.used - layout.rows[number + 1].start)


def _last_rows(pieces: list[Pixels], rows: int) -> list[Pixels]:
    """The last rows of pieces one below the other, copied so that the others can go."""
    kept: list[Pixels] = []
    for piece in reversed(pieces):
        count = min(rows, len(piece.valid))
        if count:
            start = len(piece.valid) - count
            kept.insert(0, Pixels(piece.values[:, start:].copy(), piece.valid[start:].copy()))
        rows -= count
    return kept


def _batches(
    rows: Iterator[_Row], prepare: Prepare, shape: tuple[int, int | None], layout: Layout
) -> Generator[_Batch, None, None]:
    batch_size, bands = shape
    buffers: Iterator[FloatArray] | None = None
    for row in rows:
        starts = range(0, len(row.chosen), batch_size)
        if not starts:
            yield _Batch(row, [], np.zeros((0, 0, 0, 0), dtype=np.float32), closes=True)
        for start in starts:
            columns = row.chosen[start : start + batch_size]
            if buffers is None:
                whole = (batch_size, bands or len(row.pieces[0].values), *layout.shape)
                buffers = itertools.cycle([np.zeros(whole, dtype=np.float32) for _ in range(_BUFFERS)])
            windows = next(buffers)
            for window, i in zip(windows, columns, strict=False):
                _fill(window, row.pieces, layout.cols[i], prepare)
            windows[len(columns) :] = windows[len(columns) - 1]
            yield _Batch(row, columns, windows, closes=start == starts[-1])


def _fill(window: FloatArray, pieces: Sequence[Pixels], span: Span, prepare: Prepare) -> None:
    """Prepare one window of a row of windows, mirrored where it reaches beyond the scene."""
    cols = slice(span.start, span.start + span.used)
    row = 0
    for piece in pieces:
        below = row + len(piece.valid)
        prepare(Pixels(piece.values[:, :, cols], piece.valid[:, cols]), window[:, row:below, : span.used])
        row = below
    if (row, span.used) != window.shape[1:]:
        missing = ((0, 0), (0, window.shape[1] - row), (0, window.shape[2] - span.used))
        window[:] = np.pad(window[:, :row, : span.used], missing, mode="symmetric")


def _computed(
    batches: Iterator[_Batch], compute: Compute
) -> Generator[tuple[_Batch, npt.NDArray[np.float32]], None, None]:
    for batch in batches:
        yield batch, compute(batch.windows) if batch.columns else np.zeros((0, 0, 0), dtype=np.float32)


def _blended(
    results: Iterator[tuple[_Batch, FloatArray]], layout: Layout, channels: int, progress: Progress
) -> Generator[Strip, None, None]:
    total = len(layout.rows) * len(layout.cols)
    width = layout.cols[-1].start + layout.cols[-1].used
    carried = np.zeros((channels, 0, width), dtype=np.float32)
    summed: FloatArray | None = None
    for batch, probabilities in results:
        number = batch.row.number
        span, is_last = layout.rows[number], number == len(layout.rows) - 1
        if summed is None:
            summed = np.zeros((channels, span.used, width), dtype=np.float32)
            summed[:, : carried.shape[1]] = carried
        for i, probability in zip(batch.columns, probabilities, strict=False):
            if not np.isfinite(probability.sum()):
                raise ModelError(
                    "the model says what is no probability", hint="its weights are damaged; train it again"
                )
            _add(summed, probability.reshape(channels, *layout.shape), layout, number, i)
        done = batch.columns[-1] + 1 if not batch.closes else len(layout.cols)
        progress("predict: windows", number * len(layout.cols) + done, total)
        if batch.closes:
            finished = span.used if is_last else layout.rows[number + 1].start - span.start
            carried = summed[:, finished:].copy()
            answer_entropy = summed[1, :finished] if channels > 1 else None
            strip = Strip(span.start, summed[0, :finished], batch.row.valid[:finished], answer_entropy)
            summed = answer_entropy = None
            yield strip
            del strip  # before the next rows take their memory


def _add(summed: FloatArray, probability: FloatArray, layout: Layout, row: int, col: int) -> None:
    """Add a window's share (channels, rows, cols) to the rows that it belongs to; its own array is used up."""
    rows, cols, overlap = layout.rows, layout.cols, layout.overlap
    height, width = layout.shape
    down = blend_weights(height, overlap, first=row == 0, last=row == len(rows) - 1)
    across = blend_weights(width, overlap, first=col == 0, last=col == len(cols) - 1)
    for edge in (np.s_[:overlap], np.s_[height - overlap :]):  # in between it counts in full
        probability[:, edge] *= down[edge, None]
    for edge in (np.s_[:overlap], np.s_[width - overlap :]):
        probability[..., edge] *= across[edge]
    span = cols[col]
    summed[..., span.start : span.start + span.used] += probability[:, : rows[row].used, : span.used]
