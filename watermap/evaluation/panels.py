"""Pictures: training curves, and image, truth, probability and map side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from watermap.arrays import FloatArray
from watermap.io.figure import GREY, save_figure, true_color
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS

Labels = npt.NDArray[np.uint8]

_SAND, _BLUE = (to_rgb("#" + bytes(WATER_COLORS[code][:3]).hex()) for code in (LAND, WATER))
_MISSED: Final = (0.84, 0.10, 0.45)
_INVENTED: Final = (0.99, 0.60, 0.05)


@dataclass(frozen=True)
class ScenePicture:
    """What a side-by-side picture shows of one scene.

    Attributes:
        name: the scene's.
        rgb: (rows, cols, 3) reflectance in true colour, or one band three times.
        label: (rows, cols) codes.
        probability: (rows, cols) of water.
    """

    name: str
    rgb: FloatArray
    label: Labels
    probability: FloatArray

    @classmethod
    def stacked(cls, panels: Sequence[Self]) -> Self:
        """One panel of panels that lie below each other."""
        return cls(
            panels[0].name,
            np.concatenate([picture_of_scene.rgb for picture_of_scene in panels]),
            np.concatenate([picture_of_scene.label for picture_of_scene in panels]),
            np.concatenate([picture_of_scene.probability for picture_of_scene in panels]),
        )


def plot_panels(panels: Sequence[ScenePicture], path: Path, *, threshold: float) -> Path:
    """Draw image, truth, probability and agreement side by side, one row a scene.

    Args:
        panels: the scenes.
        path: the PNG.
        threshold: probability from which a pixel is water.
    """
    figure = Figure(figsize=(13, 3.4 * len(panels) + 0.9), layout="constrained")
    grid = figure.subplots(len(panels), 4, squeeze=False)
    for row, picture_of_scene in zip(grid, panels, strict=True):
        row[0].imshow(true_color(picture_of_scene.rgb), interpolation="nearest")
        row[0].set_ylabel(picture_of_scene.name, fontsize=9, parse_math=False)
        row[1].imshow(paint_classes(picture_of_scene.label), interpolation="nearest")
        unknown = picture_of_scene.label == NO_DATA
        shown = np.ma.masked_array(picture_of_scene.probability, mask=unknown)
        row[2].set_facecolor(GREY)
        picture = row[2].imshow(shown, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        row[3].imshow(paint_agreement(picture_of_scene, threshold), interpolation="nearest")
        for axes in row:
            axes.set(xticks=[], yticks=[])
    for axes, title in zip(grid[0], ("Image", "Label", "P(water)", f"Map from {threshold:g} on"), strict=True):
        axes.set_title(title, fontsize=10)
    figure.colorbar(picture, ax=grid.ravel().tolist(), location="bottom", shrink=0.25, aspect=30, pad=0.01)
    add_agreement_legend(figure, "outside lower right")
    return save_figure(figure, path)


def add_agreement_legend(figure: Figure, place: Literal["outside lower right", "outside lower center"]) -> None:
    """The colours of `paint_agreement`, outside of the axes."""
    names = {"land": _SAND, "water": _BLUE, "missed water": _MISSED, "invented water": _INVENTED, "unknown": GREY}
    handles = [Patch(facecolor=color, edgecolor="grey", label=name) for name, color in names.items()]
    figure.legend(handles=handles, loc=place, ncols=len(handles), frameon=False, fontsize=9)


def paint_classes(label: Labels) -> FloatArray:
    """Codes (rows, cols) in the colours of water rasters, unknown grey: (rows, cols, 3) in [0, 1]."""
    picture = np.full((*label.shape, 3), GREY, dtype=np.float32)
    picture[label == LAND] = _SAND
    picture[label == WATER] = _BLUE
    return picture


def paint_agreement(picture_of_scene: ScenePicture, threshold: float) -> FloatArray:
    """The map of a panel, with missed and invented water in colours of their own: (rows, cols, 3) in [0, 1]."""
    picture = paint_classes(picture_of_scene.label)
    mapped = picture_of_scene.probability >= threshold
    picture[(picture_of_scene.label == WATER) & ~mapped] = _MISSED
    picture[(picture_of_scene.label == LAND) & mapped] = _INVENTED
    return picture
