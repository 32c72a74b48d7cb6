"""What Earth Engine is asked to compute: graphs of images and labels, built without asking it anything.

Every image comes out as uint16 with no data 65535, every label as uint8 with 0 land, 1 water, 255 unknown, so that
what is exported needs no later repair. The pixel grid is not part of a graph: image and label of a scene are asked for
on one and the same grid (see `plan`).
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import ee

from watermap.bands import IMAGE_NO_DATA
from watermap.config import ExportConfig
from watermap.legend import NO_DATA

SENTINEL2: Final = "COPERNICUS/S2_SR_HARMONIZED"
CLOUD_SCORE: Final = "GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED"
JRC: Final = "JRC/GSW1_4/GlobalSurfaceWater"
DYNAMIC_WORLD: Final = "GOOGLE/DYNAMICWORLD/V1"
WORLDCOVER: Final = "ESA/WorldCover/v200"

_CLOUDS: Final = "CLOUDY_PIXEL_PERCENTAGE"

_HANSEN_WATER: Final = 2
_JRC_SURE_PERCENT: Final = 80
_DYNAMIC_WORLD_WATER: Final = 0
_DYNAMIC_WORLD_FLOODED: Final = 3
_WORLDCOVER_WATER: Final = 80
_WORLDCOVER_WETLAND: Final = 90
_WORLDCOVER_MANGROVES: Final = 95

_SHORE_PIXELS: Final = 3
"""Of 10 m: the pixel size of Hansen and JRC, so far their shoreline may be off."""


def collection(
    region: dict[str, Any], config: ExportConfig, *, until: Literal["area", "dates", "clouds"] = "clouds"
) -> ee.ImageCollection:
    """The Sentinel-2 scenes that touch a region within the dates and below the cloud limit.

    Args:
        region: GeoJSON geometry in degrees; its edges are straight in degrees.
        config: start, end and max_cloud.
        until: the last filter applied, to find out which one leaves nothing.
    """
    found = ee.ImageCollection(SENTINEL2).filterBounds(ee.Geometry(region, geodesic=False))
    if until == "area":
        return found
    found = _dated(found, config)
    return found if until == "dates" else found.filter(ee.Filter.lte(_CLOUDS, config.max_cloud))


def listing(region: dict[str, Any], config: ExportConfig, *, most: int) -> ee.ImageCollection:
    """What is asked to learn which scenes there are: identity, properties and the grid of B2, least cloudy first."""
    return collection(region, config).sort(_CLOUDS).limit(most).select(["B2"])


def emptiness(region: dict[str, Any], config: ExportConfig) -> ee.Dictionary:
    """What tells why no scene was found: whether any is left after each filter, and the least cloud cover."""
    dated = collection(region, config, until="dates")
    return ee.Dictionary(
        {
            "area": collection(region, config, until="area").limit(1).size(),
            "dates": dated.limit(1).size(),
            "least_cloud": dated.aggregate_min(_CLOUDS),
        }
    )


def image(indexes: Sequence[str], config: ExportConfig) -> ee.Image:
    """A scene, or the median of several: uint16 digital numbers without offset; 65535 where no scene shows the pixel.

    Args:
        indexes: `system:index` of each scene; which ones is settled before, so that the same request is the same image.
        config: bands, cloud_score and whether scenes are combined.
    """
    scenes = [_scene(index, config).select(list(config.bands)) for index in indexes]
    if config.composite == "median":
        return _finished(ee.ImageCollection(scenes).median().round())
    (scene,) = scenes
    return _finished(scene)


def label(indexes: Sequence[str], config: ExportConfig) -> ee.Image:
    """The label of a scene, or of a median of several: 0 land, 1 water, 255 unknown, uint8.

    Args:
        indexes: `system:index` of each scene, for labels that have a date.
        config: which label, of which version, and whether scenes are combined.
    """
    sources: dict[str, Callable[[], ee.Image]] = {
        "hansen": lambda: hansen(config.hansen_asset),
        "jrc": jrc,
        "dynamic-world": lambda: dynamic_world(indexes, config),
        "worldcover": worldcover,
    }
    if config.label == "consensus":
        return consensus([source() for source in sources.values()], coarse=[hansen(config.hansen_asset), jrc()])
    return sources[config.label]()


def label_assets(config: ExportConfig) -> str:
    """The assets behind the label, with their versions; empty without a label."""
    assets = {"hansen": config.hansen_asset, "jrc": JRC, "dynamic-world": DYNAMIC_WORLD, "worldcover": WORLDCOVER}
    return ", ".join(assets.values()) if config.label == "consensus" else assets.get(config.label, "")


def hansen(asset: str) -> ee.Image:
    """Hansen's datamask: 1 land, 2 permanent water (about 2000 to 2012, some 30 m), 0 no data."""
    mask = ee.Image(asset).select(["datamask"])
    return _label(mask.eq(_HANSEN_WATER).updateMask(mask.neq(0)))


