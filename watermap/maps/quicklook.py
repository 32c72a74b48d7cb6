"""Quicklooks: a scene in true colour, and beside it with its water on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from rasterio.enums import Resampling
from rasterio.features import sieve

from watermap.arrays import Codes, FloatArray
from watermap.bands import TRUE_COLOR, canonical_name
from watermap.geo.area_text import PICTURE_DIGITS, km2
from watermap.geo.pixel_area import pixel_size_m
from watermap.io.figure import GREY, stretched
from watermap.io.files import writing
from watermap.io.gdal import open_dataset, read_from
from watermap.io.products import SceneFiles
from watermap.io.raster import Raster, open_raster
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS
from watermap.maps.cartography import add_north_arrow, add_scale_bar
from watermap.maps.water_rasters import water_areas_m2
from watermap.scenes.dates import sensed_on
from watermap.scenes.find import output_name

_NEAR_INFRARED: Final = "B8"
_SIDE_PIXELS: Final = 420
_MAP_PIXELS: Final = 1000
_PAGE_PIXELS: Final = 640
_DPI: Final = 100
_MAP_DPI: Final = 150
_MAP_INCHES: Final = 7.0
_NARROWEST_INCHES: Final = 3.4
"""Of a map with the white beside it: title and legend need as much."""
_LEGEND_INCHES: Final = 5.0
"""Of a picture that holds the whole legend in one line."""
_LOWEST_INCHES: Final = 0.7
"""Of a map with the white below it: the arrow needs as much."""
_FRAME_INCHES: Final = 1.1
"""Of title, scale bar and legend."""
_SHORE: Final = "#00e5ff"
_TINT: Final = 0.22
"""How much of the shore's colour lies on the water, so that nobody asks on which side it is."""
_SMALL_TINT: Final = 0.6
"""On bodies that a shore's line would hide, and all between many of them: they have none."""
_SMALL_INCHES: Final = 0.07
"""On paper, the side of a square as large as they are."""
_SHORE_HALO: Final = [withStroke(linewidth=1.8, foreground=(0, 0, 0, 0.5))]
_BLUE: Final = to_rgb("#" + bytes(WATER_COLORS[WATER][:3]).hex())


