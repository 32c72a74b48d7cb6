"""Polygons, changes and timelines in one call each, with the files that go with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from watermap.config import VectorizeConfig
from watermap.io.paths import local, location, remote
from watermap.io.qgis_style import write_polygon_style
from watermap.legend import WATER, WATER_COLORS
from watermap.maps import change as change_maps
from watermap.maps import timeline as timelines
from watermap.maps.change import Change
from watermap.maps.change_picture import plot_change
from watermap.maps.polygons import vectorize as polygons
from watermap.maps.polygons.vectorize import Bodies
from watermap.maps.stac_item import refresh_asset
from watermap.maps.timeline import Timeline
from watermap.maps.timeline_plot import plot_timeline
from watermap.maps.water_rasters import WATER_SUFFIX
from watermap.progress import Progress, silent

DEFAULT_CHANGES: Final = Path("data/changes")
"""Where `watermap change` writes as well."""


def vectorize(
    water: str | Path,
    out: str | Path | None = None,
    *,
    probability: str | Path | None = None,
    config: str | Path | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Bodies:
    """Make a GeoPackage of the water bodies of a water raster, with its style for QGIS.

    Args:
        water: 0 land, 1 water, 255 no data.
        out: the GeoPackage; None: NAME_bodies.gpkg beside NAME_water.tif, or here where that lies elsewhere.
        probability: raster on the same grid, for the mean of each body.
        config: a TOML file with a table `vectorize`; options win.
        progress: told as work goes on.
        options: settings of `watermap.config.VectorizeConfig`: min_area_m2, simplify_m, smooth.

    Raises:
        DataError: a raster cannot be used, or the polygons cannot be written; nothing is left half done.
        StorageError: a raster lies elsewhere and cannot be reached.
        UsageError: a setting is unknown or out of bounds, or `out` is no place for the polygons.

    Example:
        >>> import watermap
        >>> bodies = watermap.vectorize("lake_20230601_water.tif", min_area_m2=1000)
        >>> bodies.path.name, bodies.count
        ('lake_20230601_bodies.gpkg', 1)
        >>> f"{bodies.area_m2 / 1e6:.2f} km2"
        '0.16 km2'
    """
    settings = VectorizeConfig.load(_path(config), section="vectorize", **options)
    raster, likely = location(water), None if probability is None else location(probability)
    name = raster.stem.removesuffix(WATER_SUFFIX)
    beside = raster.parent if remote(raster) is None else Path()
    file = local(beside / f"{name}_bodies.gpkg" if out is None else out)
    made = polygons.vectorize(raster, file, settings, probability=likely, progress=progress)
    style = write_polygon_style(made.path, {"water": WATER_COLORS[WATER]})
    for written in (made.path, style):
        refresh_asset(file.parent / f"{name}_item.json", written)
    return made


def change(
    before: str | Path, after: str | Path, *, out: str | Path | None = None, progress: Progress = silent
) -> Change:
    """Compare two water rasters: a raster of change, polygons, a table of areas and a picture.

    Args:
        before: the earlier water raster.
        after: the later.
        out: the folder of the results; None: data/changes in the working folder, as on the command line.
        progress: told after every block of rows.

    Returns:
        The files, and pixels and areas by class.

    Raises:
        DataError: a raster cannot be used, the two do not fit, or a result cannot be written.
        StorageError: a raster lies elsewhere and cannot be reached.
        UsageError: both are one file, or `out` does not lie on this machine.

    Example:
        >>> import watermap
        >>> change = watermap.change("lake_20230601_water.tif", "lake_20240601_water.tif", out="changes")
        >>> change.raster.name
        'lake_20230601_to_lake_20240601_change.tif'
        >>> change.water_after_m2 < change.water_before_m2
        True
    """
    made = change_maps.compare(location(before), location(after), local(out or DEFAULT_CHANGES), progress=progress)
    plot_change(made, made.raster.with_suffix(".png"))
    return made


def timeline(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    bodies: str | Path | None = None,
    min_valid: float = 0.8,
    progress: Progress = silent,
) -> Timeline:
    """Measure the water of every date in a folder of water rasters, and write tables and a picture of it.

    Args:
        folder: of rasters NAME_water.tif, which tell their dates by a tag DATE or YYYYMMDD in the name.
        out: the folder of timeline.csv, timeline_bodies.csv and timeline.png; None: the one of the rasters.
        bodies: polygons with a field `id`, in any CRS, to be measured one by one as well.
        min_valid: share of an area that must be seen on a date for its water to count as known.
        progress: told as work goes on.

    Raises:
        DataError: no water rasters there, one without a date or on other pixels, or a file that cannot be used.
        UsageError: the results would not lie on this machine.

    Example:
        >>> import watermap
        >>> timeline = watermap.timeline(".", out="series")
        >>> [day.isoformat() for day in timeline.dates]
        ['2023-06-01', '2024-06-01']
        >>> [f"{area:.2f} km2" for area in timeline.whole.low_km2[:, 0]]
        ['0.16 km2', '0.09 km2']
    """
    rasters = location(folder)
    target = local(rasters if out is None else out)
    made = timelines.measure(rasters, outlines=_path(bodies), min_valid=min_valid, progress=progress)
    timelines.write_tables(made, target)
    plot_timeline(made, target / "timeline.png")
    return made


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else location(path)
