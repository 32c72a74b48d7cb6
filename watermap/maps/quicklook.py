"""Quicklooks: a scene in true colour, and beside it with its water on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from rasterio.enums import Resampling

from watermap.bands import TRUE_COLOR, canonical_name
from watermap.cog import LAND, NO_DATA, WATER, WATER_COLORS
from watermap.files import appearing
from watermap.gdal import open_dataset, read_from
from watermap.grid import blocks
from watermap.maps.cartography import add_north_arrow, add_scale_bar, km2
from watermap.maps.dates import seen_on
from watermap.maps.pixelarea import code_areas_m2, pixel_size_m
from watermap.radiometry import FloatArray
from watermap.raster import Raster, open_raster
from watermap.report import GREY, true_color

_NEAR_INFRARED: Final = "B8"
_SIDE_PIXELS: Final = 420
_MAP_PIXELS: Final = 1000
_PAGE_PIXELS: Final = 640
_DPI: Final = 100
_MAP_DPI: Final = 150
_MAP_INCHES: Final = 7.0
_NARROWEST_INCHES: Final = 3.4
"""Of a map with the white beside it: title and legend need as much."""
_FRAME_INCHES: Final = 1.1
"""Of title, scale bar and legend."""
_SHORE: Final = "#00e5ff"
_TINT: Final = 0.22
"""How much of the shore's colour lies on the water, so that nobody asks on which side it is."""
_SHORE_HALO: Final = [withStroke(linewidth=2.2, foreground=(0, 0, 0, 0.55))]
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
        picture, _ = _picture(image)
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


def plot_quicklook(image: Path, water: Path, path: Path, *, names: Sequence[str] | None = None) -> Path:
    """Draw a scene in true colour with the outline of its water: a map with scale bar, north, date, legend and area.

    Args:
        image: the scene.
        water: its water raster, on the same grid.
        path: the PNG.
        names: the names of all the image's bands in order, where the user states them.

    Raises:
        DataError: the scene or the map cannot be read, or the picture cannot be written.
    """
    with open_raster(water) as raster:
        grid, day = raster.grid, seen_on(water, raster.dataset.tags())
        shape = _shape(raster.dataset, _MAP_PIXELS)
        codes = raster.dataset.read(1, out_shape=shape, resampling=Resampling.nearest)
        areas_m2 = _areas_m2(raster)
    width_m, height_m = pixel_size_m(grid)
    ratio = grid.height * height_m / (grid.width * width_m)
    wide, tall = (_MAP_INCHES, _MAP_INCHES * ratio) if ratio < 1 else (_MAP_INCHES / ratio, _MAP_INCHES)
    figure = Figure(figsize=(max(wide, _NARROWEST_INCHES), tall + _FRAME_INCHES), layout="constrained")
    axes = figure.subplots()
    picture, grey = _picture(image, _MAP_PIXELS, names)
    aspect = (grid.height * height_m / shape[0]) / (grid.width * width_m / shape[1])
    axes.imshow(picture, interpolation="antialiased", aspect=aspect)
    tint = np.zeros((*shape, 4), dtype=np.float32)
    tint[codes == WATER] = (*to_rgb(_SHORE), _TINT)
    axes.imshow(tint, interpolation="nearest", aspect=aspect)
    if (codes == WATER).any() and (codes != WATER).any():
        axes.contour(codes == WATER, [0.5], colors=_SHORE, linewidths=0.9).set(path_effects=_SHORE_HALO)
    axes.set(xticks=[], yticks=[])
    if grey is not None:
        axes.set_xlabel(f"{grey} in grey: the scene lacks red, green or blue", loc="right", fontsize=8)
    for edge in axes.spines.values():
        edge.set(color="0.35", linewidth=0.6)
    axes.set_title(water.stem.removesuffix("_water"), loc="left", fontsize=11, fontweight="bold")
    if day is not None:
        axes.set_title(f"{day:%d %B %Y}".lstrip("0"), loc="right", fontsize=9)
    add_scale_bar(axes, shape[1], width_m * grid.width / shape[1])
    add_north_arrow(axes, grid)
    _add_legend(figure, areas_m2)
    with appearing(path) as part:
        figure.savefig(part, dpi=_MAP_DPI, format="png")
    return path


