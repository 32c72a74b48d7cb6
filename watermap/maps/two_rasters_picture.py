"""The picture of a comparison of two class rasters: both, and where they differ, with areas and a scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from watermap.geo.area_text import PICTURE_DIGITS, km2
from watermap.geo.grid import Grid
from watermap.legend import LAND, NO_DATA, WATER_COLORS
from watermap.maps.panels import NO_DATA_COLOR, Panel, faded, painted, plot_panels
from watermap.maps.two_rasters import PairClasses, PairViews


@dataclass(frozen=True)
class PairCaptions:
    """What stands beside the maps of two class rasters.

    Attributes:
        titles: of the first, the second, and of what tells them apart.
        summary: a line below the last title.
        names: of the classes, by code.
        remark, faded_remark: a line above the legend where something is unknown; the other one where part of that is
            faded.
    """

    titles: Sequence[str]
    summary: str
    names: Mapping[int, str]
    remark: str
    faded_remark: str


def plot_pair(
    path: Path,
    grid: Grid,
    views: PairViews,
    areas_m2: Mapping[int, float],
    classes: PairClasses,
    captions: PairCaptions,
) -> Path:
    """Draw two class rasters and their pairs side by side, with km2 by class, a scale bar and an arrow to the north.

    What only one of them knows is faded, and counts in no area. Rows run southwards and columns eastwards, as far as
    the raster is not turned.

    Args:
        path: the PNG.
        grid: of the rasters.
        views: what is shown.
        areas_m2: by code of the classes.
        classes: of the raster that compares them.
        captions: what stands beside the maps.

    Raises:
        DataError: the picture cannot be written.
    """
    water, colors = ({**palette, NO_DATA: NO_DATA_COLOR} for palette in (WATER_COLORS, classes.colors))
    waters_m2 = classes.water_m2(areas_m2)

    def written(area_m2: float) -> str:
        return f"{km2(area_m2, digits=PICTURE_DIGITS, like_m2=max(waters_m2))} km²"

    is_unknown = views.combined == NO_DATA
    *titles, last = captions.titles
    panels = [
        Panel(faded(painted(codes, water), is_unknown), title, f"water {written(area_m2)}")
        for codes, title, area_m2 in zip((views.first, views.second), titles, waters_m2, strict=True)
    ]
    panels.append(Panel(painted(views.combined, colors), last, captions.summary))
    legend = {
        f"{name} {written(areas_m2[code])}": colors[code]
        for code, name in captions.names.items()
        if areas_m2[code] or code not in (LAND, NO_DATA)
    }
    has_faded = bool((is_unknown & ((views.first != NO_DATA) | (views.second != NO_DATA))).any())
    remark = captions.faded_remark if has_faded else captions.remark
    return plot_panels(panels, grid, views.step, legend, path, remark=remark if areas_m2[NO_DATA] else None)
