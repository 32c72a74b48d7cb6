"""What goes with a water map: styles for QGIS, a quicklook, polygons of its water bodies, a STAC item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from watermap.cog import LABEL_LAYOUT, WATER, WATER_COLORS
from watermap.config import ProductConfig, VectorizeConfig
from watermap.map_item import write_map_item
from watermap.prediction import FLOAT_LAYOUT, PERCENT_LAYOUT, Prediction
from watermap.progress import Progress, silent
from watermap.raster import open_raster
from watermap.style import write_polygon_style, write_raster_style

_WATER: Final = "_water"


def add_products(
    scene: Path,
    made: Prediction,
    config: ProductConfig,
    *,
    names: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Prediction:
    """Make what goes with a water map, each file complete or not at all; what is there already is made anew.

    `NAME_water.qml` and `NAME_probability.qml` are styles, `NAME_quicklook.png` a picture of the scene with its water,
    `NAME_bodies.gpkg` the water bodies, `NAME_item.json` the STAC item of all these.

    Args:
        scene: the image that the map was made of.
        made: the map.
        config: which of them.
        names: the names of all the image's bands in order, if the user states them.
        progress: told as polygons are made.

    Returns:
        The prediction with what people open besides: polygons and picture, as far as they are asked for.

    Raises:
        DataError: the scene or the map cannot be read, or a file cannot be written.
    """
    folder, name = made.water.parent, made.water.stem.removesuffix(_WATER)
    bodies, quicklook = folder / f"{name}_bodies.gpkg", folder / f"{name}_quicklook.png"
    files: dict[str, Path] = {} if made.probability is None else {"probability": made.probability}
    if config.polygons:
        from watermap.vectorize import vectorize

        files["bodies"] = vectorize(
            made.water, bodies, VectorizeConfig(), probability=made.probability, progress=progress
        ).path
    if config.style:
        files |= dict(_styles(made, files.get("bodies")))
    if config.quicklook:
        from watermap.quicklook import plot_quicklook

        files["quicklook"] = plot_quicklook(scene, made.water, quicklook, names=names)
    if config.stac:
        write_map_item(folder / f"{name}_item.json", made.water, files, source=str(scene))
    return replace(made, products=tuple(files[key] for key in ("bodies", "quicklook") if key in files))


def _styles(made: Prediction, bodies: Path | None) -> Iterator[tuple[str, Path]]:
    yield "style", write_raster_style(made.water, LABEL_LAYOUT)
    if made.probability is not None:
        with open_raster(made.probability) as raster:
            layout = PERCENT_LAYOUT if raster.dtype.name == PERCENT_LAYOUT.dtype else FLOAT_LAYOUT
        yield "probability_style", write_raster_style(made.probability, layout)
    if bodies is not None:
        yield "bodies_style", write_polygon_style(bodies, {"water": WATER_COLORS[WATER]})
