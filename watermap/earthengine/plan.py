"""What will be asked for: rasters on shared grids, each under an id made from everything that decides its pixels."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rasterio.windows import Window

from watermap.config import EarthEngineConfig, ExportConfig
from watermap.earthengine import expressions
from watermap.earthengine.aoi import Area
from watermap.earthengine.search import FoundScene
from watermap.earthengine.zones import split, zone_grid, zone_parts
from watermap.errors import EarthEngineError
from watermap.geo.crs import footprints
from watermap.geo.grid import Grid
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout, image_layout
from watermap.scenes.stac import SceneFacts

_MIB: Final = 2**20
_TILE_STEP: Final = 64
_ID_DIGITS: Final = 24


@dataclass(frozen=True)
class Request:
    """One raster that Earth Engine is to make.

    Attributes:
        id: of the scene's own; changes with anything that decides the pixels: the graph, the grid, the layout.
        raster: `image` or `label`.
        graph: the expression, of the client.
        grid: where its pixels lie.
        layout: what its file looks like.
        tags: metadata of the file.
    """

    id: str
    raster: str
    graph: Any
    grid: Grid
    layout: RasterLayout
    tags: Mapping[str, str]

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel on the wire, all bands together."""
        return len(self.layout.bands) * (2 if self.layout.dtype == "uint16" else 1)


@dataclass(frozen=True)
class ScenePlan:
    """One scene that will be made.

    Attributes:
        name: of its folder.
        requests: of its image and, where a label is wanted, its label; on one grid.
        facts: what its STAC item says.
    """

    name: str
    requests: tuple[Request, ...]
    facts: SceneFacts

    @property
    def grid(self) -> Grid:
        """Of image and label alike."""
        return self.requests[0].grid


@dataclass(frozen=True)
class ExportEstimate:
    """What an export costs, as far as it can be known beforehand.

    Attributes:
        pixels: of all scenes (of one date, where the dates are not known yet).
        requests: pixel requests of the local route.
        exports: tasks of the batch routes.
        bytes: uncompressed, over the wire.
    """

    pixels: int
    requests: int
    exports: int
    bytes: int


def plan(area: Area, found: Sequence[FoundScene], config: ExportConfig) -> list[ScenePlan]:
    """The scenes to make: one for each scene found, or for each part of the area's UTM grid where they are combined.

    A scene keeps the grid of its band B2, cut to the area; a composite lies on the UTM grid of its zone, with corners
    at multiples of 10 m.

    Raises:
        EarthEngineError: no scene shows a pixel of the area.
    """
    if config.composite == "median":
        plans = _plan_composites(area, found, config)
    else:
        plans = [each for scene in found for each in _plan_scene(area, scene, config)]
    if not plans:
        raise EarthEngineError("scenes were found near this area, but none shows it", hint="widen --start and --end")
    return plans


def estimate_date(area: Area, config: ExportConfig, service: EarthEngineConfig) -> ExportEstimate:
    """What one date of an area costs, before the service is asked anything."""
    sizes = [len(config.bands) * 2] + ([1] if config.label != "none" else [])
    return _sum([(grid, sizes) for _, grid in _composite_grids(area, config)], service)


def estimate(plans: Sequence[ScenePlan], service: EarthEngineConfig) -> ExportEstimate:
    """What some scenes cost."""
    return _sum([(each.grid, [request.pixel_bytes for request in each.requests]) for each in plans], service)


