"""The world that the loopback server shows, and what every export of it has to contain.

The expectations at the end are worked out from the world alone, never by way of a graph, so that a mistake in a graph
and a mistake in its evaluation both show.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from rasterio.warp import transform

from watermap.config import ExportConfig
from watermap.geo.grid import Grid

Numbers = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_HIDDEN: Final = {"B11": (30, 40)}
"""One pixel that a single band lacks."""

_DYNAMIC_WORLD_CLOUDS: Final = 35.0
"""Dynamic World has no image of a scene with more clouds than this, as in reality."""

_CODES: Final = range(9)
"""Dynamic World's classes."""


@dataclass(frozen=True, eq=False)
class Raster:
    """What is known on one grid.

    Attributes:
        grid: north-up.
        bands: name to (rows, cols).
        valid: name to (rows, cols), False where the band is masked.
    """

    grid: Grid
    bands: Mapping[str, Numbers]
    valid: Mapping[str, Mask]


@dataclass(frozen=True, eq=False)
class Granule:
    """One Sentinel-2 scene and what other collections say of it.

    Attributes:
        index: its `system:index`.
        sensed: when, UTC.
        cloud_percent: of the whole scene.
        grid: of B2, 10 m.
        bands: name to uint16 (rows, cols).
        valid: (rows, cols), False outside the swath.
        cloud_score: float32 (rows, cols), 1 where the sky is clear.
        dynamic_world: uint8 (rows, cols) classes 0 to 8.
        footprint: of the valid pixels, in degrees.
    """

    index: str
    sensed: datetime.datetime
    cloud_percent: float
    grid: Grid
    bands: Mapping[str, Numbers]
    valid: Mask
    cloud_score: npt.NDArray[np.float32]
    dynamic_world: npt.NDArray[np.uint8]
    footprint: shapely.Polygon

    @property
    def has_dynamic_world(self) -> bool:
        """Whether Dynamic World made an image of it: not of cloudy scenes."""
        return self.cloud_percent <= _DYNAMIC_WORLD_CLOUDS

    @functools.cached_property
    def image(self) -> Raster:
        """The bands, each with its own mask."""
        valid = dict.fromkeys(self.bands, self.valid)
        for name, place in _HIDDEN.items():
            valid[name] = self.valid.copy()
            valid[name][place] = False
        return Raster(self.grid, self.bands, valid)

    @functools.cached_property
    def clouds(self) -> Raster:
        """Cloud Score+."""
        return Raster(self.grid, {"cs": self.cloud_score}, {"cs": self.valid})

    @functools.cached_property
    def classes(self) -> Raster:
        """Dynamic World."""
        return Raster(self.grid, {"label": self.dynamic_world}, {"label": self.valid})


@dataclass(frozen=True, eq=False)
class World:
    """The ground, its scenes and its maps.

    Attributes:
        granules: by index.
        hansen: `datamask`.
        jrc: `occurrence`, masked where there never was water, and `max_extent`.
        worldcover: `Map`.
        small_box: shore of a lake that one scene alone shows, as W,S,E,N in degrees.
    """

    granules: tuple[Granule, ...]
    hansen: Raster
    jrc: Raster
    worldcover: Raster
    small_box: str

    def granule(self, index: str) -> Granule:
        """The granule of an index."""
        return next(each for each in self.granules if each.index == index)

    def chosen(self, config: ExportConfig, *, region: dict[str, Any] | None = None) -> list[str]:
        """Indexes of the granules of the dates, below the cloud limit, touching the region (GeoJSON) if stated."""
        found = [each for each in self.granules if config.start <= each.sensed.date() <= config.end]
        found = [each for each in found if each.cloud_percent <= config.max_cloud]
        if region is not None:
            found = [each for each in found if each.footprint.intersects(shapely.geometry.shape(region))]
        return [each.index for each in found]

    @functools.cached_property
    def region(self) -> dict[str, Any]:
        """A rectangle (GeoJSON, degrees) that holds every granule."""
        bounds = shapely.union_all([each.footprint for each in self.granules]).bounds
        region: dict[str, Any] = shapely.geometry.mapping(shapely.box(*bounds))
        return region

    @property
    def whole_box(self) -> str:
        """All of it as W,S,E,N in degrees, as the command line takes it."""
        return ",".join(str(edge) for edge in shapely.geometry.shape(self.region).bounds)


def middles(grid: Grid) -> tuple[Numbers, Numbers]:
    """x and y (rows, cols) of the pixels' middles."""
    cols, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    to = grid.transform
    return to.a * cols + to.b * rows + to.c, to.d * cols + to.e * rows + to.f


def pixels_at(source: Grid, grid: Grid) -> tuple[Numbers, Numbers, Mask]:
    """Rows and columns of a source that hold the middles of a grid's pixels, and whether they lie in it.

    Exact, unlike a warper, which approximates and so gives a tile other pixels than the whole.
    """
    return _pixels_at(source, grid)


def look(raster: Raster, name: str, grid: Grid) -> tuple[Numbers, Mask]:
    """Values (rows, cols) and validity of one band at the pixel middles of another grid."""
    rows, cols, inside = pixels_at(raster.grid, grid)
    return raster.bands[name][rows, cols], raster.valid[name][rows, cols] & inside