def jrc() -> ee.Image:
    """JRC Global Surface Water, 1984 to 2021: water where it stood 80 % of the time, land where it never stood."""
    source = ee.Image(JRC)
    land = source.select(["max_extent"]).eq(0)
    water = source.select(["occurrence"]).gte(_JRC_SURE_PERCENT)
    return _label(ee.Image.constant(NO_DATA).where(land, 0).where(water, 1))


def dynamic_world(indexes: Sequence[str], config: ExportConfig) -> ee.Image:
    """Dynamic World, 10 m: of the very scene, or the commonest class of several; flooded vegetation is unknown."""
    if config.composite == "median":
        found = _dated(ee.ImageCollection(DYNAMIC_WORLD), config)
        classes = found.filter(ee.Filter.inList("system:index", list(indexes))).select(["label"]).mode()
    else:
        classes = ee.Image(f"{DYNAMIC_WORLD}/{indexes[0]}").select(["label"])
    return _label(classes.eq(_DYNAMIC_WORLD_WATER).updateMask(classes.neq(_DYNAMIC_WORLD_FLOODED)))


def worldcover() -> ee.Image:
    """ESA WorldCover 2021, 10 m: permanent water; herbaceous wetland and mangroves are unknown."""
    classes = ee.ImageCollection(WORLDCOVER).first().select(["Map"])
    sure = classes.neq(_WORLDCOVER_WETLAND).And(classes.neq(_WORLDCOVER_MANGROVES))
    return _label(classes.eq(_WORLDCOVER_WATER).updateMask(sure))


def consensus(labels: Sequence[ee.Image], *, coarse: Sequence[ee.Image]) -> ee.Image:
    """Water or land where all labels say so; 255 where they differ and within 30 m of a coarse label's shoreline.

    Args:
        labels: 0, 1 or 255 each.
        coarse: those of 30 m pixels.
    """
    land = functools.reduce(lambda one, other: one.And(other), (each.eq(0) for each in labels))
    water = functools.reduce(lambda one, other: one.And(other), (each.eq(1) for each in labels))
    agreed = ee.Image.constant(NO_DATA).where(land, 0).where(water, 1)
    for each in coarse:
        agreed = agreed.where(_near_shore(each), NO_DATA)
    return agreed.toByte()


def _dated(images: ee.ImageCollection, config: ExportConfig) -> ee.ImageCollection:
    return images.filterDate(config.start.isoformat(), (config.end + datetime.timedelta(days=1)).isoformat())


def _near_shore(each: ee.Image) -> ee.Image:
    """1 within 30 m of a change between water and not water, else 0."""
    water = each.eq(1)
    widened = water.focalMax(_SHORE_PIXELS, "square", "pixels")
    narrowed = water.focalMin(_SHORE_PIXELS, "square", "pixels")
    return widened.neq(narrowed)


def _scene(index: str, config: ExportConfig) -> ee.Image:
    """All bands of a scene; masked where the service masks them, and where Cloud Score+ is too low."""
    scene = ee.Image(f"{SENTINEL2}/{index}")
    if config.cloud_score is None:
        return scene
    return scene.updateMask(ee.Image(f"{CLOUD_SCORE}/{index}").select(["cs"]).gte(config.cloud_score))


def _finished(image: ee.Image) -> ee.Image:
    return image.unmask(IMAGE_NO_DATA, False).toUint16()


def _label(codes: ee.Image) -> ee.Image:
    return codes.unmask(NO_DATA, False).toByte()