def _areas_m2(raster: Raster) -> npt.NDArray[np.float64]:
    """Area on the ground of each code of a water raster."""
    found = np.zeros(NO_DATA + 1)
    for window in blocks(raster.grid, raster.block_rows):
        found += code_areas_m2(raster.read(window=window).values[0], raster.grid, window)
    return found


def _add_legend(figure: Figure, areas_m2: npt.NDArray[np.float64]) -> None:
    seen = areas_m2[LAND] + areas_m2[WATER]
    total = seen + areas_m2[NO_DATA]
    told = f"water {km2(areas_m2[WATER])}"
    if seen:
        told += f" ({areas_m2[WATER] / seen:.1%} of what was seen)"
    handles = [Patch(facecolor=(*to_rgb(_SHORE), _TINT), edgecolor=_SHORE, linewidth=1.4, label=told)]
    if areas_m2[NO_DATA]:
        unseen = f"no data {areas_m2[NO_DATA] / total:.1%}"
        handles.append(Patch(facecolor=GREY, edgecolor="0.35", linewidth=0.6, label=unseen))
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), frameon=False, fontsize=9)


def water_picture(water: Path) -> bytes:
    """A PNG of a water map, thinned out to what a page shows: water blue, land sand, no data grey.

    Args:
        water: the water raster.

    Raises:
        DataError: it cannot be read.
    """
    with open_dataset(water) as dataset:
        shape = _shape(dataset, _PAGE_PIXELS)
        codes = read_from(water, lambda: dataset.read(1, out_shape=shape, resampling=Resampling.nearest), what="it")
    file = BytesIO()
    picture = np.full((*shape, 3), GREY)
    for code in (LAND, WATER):
        picture[codes == code] = to_rgb("#" + bytes(WATER_COLORS[code][:3]).hex())
    imsave(file, picture, format="png")
    return file.getvalue()


def _picture(
    image: Path, side: int = _SIDE_PIXELS, names: Sequence[str] | None = None
) -> tuple[FloatArray, str | None]:
    """(rows, cols, 3) in [0, 1], at most so many pixels a side, read from the overviews; and what is shown in grey."""
    with open_dataset(image) as dataset:
        indexes, grey = _shown_bands(list(names or dataset.descriptions))
        shape = _shape(dataset, side)
        values = dataset.read(indexes, out_shape=(3, *shape), resampling=Resampling.nearest).astype(np.float32)
        valid = (dataset.read_masks(indexes, out_shape=(3, *shape), resampling=Resampling.nearest) > 0).all(axis=0)
    rgb = np.moveaxis(values, 0, -1) * 1e-4
    rgb[~valid] = np.nan
    return true_color(rgb), grey


def _shown_bands(described: list[str | None]) -> tuple[list[int], str | None]:
    """The file's bands (from 1) that make red, green and blue; else one for all three, with its name.

    That one is the near infrared where there is one: water is darkest in it.
    """
    named = [canonical_name(text) if text else None for text in described]
    if set(TRUE_COLOR) <= set(named):
        return [named.index(band) + 1 for band in TRUE_COLOR], None
    only = named.index(_NEAR_INFRARED) if _NEAR_INFRARED in named else 0
    return [only + 1] * len(TRUE_COLOR), described[only] or f"band {only + 1}"


def _with_water(picture: FloatArray, water: Path) -> FloatArray:
    with open_dataset(water) as dataset:
        codes = dataset.read(1, out_shape=picture.shape[:2], resampling=Resampling.nearest)
    shown: FloatArray = np.where((codes == WATER)[..., None], np.array(_BLUE, np.float32), picture)
    return shown


def _shape(dataset: Any, side: int) -> tuple[int, int]:
    shrink = max(1.0, max(dataset.shape) / side)
    return max(1, round(dataset.height / shrink)), max(1, round(dataset.width / shrink))