def tile_side(pixel_bytes: int, service: EarthEngineConfig) -> int:
    """Side in pixels of the tiles in which pixels are asked for."""
    side = math.isqrt(max(1, int(service.request_mib * _MIB / pixel_bytes)))
    return max(1, side // _TILE_STEP * _TILE_STEP or side)


def tiles(grid: Grid, side: int) -> list[Window]:
    """Windows of at most `side` pixels that cover a grid, from the top left."""
    return [
        Window(col, row, min(side, grid.width - col), min(side, grid.height - row))
        for row in range(0, grid.height, side)
        for col in range(0, grid.width, side)
    ]


def pixel_grid(grid: Grid) -> dict[str, Any]:
    """A grid as Earth Engine's API takes it; the same for pixels and for exports."""
    scale_x, shear_x, left, shear_y, scale_y, top = list(grid.transform)[:6]
    return {
        "dimensions": {"width": grid.width, "height": grid.height},
        "affineTransform": {
            "scaleX": scale_x,
            "shearX": shear_x,
            "translateX": left,
            "shearY": shear_y,
            "scaleY": scale_y,
            "translateY": top,
        },
        **({"crsWkt": grid.crs.to_wkt()} if grid.crs.to_epsg() is None else {"crsCode": f"EPSG:{grid.crs.to_epsg()}"}),
    }


def _sum(scenes: Sequence[tuple[Grid, Sequence[int]]], service: EarthEngineConfig) -> ExportEstimate:
    """The cost of scenes, each with the bytes a pixel of each of its rasters."""
    rasters = [(grid, size) for grid, sizes in scenes for size in sizes]
    return ExportEstimate(
        pixels=sum(grid.width * grid.height for grid, _ in scenes),
        requests=sum(_tile_count(grid, tile_side(size, service)) for grid, size in rasters),
        exports=len(rasters),
        bytes=sum(grid.width * grid.height * size for grid, size in rasters),
    )


def _tile_count(grid: Grid, side: int) -> int:
    return math.ceil(grid.width / side) * math.ceil(grid.height / side)


def _plan_scene(area: Area, scene: FoundScene, config: ExportConfig) -> list[ScenePlan]:
    shown = area.geometry if scene.footprint is None else area.geometry.intersection(scene.footprint)
    windows = split(scene.grid, Area(shown).in_crs(scene.grid.crs), config.scene_size)
    return [
        _scene_plan(name, scene.grid.crop(window), [scene], config) for name, window in _named(scene.index, windows)
    ]


def _plan_composites(area: Area, found: Sequence[FoundScene], config: ExportConfig) -> list[ScenePlan]:
    plans = []
    for name, grid in _composite_grids(area, config):
        (outline,) = footprints(grid, [Window(0, 0, grid.width, grid.height)])
        used = [scene for scene in found if scene.footprint is None or scene.footprint.intersects(outline)]
        if used:
            plans.append(_scene_plan(name, grid, used, config))
    return plans


def _composite_grids(area: Area, config: ExportConfig) -> list[tuple[str, Grid]]:
    """Names and grids of the parts into which an area is laid out, zone by zone."""
    named = []
    for crs, geometry in zone_parts(area):
        grid = zone_grid(crs, geometry)
        stem = f"median_{config.start:%Y%m%d}_{config.end:%Y%m%d}_{crs.to_epsg()}"
        named += [(name, grid.crop(part)) for name, part in _named(stem, split(grid, geometry, config.scene_size))]
    return named


def _named(stem: str, windows: Sequence[Window]) -> list[tuple[str, Window]]:
    """Names of the parts of one scene: its own, with a number where there are several."""
    if len(windows) == 1:
        return [(stem, windows[0])]
    return [(f"{stem}_{number:03d}", window) for number, window in enumerate(windows, 1)]


def _scene_plan(name: str, grid: Grid, scenes: Sequence[FoundScene], config: ExportConfig) -> ScenePlan:
    """The requests of one scene, or of the median of several."""
    indexes = [scene.index for scene in scenes]
    clouds = sum(scene.cloud_percent for scene in scenes) / len(scenes)
    if config.composite == "median":
        source = f"median of {len(scenes)} scenes of {expressions.SENTINEL2}"
        date = f"{config.start}/{config.end}"
    else:
        source = f"{expressions.SENTINEL2}/{indexes[0]}"
        date = scenes[0].sensed.date().isoformat()
    made = functools.partial(_request, name, grid=grid, date=date)
    requests = [made("image", expressions.image(indexes, config), layout=image_layout(config.bands), source=source)]
    labelled = config.label != "none"
    assets = expressions.label_assets(config)
    if labelled:
        requests.append(made("label", expressions.label(indexes, config), layout=LABEL_LAYOUT, source=assets))
    facts = SceneFacts(
        sensed=(min(scene.sensed for scene in scenes), max(scene.sensed for scene in scenes)),
        source=source,
        cloud_percent=round(clouds, 4),
        label=config.label if labelled else None,
        label_source=assets or None,
        requests={request.raster: request.id for request in requests},
    )
    return ScenePlan(name, tuple(requests), facts)


def _request(
    scene: str, raster: str, graph: Any, *, grid: Grid, layout: RasterLayout, date: str, source: str
) -> Request:
    decides = {
        "scene": scene,  # two dates of a place may have one and the same label
        "graph": json.loads(graph.serialize(for_cloud_api=True)),
        "grid": [grid.crs.to_string(), list(grid.transform)[:6], grid.width, grid.height],
        "layout": [layout.dtype, layout.bands, layout.no_data],
    }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:_ID_DIGITS]
    request_id = f"watermap-{digest}"
    tags = {"DATE": date, "SOURCE": source, "WATERMAP_REQUEST": request_id}
    return Request(request_id, raster, graph, grid, layout, tags)
