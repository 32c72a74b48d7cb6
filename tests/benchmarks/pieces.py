"""Pixels for benchmarks: of a sample scene, and of windows and corners of large scenes."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from tests.benchmarks.scenes import whole_blocks
from watermap.arrays import FloatArray
from watermap.config import SampleConfig
from watermap.io.cog import write_raster
from watermap.io.layouts import image_layout
from watermap.io.raster import open_raster
from watermap.prediction.predictor import Predictor
from watermap.scenes.radiometry import to_expected
from watermap.scenes.sample import write_samples

_SIDE = 256
_START = 64
"""Rows and columns of the scene by which the cost of starting a command is judged."""


def sample_windows(bands: tuple[str, ...], count: int, rows: int, cols: int) -> FloatArray:
    """(count, bands, rows, cols) of a built-in scene, mirrored where it ends."""
    image = _sample(bands)
    missing = ((0, 0), (0, max(0, rows - _SIDE)), (0, max(0, count * cols - _SIDE)))
    strip = np.pad(image, missing, mode="symmetric")[:, :rows, : count * cols]
    return np.ascontiguousarray(strip.reshape(len(bands), rows, count, cols).transpose(2, 0, 1, 3))


@functools.cache
def _sample(bands: tuple[str, ...]) -> FloatArray:
    with tempfile.TemporaryDirectory(prefix="watermap-") as folder:
        write_samples(Path(folder), SampleConfig(scenes=1, size=_SIDE))
        with rasterio.open(next(Path(folder).glob("*/image.tif"))) as dataset:
            values: FloatArray = dataset.read([dataset.descriptions.index(band) + 1 for band in bands]).astype("f4")
    return values


def crop(scene: Path, path: Path, rows: int = _START, cols: int = _START) -> Path:
    """The upper left of a scene as a scene."""
    with open_raster(scene) as raster:
        bands = tuple(name or "" for name in raster.bands)
        grid = raster.grid.crop(Window(0, 0, cols, rows))
    values = whole_blocks(scene, list(range(1, len(bands) + 1)), rows, cols)
    return write_raster(path, values, grid, image_layout(bands))


def prepared_windows(scene: Path, predictor: Predictor, shape: tuple[int, int], most: int) -> list[FloatArray]:
    """Batches of windows of a scene without overlap, as the engine is given them; what is too small is mirrored.

    Args:
        scene: the image.
        predictor: the model.
        shape: (rows, cols) of a window.
        most: batches to make.
    """
    contract, size = predictor.bundle.contract, predictor.engine.batch_size
    batches: list[FloatArray] = []
    windows: list[FloatArray] = []
    with open_raster(scene) as raster:
        positions, radiometry = raster.find(contract.bands), predictor.radiometry(raster)
        height, width = raster.grid.shape
        places = [(top, left) for top in range(0, height, shape[0]) for left in range(0, width, shape[1])]
        for top, left in places:
            pixels = raster.read(positions, Window(left, top, min(shape[1], width - left), min(shape[0], height - top)))
            image = to_expected(pixels.values, radiometry, contract.radiometry)
            missing = ((0, 0), (0, shape[0] - image.shape[1]), (0, shape[1] - image.shape[2]))
            windows.append(np.pad(image, missing, mode="symmetric"))
            if len(windows) == size or (top, left) == places[-1]:
                windows += [windows[-1]] * (size - len(windows))
                batches.append(np.stack(windows))
                windows.clear()
            if len(batches) == most:
                break
    return batches