@functools.lru_cache(maxsize=256)
def _pixels_at(source: Grid, grid: Grid) -> tuple[Numbers, Numbers, Mask]:
    to = source.transform
    assert to.b == to.d == 0
    x, y = middles(grid)
    if grid.crs != source.crs:
        x, y = (np.reshape(axis, grid.shape) for axis in transform(grid.crs, source.crs, x.ravel(), y.ravel()))
    col, row = np.floor((x - to.c) / to.a).astype(int), np.floor((y - to.f) / to.e).astype(int)
    inside = (col >= 0) & (col < source.width) & (row >= 0) & (row < source.height)
    return np.where(inside, row, 0), np.where(inside, col, 0), inside


def expected_image(world: World, index: str, grid: Grid, config: ExportConfig) -> npt.NDArray[np.uint16]:
    """(bands, rows, cols) of one scene on any grid: 65535 where it shows nothing, or too many clouds."""
    layers = [np.where(valid, values, 65535) for values, valid in _seen(world, index, grid, config)]
    return np.stack(layers).astype(np.uint16)


def expected_median(
    world: World, grid: Grid, config: ExportConfig, *, indexes: Sequence[str] | None = None
) -> npt.NDArray[np.uint16]:
    """(bands, rows, cols) of the median of scenes on any grid: 65535 where none shows the pixel.

    Args:
        world: the world.
        grid: any.
        config: bands and clouds; without indexes also the dates.
        indexes: of the scenes; None for all of the dates and below the cloud limit.
    """
    chosen = world.chosen(config) if indexes is None else indexes
    layers = []
    for layer in zip(*(_seen(world, index, grid, config) for index in chosen), strict=True):
        values = np.ma.array([each for each, _ in layer], mask=[~valid for _, valid in layer], dtype=np.float64)
        values.sort(axis=0)  # puts what is masked last
        count = values.count(axis=0)
        twice = _nth(values, (count - 1) // 2) + _nth(values, count // 2)
        layers.append(np.where(count > 0, (twice + 1) // 2, 65535))  # halves are rounded up
    return np.stack(layers).astype(np.uint16)


def expected_label(
    world: World, index: str | None, grid: Grid, config: ExportConfig, *, indexes: Sequence[str] | None = None
) -> npt.NDArray[np.uint8]:
    """(rows, cols) on any grid of the label that the config asks for.

    Args:
        world: the world.
        index: of the scene; None for a median.
        grid: any.
        config: which label; for a median without indexes also the dates and the cloud limit.
        indexes: of the median's scenes, as in `expected_median`.
    """
    chosen = [index] if index else world.chosen(config) if indexes is None else indexes
    if config.label != "consensus":
        return _label(config.label, world, chosen, grid)
    names = ("hansen", "jrc", "dynamic-world", "worldcover")
    labels = np.stack([_label(name, world, chosen, grid) for name in names])
    agreed = np.where((labels == labels[0]).all(axis=0), labels[0], 255)
    reach = 3
    corner = grid.transform @ Affine.translation(-reach, -reach)
    wide = Grid(grid.crs, corner, grid.width + 2 * reach, grid.height + 2 * reach)
    for name in ("hansen", "jrc"):
        water = _label(name, world, chosen, wide) == 1
        around = np.lib.stride_tricks.sliding_window_view(water, (2 * reach + 1, 2 * reach + 1))
        agreed[around.any(axis=(2, 3)) & ~around.all(axis=(2, 3))] = 255
    return agreed.astype(np.uint8)


def _seen(world: World, index: str, grid: Grid, config: ExportConfig) -> list[tuple[Numbers, Mask]]:
    """Values and validity of each band asked for; masked by clouds where the config says so."""
    granule = world.granule(index)
    layers = [look(granule.image, name, grid) for name in config.bands]
    if config.cloud_score is None:
        return layers
    score, known = look(granule.clouds, "cs", grid)
    clear = known & (score.astype(np.float64) >= config.cloud_score)
    return [(values, valid & clear) for values, valid in layers]


def _nth(values: Numbers, place: Numbers) -> Numbers:
    """(images, rows, cols) sorted to what stands at each pixel's place."""
    rows, cols = np.indices(place.shape)
    found: Numbers = np.asarray(values)[np.maximum(place, 0), rows, cols]
    return found


def _label(name: str, world: World, indexes: Sequence[str], grid: Grid) -> npt.NDArray[np.uint8]:
    if name == "hansen":
        classes, known = look(world.hansen, "datamask", grid)
        return _codes(known & (classes == 2), known & (classes == 1))
    if name == "jrc":
        extent, known = look(world.jrc, "max_extent", grid)
        occurrence, wet = look(world.jrc, "occurrence", grid)
        return _codes(wet & (occurrence >= 80), known & (extent == 0))
    if name == "worldcover":
        classes, known = look(world.worldcover, "Map", grid)
        return _codes(known & (classes == 80), known & ~np.isin(classes, (80, 90, 95)))
    scenes = [world.granule(index) for index in indexes]
    seen = [look(each.classes, "label", grid) for each in scenes if each.has_dynamic_world]
    if not seen:
        raise LookupError("Dynamic World has none of these scenes")
    votes = np.stack([np.sum([valid & (classes == code) for classes, valid in seen], axis=0) for code in _CODES])
    commonest, known = votes.argmax(axis=0), votes.max(axis=0) > 0  # of equally common classes the first
    return _codes(known & (commonest == 0), known & (commonest != 0) & (commonest != 3))


def _codes(water: Mask, land: Mask) -> npt.NDArray[np.uint8]:
    return np.where(water, 1, np.where(land, 0, 255)).astype(np.uint8)
