"""What goes with a water map: styles for QGIS, a quicklook, polygons of its water bodies, a STAC item."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from watermap.config import ProductConfig, VectorizeConfig
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout
from watermap.io.paths import remote
from watermap.io.products import SceneFiles
from watermap.io.qgis_style import style_path, write_polygon_style, write_raster_style
from watermap.io.raster import Raster, open_raster
from watermap.legend import WATER, WATER_COLORS
from watermap.maps.stac_item import write_map_item
from watermap.prediction.outputs import OTHER_ENDS, layout_of
from watermap.prediction.scene import Prediction
from watermap.progress import Progress, silent

_ENDS: Final = {"bodies": "bodies.gpkg", "quicklook": "quicklook.png"}
"""Of the names of what people open."""
_ITEM: Final = "item.json"


def add_products(
    scene: Path | SceneFiles | Raster,
    made: Prediction,
    config: ProductConfig,
    *,
    names: Sequence[str] | None = None,
    keep: bool = False,
    layouts: Mapping[str, RasterLayout] = {},
    pictures: Mapping[str, Path] = {},
    progress: Progress = silent,
) -> Prediction:
    """Make what goes with a water map, each file complete or not at all.

    Where the map replaces one that another bundle, settings or scene had made, what lies beside it of that is removed;
    polygons, which may hold what their user drew, are not.

    `NAME_water.qml` and `NAME_probability.qml` are styles, `NAME_quicklook.png` a picture of the scene with its water,
    `NAME_bodies.gpkg` the water bodies, `NAME_item.json` the STAC item of all these.

    Args:
        scene: what the map was made of; one that is open is not opened again.
        made: the map.
        config: which of them.
        names: the names of all the image's bands in order, if the user states them.
        layouts: of rasters beside the map that are not of prediction, by the end of their names.
        pictures: that were made already and belong to the map, by their key in the item.
        keep: leave them as they are where all of them are there.
        progress: told as polygons are made.

    Returns:
        The prediction with what people open besides: polygons and picture, as far as they are asked for; and a note of
        what was removed.

    Raises:
        DataError: the scene or the map cannot be read, or a file cannot be written.
    """
    files = _files(made, config) | dict(pictures)
    done = replace(made, products=tuple(files[key] for key in (*_ENDS, *pictures) if key in files))
    item = _beside(made, _ITEM)
    if keep and all(file.exists() for file in (*files.values(), *([item] if config.stac else []))):
        return done
    if made.replaces:
        again = {*files.values(), *([item] if config.stac else [])}
        done = replace(done, notes=(*made.notes, *_remove_earlier(made, again)))
    if config.polygons:
        from watermap.maps.polygons.vectorize import vectorize

        options = VectorizeConfig()
        vectorize(made.water, files["bodies"], options, probability=made.probability, progress=progress)
    if config.style:
        _write_styles(made, files.get("bodies"), layouts)
    if config.quicklook:
        from watermap.maps.quicklook import plot_quicklook

        plot_quicklook(scene, made.water, files["quicklook"], names=names)
    if config.stac:
        source = _source(scene if isinstance(scene, Path) else scene.path, item.parent)
        write_map_item(item, made.water, files, source=source, digests=made.digests)
    return done


def _remove_earlier(made: Prediction, again: Collection[Path]) -> list[str]:
    """Remove what is not made again beside a map and is of an earlier one; what the user should know."""
    others = [_beside(made, f"{end}{made.water.suffix}") for end in OTHER_ENDS]
    siblings = [*others, *map(style_path, others), _beside(made, _ENDS["quicklook"]), _beside(made, _ITEM)]
    earlier = [path for path in siblings if path not in again and path.exists()]
    for path in earlier:
        path.unlink()
    notes = []
    if earlier:
        names = ", ".join(path.name for path in earlier)
        notes.append(f"{made.water}: is another map than before, so what went with that is removed: {names}")
    bodies = _beside(made, _ENDS["bodies"])
    if bodies not in again and bodies.exists():
        notes.append(f"{bodies}: is of an earlier map; make it again with watermap vectorize {made.water}")
    return notes


def _source(scene: Path, folder: Path) -> str:
    """Where a scene lies, as a URL that is seen from a folder: both may move together."""
    return str(scene) if remote(scene) is not None else quote(os.path.relpath(scene.resolve(), folder.resolve()))


def _beside(made: Prediction, end: str) -> Path:
    return made.water.with_name(f"{made.water.stem.removesuffix('water')}{end}")


def _files(made: Prediction, config: ProductConfig) -> dict[str, Path]:
    """What belongs to a map, by its key in the item."""
    wanted = {"bodies": config.polygons, "quicklook": config.quicklook}
    files = {key: _beside(made, end) for key, end in _ENDS.items() if wanted[key]}
    files |= made.others
    if config.style:
        styled = {"style": made.water, "bodies_style": files.get("bodies")}
        styled |= {f"{end}_style": path for end, path in made.others.items()}
        files |= {key: style_path(file) for key, file in styled.items() if file is not None}
    return files


def _write_styles(made: Prediction, bodies: Path | None, layouts: Mapping[str, RasterLayout]) -> None:
    write_raster_style(made.water, LABEL_LAYOUT)
    for end, path in made.others.items():
        write_raster_style(path, layouts[end] if end in layouts else _layout(path, end))
    if bodies is not None:
        write_polygon_style(bodies, {"water": WATER_COLORS[WATER]})


def _layout(path: Path, end: str) -> RasterLayout:
    with open_raster(path) as raster:
        return layout_of(end, raster.count, raster.dtype.name)
