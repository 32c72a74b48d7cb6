"""Large scenes for benchmarks: the built-in samples side by side, turned over, in the layout that watermap exports."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from watermap.bands import STANDARD_BANDS
from watermap.config import SampleConfig
from watermap.geo.grid import Grid
from watermap.io.cog import RasterWriter
from watermap.io.layouts import image_layout
from watermap.scenes.sample import write_samples

TILE = 10_980
"""Pixels of a Sentinel-2 tile's side."""

_SIDE = 1024
_ROWS = 512


@functools.cache
def _samples(bands: tuple[str, ...], side: int) -> list[np.ndarray]:
    """Sample images (bands, side, side)."""
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder), SampleConfig(scenes=4, size=side))
        images = []
        for scene in sorted(Path(folder).glob("*/image.tif")):
            with rasterio.open(scene) as dataset:
                images.append(dataset.read([dataset.descriptions.index(band) + 1 for band in bands]))
    return images


def big_scene(path: Path, rows: int, cols: int, *, bands: tuple[str, ...] = STANDARD_BANDS, empty: float = 0.0) -> Path:
    """Write a scene of any size.

    Args:
        path: the file.
        rows, cols: its pixels.
        bands: canonical names.
        empty: share of the columns, on the right, that hold no data.
    """
    images = _samples(bands, _SIDE)
    turned = [image[:, ::down, ::across] for image in images for down in (1, -1) for across in (1, -1)]
    grid = Grid(CRS.from_epsg(32633), Affine(10, 0, 5e5, 0, -10, 5.3e6), cols, rows)
    across = -(-cols // _SIDE)
    with RasterWriter(path, grid, image_layout(bands)) as writer:
        for top in range(0, rows, _ROWS):
            number, part = divmod(top, _SIDE)
            row = [turned[(number * 7 + col * 3) % len(turned)][:, part : part + _ROWS] for col in range(across)]
            values = np.concatenate(row, axis=2)[:, : min(_ROWS, rows - top), :cols].copy()
            values[:, :, cols - round(empty * cols) :] = 65535
            writer.write(values)
    return path


def whole_blocks(path: Path, positions: list[int], rows: int, cols: int) -> np.ndarray:
    """The upper left of a scene, as it is stored."""
    with rasterio.open(path) as dataset:
        found: np.ndarray = dataset.read(positions, window=Window(0, 0, cols, rows))
    return found
