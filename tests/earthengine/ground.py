"""How the world is made: a few lakes, the scenes that saw them, the maps that drew them."""

from __future__ import annotations

import datetime
import math
from typing import Final

import numpy as np
import shapely
from affine import Affine
from rasterio.warp import transform

from tests.earthengine.world import Granule, Numbers, Raster, World, middles
from tests.support.rasters import LON_LAT, UTM32, UTM33, make_grid
from watermap.bands import SENTINEL2
from watermap.geo.grid import Grid

BANDS: Final = tuple(name for name in SENTINEL2 if name != "B10")
"""Surface reflectance has no cirrus band."""

LEFT: Final = 272_400.0
TOP: Final = 5_220_000.0
"""Corner of the first footprint in UTM 33: by the meridian of 12 degrees, where zone 32 ends."""

_LAKES: Final = ((300.0, -260.0, 190.0, 130.0), (760.0, -600.0, 150.0, 170.0), (1260.0, -760.0, 170.0, 120.0))
"""Middle (x, y) from the corner and half axes, in m."""

_DARK: Final = (560.0, -200.0, 60.0, 60.0)
"""A lake whose digital numbers are 0 in every band."""

_SHORE: Final = (1220.0, -800.0, 1380.0, -620.0)
"""Left, bottom, right and top, in m from the corner, of a shore that the neighbouring granule alone shows."""


def make_world(seed: int = 0) -> World:
    """Five granules of a few lakes: three dates of one place, a neighbour, and one of the neighbouring UTM zone."""
    rng = np.random.default_rng(seed)
    place, beside = make_grid(96, 80, left=LEFT, top=TOP), make_grid(96, 80, left=LEFT + 600, top=TOP - 360)
    across = make_grid(96, 80, left=727_980, top=5_219_880, crs=UTM32)
    granules = (
        _granule(rng, "20230614T101031_20230614T101026_T33TTN", 15, 0.12, place, level=1.0),
        _granule(rng, "20230614T101031_20230614T101026_T33TUN", 14, 0.55, beside, level=1.0),
        _granule(rng, "20230617T102031_20230617T102027_T32TQT", 24, 0.31, across, level=0.97),
        _granule(rng, "20230619T101609_20230619T101604_T33TTN", 15, 40.0, place, level=0.95),
        _granule(rng, "20230624T101031_20230624T101027_T33TTN", 15, 0.82, place, level=0.85),
    )
    bounds = shapely.union_all([each.footprint for each in granules]).bounds
    coarse = _map_grid(bounds, 0.00025)
    return World(granules, _hansen(coarse), _jrc(coarse), _worldcover(bounds), _box(*_SHORE))


def _box(left: float, bottom: float, right: float, top: float) -> str:
    (west, east), (south, north) = transform(UTM33, LON_LAT, [LEFT + left, LEFT + right], [TOP + bottom, TOP + top])
    return f"{west:.6f},{south:.6f},{east:.6f},{north:.6f}"


def _place(grid: Grid) -> tuple[Numbers, Numbers]:
    """Metres east and north of the first footprint's corner; by a local plane for maps in degrees."""
    if grid.crs == UTM33:
        x, y = middles(grid)
        return x - LEFT, y - TOP
    cols, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    corners = ((0, 0), (grid.width, 0), (0, grid.height))
    xs, ys = transform(grid.crs, UTM33, *zip(*(grid.transform @ corner for corner in corners), strict=True))
    right, down = cols / grid.width, rows / grid.height
    x, y = (at[0] + right * (at[1] - at[0]) + down * (at[2] - at[0]) for at in (xs, ys))
    return x - LEFT, y - TOP


def _depth(x: Numbers, y: Numbers, lakes: tuple[tuple[float, ...], ...]) -> Numbers:
    """1 in the middle of a lake, 0 at its shore, below 0 on land."""
    depths = []
    for middle_x, middle_y, wide, high in lakes:
        angle = np.arctan2(y - middle_y, x - middle_x)
        far = np.hypot((x - middle_x) / wide, (y - middle_y) / high)
        depths.append(1 - far / (1 + 0.12 * np.sin(3 * angle + middle_x)))
    deepest: Numbers = np.maximum.reduce(depths)
    return deepest


