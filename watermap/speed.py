"""How fast a bundle maps on this machine, and in how much memory: measured in a process of its own."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from watermap.bundle import open_bundle
from watermap.config import PredictConfig
from watermap.predictor import Predictor

_SIDE: Final = 1024
"""Of the scene whose windows are computed."""
_TURNS: Final = 3
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
    for _ in range(_TURNS):
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
