"""Scenes finer than a model has learned from: averaged for it, and its answers put back on the scene's own grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap.arrays import FloatArray, Mask
from watermap.io.raster import Pixels
from watermap.prediction.windows import Reader, Strip

_NEAR: Final = 1.5
"""Sizes of pixels that differ by less than this factor are the same to a model."""


def averaging_factor(pixel_m: float, finest_m: float | None) -> int:
    """How many pixels of a scene, along a side, are averaged to one for a model; 1 for none.

    Args:
        pixel_m: side of the scene's pixels on the ground.
        finest_m: side of the finest pixels that the model has learned from; None where it is given all as they are.
    """
    if finest_m is None or pixel_m * _NEAR > finest_m:
        return 1
    return max(1, round(finest_m / pixel_m))


def averaged_shape(shape: tuple[int, int], factor: int) -> tuple[int, int]:
    """Rows and columns of a scene once it is averaged; the last may hold less."""
    rows, cols = shape
    return math.ceil(rows / factor), math.ceil(cols / factor)


def averaged_reader(read: Reader, shape: tuple[int, int], factor: int) -> Reader:
    """Reads windows of the averaged scene: means of what is valid, which is valid where any of it is.

    Args:
        read: reads windows of the scene.
        shape: rows and columns of the scene.
        factor: pixels that are averaged, along a side.
    """
    rows, cols = shape

    def averaged(window: Window) -> Pixels:
        top, left = int(window.row_off) * factor, int(window.col_off) * factor
        height = min(int(window.height) * factor, rows - top)
        width = min(int(window.width) * factor, cols - left)
        fine = read(Window(left, top, width, height))
        beyond = (int(window.height) * factor - height, int(window.width) * factor - width)
        padding = ((0, beyond[0]), (0, beyond[1]))
        valid = np.pad(fine.valid, padding)
        values = np.pad(np.where(fine.valid, fine.values, 0).astype(np.float32), ((0, 0), *padding))
        count = _summed(valid[None].astype(np.float32), factor)[0]
        return Pixels(_summed(values, factor) / np.maximum(count, 1), count > 0)

    return averaged


def _summed(values: FloatArray, factor: int) -> FloatArray:
    """Sums (bands, rows / factor, cols / factor) over squares."""
    bands, rows, cols = values.shape
    blocks = values.reshape(bands, rows // factor, factor, cols // factor, factor)
    summed: FloatArray = blocks.sum(axis=(2, 4))
    return summed


def put_back(
    strips: Iterable[Strip], valid_rows: Callable[[int, int], Mask], shape: tuple[int, int], factor: int
) -> Generator[Strip, None, None]:
    """What a model says of the averaged scene, on the scene's own grid: bilinear between the averages' centres.

    Args:
        strips: of the averaged scene, from top to bottom.
        valid_rows: which pixels of the scene hold data, from a row up to another.
        shape: rows and columns of the scene.
        factor: pixels that were averaged, along a side.
    """
    rows, cols = shape
    last = averaged_shape(shape, factor)[0]
    held: list[Strip] = []
    done = 0
    for strip in strips:
        held.append(strip)
        end = strip.row + len(strip.valid)
        until = rows if end == last else min(rows, math.floor((end - 0.5) * factor))
        if until <= done:
            continue
        coarse = _joined(held)
        valid = valid_rows(done, until)
        layers = [coarse.probability, *([] if coarse.answer_entropy is None else [coarse.answer_entropy])]
        fine = [_interpolated(layer, coarse.valid, range(done, until), coarse.row, cols, factor) for layer in layers]
        yield Strip(done, fine[0], valid, fine[1] if len(fine) > 1 else None)
        done = until
        first = max(coarse.row, math.floor((done + 0.5) / factor - 0.5))
        held = [_from_row(coarse, first)]


def _joined(strips: list[Strip]) -> Strip:
    if len(strips) == 1:
        return strips[0]
    entropies = [strip.answer_entropy for strip in strips if strip.answer_entropy is not None]
    return Strip(
        strips[0].row,
        np.concatenate([strip.probability for strip in strips]),
        np.concatenate([strip.valid for strip in strips]),
        np.concatenate(entropies) if entropies else None,
    )


def _from_row(strip: Strip, row: int) -> Strip:
    """The rows of a strip from one on, copied so that the others can go."""
    here = slice(row - strip.row, None)
    entropy = None if strip.answer_entropy is None else strip.answer_entropy[here].copy()
    return Strip(row, strip.probability[here].copy(), strip.valid[here].copy(), entropy)


def _interpolated(values: FloatArray, valid: Mask, rows: range, top: int, cols: int, factor: int) -> FloatArray:
    """Values at the scene's pixels, from those around them that are valid."""
    down, across = _places(rows, top, len(values), factor), _places(range(cols), 0, values.shape[1], factor)
    total = np.zeros((len(rows), cols), dtype=np.float32)
    weight = np.zeros_like(total)
    for row, row_share in down:
        for col, col_share in across:
            share = np.outer(row_share, col_share).astype(np.float32) * valid[np.ix_(row, col)]
            total += share * np.where(share > 0, values[np.ix_(row, col)], 0)
            weight += share
    np.maximum(weight, np.finfo(np.float32).tiny, out=weight)
    np.divide(total, weight, out=total)
    return total


def _places(
    pixels: range, first: int, count: int, factor: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The averages before and after each pixel, by their place among those held, and what each counts."""
    at = (np.arange(pixels.start, pixels.stop) + 0.5) / factor - 0.5 - first
    before = np.floor(at)
    share = at - before
    low, high = (np.clip(each, 0, count - 1).astype(np.intp) for each in (before, before + 1))
    return (low, 1 - share), (high, share)
