"""The picture of an index: a map in the colours of its style, with a bar that says what they mean."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from rasterio.enums import Resampling

from watermap.arrays import FloatArray
from watermap.geo.pixel_area import pixel_size_m
from watermap.io.figure import GREY
from watermap.io.files import writing
from watermap.io.gdal import read_from
from watermap.io.layouts import RasterLayout
from watermap.io.raster import open_raster
from watermap.maps.cartography import add_north_arrow, add_scale_bar
from watermap.prediction.provenance import INDEX_TAG
from watermap.scenes.dates import sensed_on
from watermap.scenes.indices import INDICES, WaterIndex

_SIDE_PIXELS: Final = 1000
_DPI: Final = 150
_MAP_INCHES: Final = 7.0
_NARROWEST_INCHES: Final = 3.6
"""Of a map with the white beside it: title and colour bar need as much."""
_LOWEST_INCHES: Final = 0.9
_FRAME_INCHES: Final = 1.6
"""Of title, scale bar and colour bar."""
_LEGEND_INCHES: Final = 0.3
_LINE_INCHES: Final = 0.16
_LETTERS_AN_INCH: Final = 13
"""Of the formula below the colour bar."""
_ROUNDING: Final = 1e-6
_BAR_ASPECT: Final = 22
_LEAST_GAP: Final = 0.15
"""Of the colour bar's length: numbers closer together would touch."""


def plot_index(index: Path, layout: RasterLayout, path: Path, *, threshold: float | None = None) -> Path:
    """Draw an index raster with scale bar, north, date, and a bar of its colours.

    Args:
        index: the raster.
        layout: of it, with its ramp of colours.
        path: the PNG.
        threshold: where water begins, if it was mapped.

    Raises:
        DataError: the raster cannot be read, or the picture cannot be written.
    """
    figure = index_figure(index, layout, threshold=threshold)
    with writing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def index_figure(index: Path, layout: RasterLayout, *, threshold: float | None = None) -> Figure:
    """The figure that `plot_index` writes.

    Args:
        index: the raster.
        layout: of it, with its ramp of colours.
        threshold: where water begins, if it was mapped.

    Raises:
        DataError: the raster cannot be read.
    """
    with open_raster(index) as raster:
        grid, tags = raster.grid, raster.dataset.tags()
        values = _thinned(index, raster.dataset)
    kind, has_gaps = INDICES[tags[INDEX_TAG]], bool(np.isnan(values).any())
    width_m, height_m = pixel_size_m(grid)
    ratio = grid.height * height_m / (grid.width * width_m)
    wide, tall = (_MAP_INCHES, _MAP_INCHES * ratio) if ratio < 1 else (_MAP_INCHES / ratio, _MAP_INCHES)
    width = max(wide, _NARROWEST_INCHES)
    formula = textwrap.wrap(f"{kind.title} = {kind.formula}", int(width * _LETTERS_AN_INCH))
    below = _LEGEND_INCHES * has_gaps + _LINE_INCHES * len(formula)
    size = width, max(tall, _LOWEST_INCHES) + _FRAME_INCHES + below
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    mapped = _colors(layout)
    picture = np.where(np.isnan(values)[..., None], (*GREY, 1.0), mapped.to_rgba(np.nan_to_num(values)))
    aspect = (grid.height * height_m / values.shape[0]) / (grid.width * width_m / values.shape[1])
    axes.imshow(picture, interpolation="antialiased", aspect=aspect)
    axes.set(xticks=[], yticks=[])
    for edge in axes.spines.values():
        edge.set(color="0.35", linewidth=0.6)
    name = index.stem.removesuffix(f"_{kind.name}")
    axes.set_title(f"{name}, {kind.title}", loc="left", fontsize=11, fontweight="bold", parse_math=False)
    if (day := sensed_on(index, tags)) is not None:
        axes.set_title(f"{day:%d %B %Y}".lstrip("0"), loc="right", fontsize=9)
    add_scale_bar(axes, values.shape[1], width_m * grid.width / values.shape[1])
    add_north_arrow(axes, grid)
    if has_gaps:
        no_data = Patch(facecolor=GREY, edgecolor="0.35", linewidth=0.6, label="no data")
        figure.legend(handles=[no_data], loc="outside lower right", frameon=False, fontsize=9)
    _add_bar(figure, mapped, _ends(layout), kind, formula, threshold)
    return figure


def _thinned(index: Path, dataset: Any) -> FloatArray:
    """The values, thinned out to what a picture shows; NaN where there is no data."""
    shrink = max(1.0, max(dataset.shape) / _SIDE_PIXELS)
    shape = tuple(max(1, round(side / shrink)) for side in dataset.shape)
    values: FloatArray = read_from(
        index, lambda: dataset.read(1, out_shape=shape, resampling=Resampling.average), what="it"
    )
    return values


def _colors(layout: RasterLayout) -> ScalarMappable:
    low, high = _ends(layout)
    stops = [((value - low) / (high - low), tuple(part / 255 for part in color)) for value, color in layout.ramp or ()]
    return ScalarMappable(Normalize(low, high), LinearSegmentedColormap.from_list("index", stops, N=512))


def _ends(layout: RasterLayout) -> tuple[float, float]:
    (low, _), *_, (high, _) = layout.ramp or ((0.0, None), (1.0, None))
    return low, high


def _add_bar(
    figure: Figure,
    mapped: ScalarMappable,
    ends: tuple[float, float],
    kind: WaterIndex,
    formula: Sequence[str],
    threshold: float | None,
) -> None:
    """What the colours mean; where water begins, if it was mapped, is marked."""
    (axes,) = figure.axes
    bar = figure.colorbar(
        mapped, ax=axes, orientation="horizontal", extend="both", aspect=_BAR_ASPECT, shrink=0.8, pad=0.03
    )
    low, high = ends
    middle = 0.0 if threshold is None else threshold
    gap = _LEAST_GAP * (high - low)
    steps = [value for value in np.linspace(-4, 4, 21) if low - _ROUNDING <= value <= high + _ROUNDING]
    ticks = [value for value in steps if abs(value - middle) >= gap]
    bar.set_ticks([*ticks, middle])
    bar.set_ticklabels([*(f"{value:.1f}" for value in ticks), f"{middle:.3g}"])
    bar.ax.tick_params(labelsize=9)
    sides = ["water", "land"] if kind.water_is_low else ["land", "water"]
    mark = f"{sides[0]} | {sides[1]}" if threshold is None else f"{sides[0]} < {middle:.3g} < {sides[1]}"
    bar.set_label("\n".join([*formula, mark]), fontsize=9, parse_math=False)
    bar.outline.set(edgecolor="0.35", linewidth=0.6)
    bar.ax.axvline(middle, color="0.1", linewidth=1.2)
