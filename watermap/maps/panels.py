"""Maps of one place side by side, with a title each, a legend of areas, a scale bar and an arrow to the north."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from affine import Affine
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from watermap.arrays import Codes
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_size_m
from watermap.io.files import writing
from watermap.legend import Rgba
from watermap.maps.cartography import add_north_arrow, add_scale_bar

NO_DATA_COLOR: Final[Rgba] = (158, 158, 158, 255)
"""On paper, where nothing lies below what is transparent in a map."""
_FADED: Final = 0.3
"""How much is left of the colour of what does not count."""
_PANEL_INCHES: Final = 4.25
_TALLEST_INCHES: Final = 7.0
_NARROWEST_INCHES: Final = 3.2
"""Of a panel with the white beside it: titles and legend need as much."""
_FRAME_INCHES: Final = 1.45
"""Of titles, scale bar and legend."""
_DPI: Final = 150


@dataclass(frozen=True)
class Panel:
    """One of the maps.

    Attributes:
        picture: (rows, cols, 4) bytes.
        title: in bold.
        caption: a line below it.
    """

    picture: Any
    title: str
    caption: str


def plot_panels(
    panels: Sequence[Panel], grid: Grid, step: int, legend: Mapping[str, Rgba], path: Path, *, remark: str | None = None
) -> Path:
    """Draw maps side by side. Rows run southwards and columns eastwards, as far as the raster is not turned.

    Args:
        panels: the maps, all of one size.
        grid: of the raster that they show.
        step: pixels of the raster from one that is shown to the next.
        legend: colour by what it means.
        path: the PNG.
        remark: a line above the legend.

    Raises:
        DataError: the picture cannot be written.
    """
    width_m, height_m = pixel_size_m(grid)
    ground_ratio = grid.height * height_m / (grid.width * width_m)
    tall = min(_PANEL_INCHES * ground_ratio, _TALLEST_INCHES)
    wide = max(tall / ground_ratio, _NARROWEST_INCHES)
    figure = Figure(figsize=(len(panels) * wide + 0.2, tall + _FRAME_INCHES), layout="constrained")
    turn, shown = upright(grid)
    for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
        axes.imshow(panel.picture[turn], aspect=height_m / width_m, interpolation="auto")
        axes.set(xticks=[], yticks=[])
        axes.set_title(_shortened(panel.title), loc="left", fontsize=12, fontweight="bold", pad=20, parse_math=False)
        axes.annotate(panel.caption, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=10)
        for edge in axes.spines.values():
            edge.set(color="0.35", linewidth=0.6)
    add_scale_bar(figure.axes[0], panels[0].picture.shape[1], width_m * step)
    add_north_arrow(figure.axes[0], shown)
    handles = [
        Patch(facecolor="#" + bytes(color[:3]).hex(), edgecolor="0.35", linewidth=0.6, label=name)
        for name, color in legend.items()
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=10,
        title=remark,
        title_fontsize=9,
    )
    with writing(path) as part:
        figure.savefig(part, dpi=_DPI, format="png")
    return path


def painted(codes: Codes, colors: Mapping[int, Rgba]) -> Any:
    """A picture (rows, cols, 4) of codes, in bytes."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for code, color in colors.items():
        palette[code] = color
    return palette[codes]


def faded(picture: Any, where: npt.NDArray[np.bool_]) -> Any:
    """A picture that shows some pixels as if behind what was not seen."""
    result = picture.copy()
    result[where] = np.rint(_FADED * picture[where] + (1 - _FADED) * np.array(NO_DATA_COLOR))
    return result


def upright(grid: Grid) -> tuple[tuple[slice, slice], Grid]:
    """What turns a picture whose rows run northwards, or columns westwards; and the grid that it then shows."""
    flips_rows, flips_cols = grid.transform.e > 0, grid.transform.a < 0
    transform = grid.transform
    if flips_rows:
        transform = transform @ Affine(1, 0, 0, 0, -1, grid.height)
    if flips_cols:
        transform = transform @ Affine(-1, 0, grid.width, 0, 1, 0)
    turn = slice(None, None, -1 if flips_rows else 1), slice(None, None, -1 if flips_cols else 1)
    return turn, replace(grid, transform=transform)


def _shortened(title: str, *, longest: int = 38) -> str:
    half = longest // 2 - 1
    return title if len(title) <= longest else f"{title[:half]}…{title[-half:]}"