def plot_quicklooks(scenes: Sequence[tuple[Path | SceneFiles, Path]], path: Path) -> Path:
    """Draw scenes, each in true colour and with its water map on top, in rows of two.

    Args:
        scenes: files and water raster of each, on one grid.
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
        with open_raster(water) as raster:
            codes = _codes(raster, _SIDE_PIXELS)
        picture, _ = _picture(image, codes != NO_DATA)
        left.imshow(picture, interpolation="nearest")
        left.set_title(output_name(image), fontsize=8, loc="left", parse_math=False)
        painted = np.where((codes == WATER)[..., None], np.array(_BLUE, np.float32), picture)
        right.imshow(painted, interpolation="nearest")
    figure.legend(
        handles=[Patch(facecolor=_BLUE, edgecolor="grey", label="water")],
        loc="outside lower right",
        frameon=False,
        fontsize=9,
    )
    with writing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def plot_quicklook(
    image: Path | SceneFiles | Raster, water: Path, path: Path, *, names: Sequence[str] | None = None
) -> Path:
    """Write the picture that `quicklook_figure` draws.

    Args:
        image: the scene; one that is open is not opened again.
        water: its water raster, on the same grid.
        path: the PNG.
        names: the names of all the image's bands in order, where the user states them.

    Raises:
        DataError: the scene or the map cannot be read, or the picture cannot be written.
    """
    figure = quicklook_figure(image, water, names=names)
    with writing(path) as part:
        figure.savefig(part, dpi=_MAP_DPI, format="png")
    return path


def quicklook_figure(image: Path | SceneFiles | Raster, water: Path, *, names: Sequence[str] | None = None) -> Figure:
    """Draw a scene in true colour with the outline of its water: a map with scale bar, north, date, legend and area.

    Args:
        image: the scene; one that is open is not opened again.
        water: its water raster, on the same grid.
        names: the names of all the image's bands in order, where the user states them.

    Raises:
        DataError: the scene or the map cannot be read.
    """
    with open_raster(water) as raster:
        grid, day = raster.grid, sensed_on(water, raster.dataset.tags())
        codes = _codes(raster, _MAP_PIXELS)
    areas_m2 = water_areas_m2(water)
    shape = codes.shape
    width_m, height_m = pixel_size_m(grid)
    ratio = grid.height * height_m / (grid.width * width_m)
    wide, tall = (_MAP_INCHES, _MAP_INCHES * ratio) if ratio < 1 else (_MAP_INCHES / ratio, _MAP_INCHES)
    size = max(wide, _NARROWEST_INCHES), max(tall, _LOWEST_INCHES) + _FRAME_INCHES
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    picture, grey = _picture(image, codes != NO_DATA, names)
    aspect = (grid.height * height_m / shape[0]) / (grid.width * width_m / shape[1])
    axes.imshow(picture, interpolation="antialiased", aspect=aspect)
    small = _small_bodies(codes, round(_SMALL_INCHES**2 * codes.size / (wide * tall)))
    tint = np.zeros((*shape, 4), dtype=np.float32)
    tint[codes == WATER] = (*to_rgb(_SHORE), _TINT)
    tint[small] = (*to_rgb(_SHORE), _SMALL_TINT)
    axes.imshow(tint, interpolation="nearest", aspect=aspect)
    _plot_shores(axes, codes, small)
    axes.set(xticks=[], yticks=[])
    if grey is not None:
        caption = f"{grey} in grey: the scene lacks red, green or blue"
        axes.set_xlabel(caption, loc="right", fontsize=8, parse_math=False)
    for edge in axes.spines.values():
        edge.set(color="0.35", linewidth=0.6)
    name = water.stem.removesuffix("_water")
    axes.set_title(name, loc="left", fontsize=11, fontweight="bold", parse_math=False)
    if day is not None:
        axes.set_title(f"{day:%d %B %Y}".lstrip("0"), loc="right", fontsize=9)
    add_scale_bar(axes, shape[1], width_m * grid.width / shape[1])
    add_north_arrow(axes, grid)
    lake = (codes == WATER) & ~small
    below = np.median(picture[lake], axis=0) if lake.any() else np.zeros(3)
    _add_legend(figure, areas_m2, (1 - _TINT) * below + _TINT * np.array(to_rgb(_SHORE)))
    return figure


def _codes(raster: Raster, side: int) -> Codes:
    """Of a water raster, thinned out to at most so many pixels a side."""
    shape = _shape(raster.dataset, side)
    return read_from(
        raster.path, lambda: raster.dataset.read(1, out_shape=shape, resampling=Resampling.nearest), what="it"
    )


def _small_bodies(codes: Codes, pixels: int) -> npt.NDArray[np.bool_]:
    """Which pixels are of bodies of fewer than so many."""
    if pixels < 1:
        return np.zeros(codes.shape, dtype=bool)
    is_water = codes == WATER
    small: npt.NDArray[np.bool_] = is_water & (sieve(is_water.astype(np.uint8), pixels) == 0)
    return small


def _plot_shores(axes: Axes, codes: Codes, small: npt.NDArray[np.bool_]) -> None:
    """Lines between water and land; where either ends at no data there is no shore."""
    hidden = (codes == NO_DATA) | small
    shown = codes[~hidden]
    if min(codes.shape) > 1 and (shown == WATER).any() and (shown == LAND).any():
        lake = np.ma.masked_array(codes == WATER, mask=codes == NO_DATA)
        lake[small] = False
        axes.contour(lake, [0.5], colors=_SHORE, linewidths=0.8).set(path_effects=_SHORE_HALO)


def _add_legend(figure: Figure, areas_m2: npt.NDArray[np.float64], lake: npt.NDArray[Any]) -> None:
    """What the colours mean; water is shown as most of it looks on the map."""
    valid_m2 = areas_m2[LAND] + areas_m2[WATER]
    total = valid_m2 + areas_m2[NO_DATA]
    caption = f"water {km2(areas_m2[WATER], digits=PICTURE_DIGITS)} km²"
    if valid_m2:
        caption += f" ({areas_m2[WATER] / valid_m2:.1%} of what was seen)"
    handles = [Patch(facecolor=tuple(lake), edgecolor=_SHORE, linewidth=1.4, label=caption)]
    if areas_m2[NO_DATA]:
        no_data = f"no data {areas_m2[NO_DATA] / total:.1%}"
        handles.append(Patch(facecolor=GREY, edgecolor="0.35", linewidth=0.6, label=no_data))
    is_narrow = figure.get_figwidth() < _LEGEND_INCHES
    figure.legend(
        handles=handles,
        loc="outside lower right",
        ncols=1 if is_narrow else len(handles),
        frameon=False,
        fontsize=9,
    )


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
    image: Path | SceneFiles | Raster, valid: npt.NDArray[np.bool_], names: Sequence[str] | None = None
) -> tuple[FloatArray, str | None]:
    """A scene in the numbers that it stores, thinned out like its map; and what is shown in grey.

    Args:
        image: the scene.
        valid: (rows, cols), which pixels of the picture hold data, by the map.
        names: of its bands, if the user states them.

    Returns:
        (rows, cols, 3) in [0, 1].
    """
    with open_raster(image, names=names) as raster:
        dataset = raster.dataset
        indexes, grey = _shown_bands(list(raster.names))
        shape = (len(indexes), *valid.shape)
        stored = read_from(
            raster.scene, lambda: dataset.read(indexes, out_shape=shape, resampling=Resampling.nearest), what="it"
        )
        mask = read_from(raster.scene, lambda: dataset.dataset_mask(out_shape=valid.shape), what="its mask")
    values = np.moveaxis(stored, 0, -1).astype(np.float32)
    shown = valid & np.isfinite(values).all(axis=-1) & (mask > 0)  # thinned out, edges may lie a pixel apart
    return stretched(np.where(shown[..., None], values, np.float32(0)), shown), grey


def _shown_bands(described: list[str | None]) -> tuple[list[int], str | None]:
    """The file's bands (from 1) that make red, green and blue; else one for all three, with its name.

    That one is the near infrared where there is one: water is darkest in it.
    """
    named = [canonical_name(text) if text else None for text in described]
    if set(TRUE_COLOR) <= set(named):
        return [named.index(band) + 1 for band in TRUE_COLOR], None
    only = named.index(_NEAR_INFRARED) if _NEAR_INFRARED in named else 0
    return [only + 1] * len(TRUE_COLOR), described[only] or f"band {only + 1}"


def _shape(dataset: Any, side: int) -> tuple[int, int]:
    shrink = max(1.0, max(dataset.shape) / side)
    return max(1, round(dataset.height / shrink)), max(1, round(dataset.width / shrink))
