"""What a prediction will take, before it starts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from watermap.bundles.bundle import open_bundle
from watermap.config import PredictConfig
from watermap.io.products import SceneFiles
from watermap.io.raster import open_raster
from watermap.prediction.averaging import averaged_shape
from watermap.prediction.predictor import Predictor

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


def forecast(scene: Path | SceneFiles, predictor: Predictor, *, names: Sequence[str] | None = None) -> Forecast:
    """What mapping a scene will take on this machine; one window is computed twice to know.

    Args:
        scene: an image.
        predictor: the model.
        names: the names of all the file's bands in order, if the user states them.

    Raises:
        DataError: the scene cannot be read, or a band is missing.
        ModelError: the model cannot be had.
    """
    with open_raster(scene, names=names) as raster:
        predictor.bands_of(raster)
        grid, dtype = raster.grid, raster.dtype
        shape = averaged_shape(grid.shape, predictor.averaging(raster))
    layout, engine = predictor.layout(shape), predictor.engine
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


_SIDE: Final = 1024
"""Of the scene whose windows are computed."""
_REPEATS: Final = 3
_STATUS: Final = Path("/proc/self/status")
_PEAK: Final = "VmHWM:"


@dataclass(frozen=True)
class Speed:
    """What computing windows took.

    Attributes:
        engine: what ran the model, and in which precision.
        mpx_a_second: millions of pixels that the model computed a second, overlap counted as nothing.
        peak_mib: memory of the whole process at most, in MiB; None where the system does not tell.
    """

    engine: str
    mpx_a_second: float
    peak_mib: int | None


def measure_speed(folder: Path) -> Speed:
    """The forward pass of a bundle by the engine that `predict` would take, the median of three.

    It runs in a fresh process, whose memory is of this bundle alone.

    Args:
        folder: the bundle's.

    Raises:
        ModelError: the bundle cannot be used.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_measured, folder).result()


def _measured(folder: Path) -> Speed:
    bundle = open_bundle(folder)
    predictor = Predictor(bundle, PredictConfig())
    engine, (rows, cols) = predictor.engine, predictor.layout((_SIDE, _SIDE)).shape
    means = np.array(bundle.contract.statistics.mean, dtype=np.float32)[:, None, None]
    windows = np.broadcast_to(means, (engine.batch_size, len(means), rows, cols)).copy()
    engine.compute(windows)  # compiles
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        engine.compute(windows)
        seconds.append(time.perf_counter() - start)
    return Speed(engine.name, windows.shape[0] * rows * cols / statistics.median(seconds) / 1e6, _peak_mib())


def _peak_mib() -> int | None:
    """Of this process; `getrusage` would tell that of the one that started it, if it was larger."""
    if not _STATUS.is_file():
        return None
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(_PEAK))
    return round(int(line.split()[1]) / 1024)
