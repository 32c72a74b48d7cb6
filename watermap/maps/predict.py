"""A scene to its maps, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from watermap.bands import parse_bands
from watermap.config import ProductConfig
from watermap.errors import UsageError
from watermap.io.paths import local
from watermap.io.scene_files import SceneFiles
from watermap.maps.products import add_products
from watermap.maps.quicklook import quicklook_figure
from watermap.maps.water_rasters import ground_km2
from watermap.prediction.open import BundleLike, open_bundles, open_predictor, settings_of
from watermap.prediction.outputs import WATER_END
from watermap.prediction.scene import Prediction, predict_scene
from watermap.progress import Progress, silent
from watermap.scenes.clouds import clouds_of
from watermap.scenes.find import find_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT_OUT: Final = Path("data/predictions")
"""Where `watermap predict` writes as well."""


@dataclass(frozen=True)
class Maps:
    """The maps of a scene.

    Attributes:
        scene: the image.
        water: the water raster: 0 land, 1 water, 255 no data.
        probability: the probability raster, where it was asked for.
        files: all that was written for people to open, by kind: water, probability, uncertainty, reason, bodies,
            quicklook.
        areas_km2: ground of the pixels that were mapped as `water`, as `land`, and of those with `no_data`, in km2 on
            the ellipsoid of the scene's CRS, whatever its projection does to sizes. They are what the map shows: no
            allowance is made for its errors, which `watermap sample-design` and `watermap area` are for.
        bundle: the id of the bundle, or of all of them.
        notes: what the user should know.
    """

    scene: Path
    water: Path
    probability: Path | None
    files: Mapping[str, Path]
    areas_km2: Mapping[str, float]
    bundle: str
    notes: tuple[str, ...]
    _names: Sequence[str] | None = None
    _files: SceneFiles | None = None

    def plot(self) -> Figure:
        """The scene in true colour with the outline of its water, scale bar, date and area, as a matplotlib figure.

        Raises:
            DataError: the scene or the map cannot be read any more.
        """
        return quicklook_figure(self._files or self.scene, self.water, names=self._names)


def predict(
    scene: str | Path,
    bundle: BundleLike | Sequence[BundleLike] | None = None,
    *,
    out: str | Path | None = None,
    bands: Sequence[str] | None = None,
    clouds: str | Path | None = None,
    polygons: bool = False,
    style: bool = True,
    quicklook: bool = True,
    stac: bool = True,
    progress: Progress = silent,
    **options: Any,
) -> Maps:
    """Map the water of a scene, on exactly its grid: what `watermap predict` does, with all its checks.

    Args:
        scene: an image, a folder or an archive that is one scene, or a URL of one.
        bundle: a bundle or its path; several for the mean of what they say; None: the one in use in data/models, else
            the newest there.
        out: the folder of the maps; None: data/predictions in the working folder, as on the command line.
        bands: names of all the file's bands in order, where it does not describe them.
        clouds: "scl" for an L2A product's own classification, or a mask that is not 0 under clouds.
        polygons: also write a GeoPackage of the water bodies.
        style: whether styles for QGIS go with the maps.
        quicklook: whether a picture does.
        stac: whether a STAC item does.
        progress: told after every batch.
        options: settings of `watermap.config.PredictConfig`: probability=True (or "float"), threshold, uncertainty,
            sure_from, sensor, offset, scale, engine, precision, window, overlap ...

    Raises:
        DataError: the scene cannot be used, or a map cannot be written; none is left half done.
        ModelError: the bundle cannot be used.
        StorageError: scene or bundle lie elsewhere and cannot be reached.
        UsageError: a setting is unknown or out of bounds, there are several scenes, or a map would take the place of
            what is read.

    Example:
        >>> import watermap
        >>> maps = watermap.predict("scene.tif", bundle="model", out="maps", probability=True)
        >>> maps.water.name, maps.probability.name
        ('scene_water.tif', 'scene_probability.tif')
        >>> f"{maps.areas_km2['water']:.2f} km2 of water"
        '0.96 km2 of water'
        >>> figure = maps.plot()
        >>> figure.savefig("map.png")
    """
    config = settings_of(**options)
    text = bands if bands is None or isinstance(bands, str) else ",".join(bands)
    names = None if text is None else parse_bands(text, config.sensor or "sentinel-2")
    folder = local(DEFAULT_OUT if out is None else out)
    found, *more = find_images([scene], sensor=config.sensor)
    if more:
        raise UsageError(f"{scene}: holds {1 + len(more)} scenes", hint=f"map them one by one, the first is {found}")
    predictor = open_predictor(open_bundles(bundle), config)
    masked = clouds_of(clouds)
    products = ProductConfig(polygons=polygons, style=style, quicklook=quicklook, stac=stac)
    then = partial(add_products, config=products, names=names, progress=progress)
    made = predict_scene(found, predictor, folder, names=names, clouds=masked, progress=progress, then=then)
    return Maps(
        scene=found.path,
        water=made.water,
        probability=made.probability,
        files=_files(made),
        areas_km2=ground_km2(made.water),
        bundle=predictor.id,
        notes=made.notes,
        _names=names,
        _files=found,
    )


def _files(made: Prediction) -> dict[str, Path]:
    kinds = {".gpkg": "bodies", ".png": "quicklook"}
    return {WATER_END: made.water, **made.others} | {kinds[path.suffix]: path for path in made.products}
