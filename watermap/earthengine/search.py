"""Which scenes there are: one question, answered with each scene's identity and pixel grid."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Final

import shapely
from affine import Affine
from rasterio.crs import CRS

from watermap.config import ExportConfig
from watermap.earthengine.aoi import Area
from watermap.earthengine.expressions import SENTINEL2, emptiness, listing
from watermap.earthengine.session import Session
from watermap.errors import EarthEngineError, NothingNewError
from watermap.geo.grid import Grid

MOST_SCENES: Final = 5000
"""What Earth Engine lists at once."""

_MOST_CORNERS: Final = 2000
"""Beyond so many corners the service is asked for the area's convex hull; scenes are checked against the area here."""


@dataclass(frozen=True)
class FoundScene:
    """One Sentinel-2 scene of the collection.

    Attributes:
        index: its `system:index`.
        product: ESA's name of the product it was made from.
        sensed: when, UTC.
        cloud_percent: cloud cover of the whole scene.
        grid: of its band B2, 10 m.
        footprint: where it holds data, in degrees; None where that is not known.
    """

    index: str
    product: str
    sensed: datetime.datetime
    cloud_percent: float
    grid: Grid
    footprint: shapely.Polygon | None


def region_of(area: Area) -> dict[str, Any]:
    """The geometry (GeoJSON, degrees) that stands for an area in a request."""
    geometry = area.geometry
    if shapely.get_num_coordinates(geometry) > _MOST_CORNERS:
        geometry = shapely.convex_hull(geometry)
    region: dict[str, Any] = shapely.geometry.mapping(geometry)
    return region


def search(session: Session, area: Area, config: ExportConfig) -> tuple[list[FoundScene], list[str]]:
    """The scenes of an area and a period, by time; with a limit, the least cloudy ones.

    Of a scene that was processed twice the later version is taken.

    Returns:
        The scenes, and notes on those that could not be used.

    Raises:
        EarthEngineError: there are none (the message names the filter that left none), or the search failed.
    """
    region = region_of(area)
    graph = listing(region, config, most=MOST_SCENES)
    answer = session.send(graph.getInfo, about="listing the scenes")
    features = answer.get("features") if isinstance(answer, dict) else None
    if not isinstance(features, list):
        raise EarthEngineError("Earth Engine's list of scenes has an unknown form", hint="is watermap up to date?")
    found, notes = [], []
    for feature in features:
        try:
            found.append(_read_scene(feature))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            name = feature.get("id", "without a name") if isinstance(feature, dict) else "without a name"
            notes.append(f"scene {name} is left out: what Earth Engine says of it has an unknown form")
    touching = [scene for scene in _latest(found) if _shows(scene, area)]
    chosen = touching[: config.limit]  # the least cloudy come first
    if len(features) == MOST_SCENES and len(chosen) != config.limit:
        raise EarthEngineError(
            f"there are {MOST_SCENES} scenes or more", hint="ask for a shorter period, or for a part of the area"
        )
    if not chosen:
        raise _nothing_found(session, region, config)
    return sorted(chosen, key=lambda scene: (scene.sensed, scene.index)), notes


def _latest(found: list[FoundScene]) -> list[FoundScene]:
    """Scenes without those that were processed anew later: one for each moment and tile, in the order given."""
    versions: dict[tuple[str, str], str] = {}
    for scene in found:
        key = scene.index.partition("_")[0], scene.index.rpartition("_")[2]
        versions[key] = max(versions.get(key, ""), scene.index)
    kept = set(versions.values())
    return [scene for scene in found if scene.index in kept]


def _shows(scene: FoundScene, area: Area) -> bool:
    return scene.footprint is None or scene.footprint.intersection(area.geometry).area > 0


def _nothing_found(session: Session, region: dict[str, Any], config: ExportConfig) -> EarthEngineError:
    left = session.send(emptiness(region, config).getInfo, about="asking why there is no scene") or {}
    if not left.get("area"):
        return EarthEngineError(
            f"{SENTINEL2} has no scene of this area", hint="check the coordinates: degrees, longitude before latitude"
        )
    if not left.get("dates"):
        return NothingNewError(
            f"{SENTINEL2} has no scene of this area from {config.start} to {config.end}",
            hint="widen --start and --end; surface reflectance begins in 2017, in some places later",
        )
    least = left.get("least_cloud")
    if least is not None and least > config.max_cloud:
        return NothingNewError(
            f"no scene from {config.start} to {config.end} is below --max-cloud {config.max_cloud:g}, "
            f"the clearest has {least:.2f} % clouds",
            hint="raise --max-cloud, or widen --start and --end",
        )
    return EarthEngineError("scenes were found near this area, but none shows it", hint="widen --start and --end")


def _read_scene(feature: dict[str, Any]) -> FoundScene:
    properties, band = feature["properties"], feature["bands"][0]
    width, height = (int(size) for size in band["dimensions"])
    transform = Affine(*(float(number) for number in band["crs_transform"]))
    return FoundScene(
        index=str(properties["system:index"]),
        product=str(properties.get("PRODUCT_ID", "")),
        sensed=datetime.datetime.fromtimestamp(properties["system:time_start"] / 1000, datetime.UTC),
        cloud_percent=float(properties["CLOUDY_PIXEL_PERCENTAGE"]),
        grid=Grid(CRS.from_string(band["crs"]), transform, width, height),
        footprint=_read_footprint(properties.get("system:footprint")),
    )


def _read_footprint(ring: dict[str, Any] | None) -> shapely.Polygon | None:
    if ring is None or not ring.get("coordinates"):
        return None
    coordinates = ring["coordinates"] if ring.get("type") == "LinearRing" else ring["coordinates"][0]
    return shapely.make_valid(shapely.Polygon(coordinates))
