"""Index maps: a scene to a spectral index, and to water by a threshold of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from watermap.bands import parse_bands
from watermap.config import IndexConfig, IndexName, ProductConfig, ThresholdRule
from watermap.errors import UsageError, WatermapError
from watermap.io.gdal import small_cache
from watermap.io.paths import local
from watermap.io.products import SceneFiles
from watermap.io.qgis_style import style_path, write_raster_style
from watermap.io.raster import Raster, open_raster
from watermap.maps.index_picture import plot_index
from watermap.maps.index_rasters import IndexRasters, write_index
from watermap.maps.products import add_products
from watermap.maps.stac_item import refresh_asset
from watermap.maps.water_rasters import ground_km2
from watermap.prediction.many import map_each
from watermap.prediction.outputs import WATER_END, raster_path
from watermap.progress import Progress, silent
from watermap.scenes.clouds import Clouds, clouds_of
from watermap.scenes.find import check_outputs, find_images

DEFAULT_INDICES: Final = Path("data/indices")
"""Where `watermap index` writes as well."""


@dataclass(frozen=True)
class IndexMaps:
    """The index of a scene, and what was made of it.

    Attributes:
        scene: the image.
        index: the index raster: float32, NaN where there is no data.
        water: the water raster, 0 land, 1 water, 255 no data; None without a threshold.
        threshold: where water begins; None without one.
        files: all that was written for people to open, by kind: the index by its name, water, bodies, quicklook and
            index_quicklook.
        areas_km2: ground of `water`, `land` and `no_data` in km2 on the ellipsoid, as of `watermap.predict`; empty
            without a threshold.
        notes: what the user should know.
        rasters: what else is known of both rasters.
    """

    scene: Path
    index: Path
    water: Path | None
    threshold: float | None
    files: Mapping[str, Path]
    areas_km2: Mapping[str, float]
    notes: tuple[str, ...]
    rasters: IndexRasters


def index(
    scene: str | Path,
    index: IndexName = "ndwi",
    *,
    threshold: float | ThresholdRule | None = None,
    out: str | Path | None = None,
    bands: Sequence[str] | None = None,
    clouds: str | Path | None = None,
    polygons: bool = False,
    style: bool = True,
    quicklook: bool = True,
    stac: bool = True,
    progress: Progress = silent,
    **options: Any,
) -> IndexMaps:
    """Map a spectral index of a scene, and its water by a threshold: what `watermap index` does, with all its checks.

    Args:
        scene: an image, a folder or an archive that is one scene, or a URL of one.
        index: ndwi (McFeeters), mndwi, awei_sh, awei_nsh or ndvi.
        threshold: where water begins: a value, "otsu" or "edge-otsu"; None: no water raster.
        out: the folder of the maps; None: data/indices in the working folder, as on the command line.
        bands: names of all the file's bands in order, where it does not describe them.
        clouds: "scl" for an L2A product's own classification, or a mask that is not 0 under clouds.
        polygons: also write a GeoPackage of the water bodies.
        style: whether styles for QGIS go with the maps.
        quicklook: whether pictures do.
        stac: whether a STAC item goes with the water raster.
        progress: told after every strip.
        options: more settings of `watermap.config.IndexConfig`: min_area_m2, sensor, offset, scale.

    Raises:
        DataError: the scene cannot be used, or a map cannot be written; none is left half done.
        StorageError: the scene lies elsewhere and cannot be reached.
        UsageError: a setting is unknown or out of bounds, there are several scenes, or a map would take the place of
            what is read.

    Example:
        >>> import watermap
        >>> maps = watermap.index("scene.tif", "mndwi", threshold="otsu", out="maps")
        >>> maps.index.name, maps.water.name
        ('scene_mndwi.tif', 'scene_water.tif')
    """
    config = IndexConfig.load(index=index, threshold=threshold, **options)
    text = bands if bands is None or isinstance(bands, str) else ",".join(bands)
    names = None if text is None else parse_bands(text, config.sensor or "sentinel-2")
    found, *more = find_images([scene], sensor=config.sensor)
    if more:
        raise UsageError(f"{scene}: holds {1 + len(more)} scenes", hint=f"map them one by one, the first is {found}")
    masked = clouds_of(clouds)
    products = ProductConfig(polygons=polygons, style=style, quicklook=quicklook, stac=stac)
    folder = local(DEFAULT_INDICES if out is None else out)
    _check([found], folder, config, products, masked)
    return _index_scene(found, config, folder, products, names, masked, progress)


def index_scenes(
    scenes: Sequence[SceneFiles],
    config: IndexConfig,
    out: Path,
    products: ProductConfig = ProductConfig(),  # noqa: B008 (settings are frozen)
    *,
    names: Sequence[str] | None = None,
    clouds: Clouds | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> list[tuple[SceneFiles, IndexMaps | WatermapError]]:
    """Map the index of many scenes; one that fails does not stop the others.

    Args:
        scenes: their files, as `find_images` finds them.
        config: which index, and where water begins.
        out: the folder of the maps.
        products: what goes with them.
        names: the names of all the files' bands in order, if the user states them.
        clouds: where there are clouds: under them nothing is seen.
        jobs: scenes at once.
        progress: told after every strip.

    Returns:
        (scene, its maps or why they failed), in the order given.

    Raises:
        UsageError: a map would take the place of what is read, or polygons are wanted without a threshold.
    """
    _check(scenes, out, config, products, clouds)
    return map_each(
        scenes,
        lambda scene, told: _index_scene(scene, config, out, products, names, clouds, told),
        jobs=jobs,
        progress=progress,
    )


def _check(
    scenes: Sequence[SceneFiles], out: Path, config: IndexConfig, products: ProductConfig, clouds: Clouds | None
) -> None:
    if products.polygons and config.threshold is None:
        raise UsageError("polygons are of water bodies, which only a threshold gives", hint="state --threshold, e.g. 0")
    ends = (config.index, *([] if config.threshold is None else [WATER_END]))
    masks = [clouds] if isinstance(clouds, Path) else []
    maps = (raster_path(out, scene, end) for scene in scenes for end in ends)
    check_outputs(maps, [*(scene.path for scene in scenes), *masks])


def _index_scene(
    scene: SceneFiles,
    config: IndexConfig,
    out: Path,
    products: ProductConfig,
    names: Sequence[str] | None,
    clouds: Clouds | None,
    progress: Progress,
) -> IndexMaps:
    with small_cache(), open_raster(scene, names=names) as raster:
        made = write_index(raster, out, config, clouds=clouds, progress=progress)
        return _with_products(raster, made, config, products, names, progress)


def _with_products(
    raster: Raster,
    made: IndexRasters,
    config: IndexConfig,
    products: ProductConfig,
    names: Sequence[str] | None,
    progress: Progress,
) -> IndexMaps:
    value = None if made.threshold is None else made.threshold.value
    name: str = config.index
    files, notes, pictures = {name: made.index}, made.notes, dict[str, Path]()
    if products.quicklook:
        picture = plot_index(made.index, made.layout, made.index.with_suffix(".png"), threshold=value)
        pictures = {"index_quicklook": picture}
    if made.water is not None:
        layouts = {name: made.layout}
        done = add_products(
            raster, made.water, products, names=names, layouts=layouts, pictures=pictures, progress=progress
        )
        kinds = {".gpkg": "bodies", ".png": "quicklook"}
        opened = {kinds[path.suffix]: path for path in done.products if path not in pictures.values()}
        files |= {WATER_END: done.water} | opened
        notes = done.notes
    elif products.style:
        write_raster_style(made.index, made.layout)
    files |= pictures
    if made.water is None:
        item = made.index.with_name(f"{made.index.stem.removesuffix(config.index)}item.json")
        for file in (made.index, style_path(made.index), *pictures.values()):
            if file.exists():
                refresh_asset(item, file)
    water = None if made.water is None else made.water.water
    return IndexMaps(
        scene=raster.path,
        index=made.index,
        water=water,
        threshold=value,
        files=files,
        areas_km2={} if water is None else ground_km2(water),
        notes=notes,
        rasters=made,
    )
