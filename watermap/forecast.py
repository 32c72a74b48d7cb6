"""What a prediction will take, before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from watermap.predictor import Predictor
from watermap.raster import open_raster

_ROWS_HELD: Final = 3
"""Rows of windows that are in memory as stored: read, in use, and joined to the next."""


@dataclass(frozen=True)
class Forecast:
    """What a prediction will take.

    Attributes:
        rows, cols: of the scene.
        windows: how many at most; those without data are not computed.
        window: (rows, cols) of one.
        overlap: pixels that neighbours share.
        computed_per_pixel: pixels computed for each that is wanted.
        flops: arithmetic of the model's convolutions.
        memory_bytes: of scene, window and raster, beside what libraries and weights take.
        seconds: of the model alone, judged by one window.
    """

    rows: int
    cols: int
    windows: int
    window: tuple[int, int]
    overlap: int
    computed_per_pixel: float
    flops: float
    memory_bytes: float
    seconds: float


def forecast(scene: Path, predictor: Predictor) -> Forecast:
    """What mapping a scene will take on this machine; one window is computed twice to know.

    Raises:
        DataError: the scene cannot be read.
        ModelError: the model cannot be had.
    """
    with open_raster(scene) as raster:
        grid, dtype = raster.grid, raster.dtype
    layout, engine = predictor.layout(grid.shape), predictor.engine
    rows, cols = layout.shape
    bands = len(predictor.bundle.contract.bands)
    windows = np.zeros((engine.batch_size, bands, rows, cols), dtype=np.float32)
    windows += np.array(predictor.bundle.contract.statistics.mean, dtype=np.float32)[:, None, None]
    engine.compute(windows)
    start = time.perf_counter()
    engine.compute(windows)
    each = (time.perf_counter() - start) / engine.batch_size
    count = len(layout.rows) * len(layout.cols)
    held = _ROWS_HELD * rows * grid.width * (bands * dtype.itemsize + 1) + 2 * rows * grid.width * 4
    return Forecast(
        rows=grid.height,
        cols=grid.width,
        windows=count,
        window=layout.shape,
        overlap=layout.overlap,
        computed_per_pixel=layout.computed / (grid.height * grid.width),
        flops=engine.flops_per_pixel * layout.computed,
        memory_bytes=held + engine.batch_size * rows * cols * (engine.bytes_per_pixel + 8 * bands),
        seconds=each * count,
    )