def _granule(
    rng: np.random.Generator, index: str, minute: int, cloud_percent: float, grid: Grid, *, level: float
) -> Granule:
    x, y = _place(grid)
    depth = _depth(x, y, (*_LAKES, _DARK)) + (level - 1)
    water, dark = depth > 0, _depth(x, y, (_DARK,)) + (level - 1) > 0
    noise = rng.integers(0, 400, (len(BANDS), *grid.shape), dtype=np.uint16)
    land = np.linspace(700, 3200, len(BANDS)).astype(np.uint16)[:, None, None]
    values = np.where(water, np.uint16(90) + noise // 2, land + noise)
    radius = math.sqrt(cloud_percent / 100 / math.pi * grid.width * grid.height) + 3
    rows, cols = np.mgrid[: grid.height, : grid.width]
    cloud = np.hypot(rows - 0.45 * grid.height, cols - 0.35 * grid.width) < radius
    values = np.where(cloud, np.uint16(6000) + noise, values).astype(np.uint16)
    values[:, dark] = 0
    score = np.where(cloud, rng.uniform(0, 0.55, grid.shape), rng.uniform(0.65, 1, grid.shape)).astype(np.float32)
    score[2, :8] = np.float32(0.6)  # the very threshold
    classes = rng.choice(np.array([1, 2, 4, 5, 6, 7, 8], dtype=np.uint8), grid.shape)
    classes[(depth > -0.08) & (x < 700)] = 3
    classes[depth > 0.02] = 0
    top_col, bottom_col = grid.width * 0.97, grid.width * 0.78  # the swath ends here
    edge = Affine.translation(0.5, 0.5) @ (cols, rows)
    valid = edge[0] < top_col + (bottom_col - top_col) * edge[1] / grid.height
    ring = [(0.0, 0.0), (top_col, 0.0), (bottom_col, float(grid.height)), (0.0, float(grid.height))]
    lon_lat = transform(grid.crs, LON_LAT, *zip(*(grid.transform @ corner for corner in ring), strict=True))
    sensed = datetime.datetime.strptime(index[:8], "%Y%m%d").replace(hour=10, minute=minute, tzinfo=datetime.UTC)
    return Granule(
        index=index,
        sensed=sensed + datetime.timedelta(milliseconds=31_457),
        cloud_percent=cloud_percent,
        grid=grid,
        bands=dict(zip(BANDS, values, strict=True)),
        valid=valid,
        cloud_score=score,
        dynamic_world=classes,
        footprint=shapely.Polygon(zip(*lon_lat, strict=True)),
    )


def _map_grid(bounds: tuple[float, ...], pixel: float) -> Grid:
    """A grid in degrees, on multiples of its pixel size, with a margin around the granules."""
    left, bottom, right, top = (
        round(edge / pixel) + side * round(0.003 / pixel) for edge, side in zip(bounds, (-1, -1, 1, 1), strict=True)
    )
    return Grid(LON_LAT, Affine(pixel, 0, left * pixel, 0, -pixel, top * pixel), right - left, top - bottom)


def _raster(grid: Grid, **bands: Numbers) -> Raster:
    return Raster(grid, bands, {name: np.ones(grid.shape, dtype=np.bool_) for name in bands})


def _hansen(grid: Grid) -> Raster:
    """Lakes a little too large and to the east, and a patch of no data."""
    x, y = _place(grid)
    mask = np.where(_depth(x - 12, y, (*_LAKES, _DARK)) > -0.06, 2, 1)
    mask[(x > 200) & (x < 420) & (y < -500) & (y > -660)] = 0
    return _raster(grid, datamask=mask.astype(np.uint8))


def _jrc(grid: Grid) -> Raster:
    """Water that comes and goes at the shore: sure in the middle, now and then around it."""
    x, y = _place(grid)
    depth = _depth(x, y + 9, (*_LAKES[:2], _DARK, (1250.0, -750.0, 120.0, 100.0)))
    occurrence = np.clip(80 + 220 * depth, 0, 100).astype(np.uint8)
    ever = occurrence > 0
    bands = {"occurrence": occurrence, "max_extent": ever.astype(np.uint8)}
    return Raster(grid, bands, {"occurrence": ever, "max_extent": np.ones(grid.shape, dtype=np.bool_)})


def _worldcover(bounds: tuple[float, ...]) -> Raster:
    """Trees and grass, lakes, reed around one of them, and mangroves that Europe does not have."""
    grid = _map_grid(bounds, 0.0001)
    x, y = _place(grid)
    depth = _depth(x, y, (*_LAKES, _DARK))
    classes = np.where(np.sin(x / 90) > 0, 10, 30)
    classes[(depth > -0.1) & (x > 600)] = 90
    classes[depth > 0] = 80
    classes[(x > 60) & (x < 160) & (y < -620)] = 95
    return _raster(grid, Map=classes.astype(np.uint8))
