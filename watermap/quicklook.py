"""Quicklooks: a scene in true colour, and beside it with its water on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from rasterio.enums import Resampling

from watermap.bands import TRUE_COLOR, canonical_name
from watermap.cog import WATER, WATER_COLORS
from watermap.files import appearing
from watermap.gdal import open_dataset
from watermap.radiometry import FloatArray
from watermap.report import true_color

_SIDE_PIXELS: Final = 420
_DPI: Final = 100
_BLUE: Final = to_rgb("#" + bytes(WATER_COLORS[WATER][:3]).hex())


def plot_quicklooks(scenes: Sequence[tuple[Path, Path]], path: Path) -> Path:
    """Draw scenes, each in true colour and with its water map on top, in rows of two.

    Args:
        scenes: image and water raster of each, on one grid.
        path: the PNG.

    Raises:
        DataError: an image or a map cannot be read, or the picture cannot be written.
    """
    rows = math.ceil(len(scenes) / 2)
    figure = Figure(figsize=(12, 3.3 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, 4, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for number, (image, water) in enumerate(scenes):
        left, right = grid[number // 2][2 * (number % 2) :][:2]
        picture = _picture(image)
        left.imshow(picture, interpolation="nearest")
        left.set_title(image.parent.name if image.stem == "image" else image.stem, fontsize=8, loc="left")
        right.imshow(_with_water(picture, water), interpolation="nearest")
    figure.legend(
        handles=[Patch(facecolor=_BLUE, edgecolor="grey", label="water")],
        loc="outside lower right",
        frameon=False,
        fontsize=9,
    )
    with appearing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def _picture(image: Path) -> FloatArray:
    """(rows, cols, 3) in [0, 1], at most so many pixels a side, read from the overviews."""
    with open_dataset(image) as dataset:
        named = [canonical_name(text) if text else None for text in dataset.descriptions]
        wanted = [named.index(band) + 1 for band in TRUE_COLOR if band in named]
        indexes = wanted if len(wanted) == len(TRUE_COLOR) else [1, 1, 1]
        shape = _shape(dataset)
        values = dataset.read(indexes, out_shape=(3, *shape), resampling=Resampling.nearest).astype(np.float32)
        valid = (dataset.read_masks(indexes, out_shape=(3, *shape), resampling=Resampling.nearest) > 0).all(axis=0)
    rgb = np.moveaxis(values, 0, -1) * 1e-4
    rgb[~valid] = np.nan
    return true_color(rgb)


def _with_water(picture: FloatArray, water: Path) -> FloatArray:
    with open_dataset(water) as dataset:
        codes = dataset.read(1, out_shape=picture.shape[:2], resampling=Resampling.nearest)
    shown: FloatArray = np.where((codes == WATER)[..., None], np.array(_BLUE, np.float32), picture)
    return shown


def _shape(dataset: Any) -> tuple[int, int]:
    shrink = max(1.0, max(dataset.shape) / _SIDE_PIXELS)
    return max(1, round(dataset.height / shrink)), max(1, round(dataset.width / shrink))
