"""A scene: one place on one date, as image, exact label and coarse label."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage

from watermap.bands import IMAGE_NO_DATA
from watermap.geo.grid import Grid
from watermap.legend import LAND, NO_DATA, WATER
from watermap.scenes.sample.land import Land, settle
from watermap.scenes.sample.noise import Field, fractal, generator
from watermap.scenes.sample.parcels import Parcels, divide
from watermap.scenes.sample.sky import Cloud, add_haze, cover_with, illuminate, make_cloud, observe, outside_swath
from watermap.scenes.sample.surfaces import Season, paint_land, paint_water, water_share
from watermap.scenes.sample.terrain import sunlight
from watermap.scenes.sample.waters import KINDS, Waters
from watermap.scenes.synthetic import SAMPLE_PREFIX

PIXEL_M: Final = 10
"""Pixel size of every sample scene."""

_CRS: Final = "EPSG:32633"
_LATITUDE: Final = np.radians(50.0)
_APART_M: Final = 40_000
"""Least distance between two places."""

_THICK: Final = 0.5
"""Opacity from which nobody could see through a cloud, so that the label is unknown."""

_CALENDAR: Final = (
    (7, Season(leaf=1.0, green=0.62, crops=2, snow=0.006, stage=-0.35)),
    (4, Season(leaf=0.25, green=0.85, crops=0, snow=0.03, stage=0.85)),
    (10, Season(leaf=0.7, green=0.6, crops=3, snow=0.012, stage=-0.9)),
    (6, Season(leaf=1.0, green=0.95, crops=1, snow=0.014, stage=0.3)),
)
"""Month and season of consecutive visits."""


@dataclass(frozen=True)
class SampleScene:
    """A synthetic Sentinel-2 scene with its truth.

    Attributes:
        name: of place and date, e.g. `sample_03_20230714`.
        date: ISO 8601 day.
        image: (6, rows, cols) uint16 reflectance x 10,000 without offset, in B2, B3, B4, B8, B11, B12; 65535 in
            every band where there is no data.
        label: (rows, cols) uint8 exact truth: 0 land, 1 water, 255 no data or under thick cloud.
        coarse_label: (rows, cols) uint8 as an older 30 m map would have it: stair-stepped, permanent water only,
            shores a little displaced; 255 where the image has no data.
        grid: where the pixels lie.
    """

    name: str
    date: str
    image: npt.NDArray[np.uint16]
    label: npt.NDArray[np.uint8]
    coarse_label: npt.NDArray[np.uint8]
    grid: Grid


@dataclass(frozen=True)
class _Place:
    waters: Waters
    land: Land
    parcels: Parcels
    sown: int


def make_scene(seed: int, *, size: int = 512, place: int = 0, visit: int = 0) -> SampleScene:
    """Make one scene; the same arguments give the same bytes.

    Places take turns through lake district, river, coast, mountain lake, flooded plain and reservoir, and lie at
    least 40 km apart. Visits of one place share its ground and its grid, and differ in season, water level, sky.

    Args:
        seed: of everything.
        size: width and height in pixels of 10 m, at least 64.
        place: which ground.
        visit: which date there.
    """
    ground = _found(seed, size, place)
    return _visit(ground, seed, size, place, visit)


def scene_name(seed: int, *, place: int = 0, visit: int = 0) -> str:
    """The name of the scene that `make_scene` would make, without making it."""
    day, _ = _day(generator(seed, place, 1, visit), place, visit)
    return _name(place, day)


def place_grid(size: int, place: int) -> Grid:
    """The grid of a place: UTM 33N, corners at multiples of 60 m. The position is invented, like the ground."""
    step = -(-(_APART_M + size * PIXEL_M) // 60) * 60
    columns = max(1, 400_020 // step)
    row, column = divmod(place, columns)
    north = (5_400_000 - row * step) % 9_000_000
    transform = Affine(PIXEL_M, 0, 300_000 + column * step, 0, -PIXEL_M, north)
    return Grid(CRS.from_string(_CRS), transform, size, size)


def _found(seed: int, size: int, place: int) -> _Place:
    """What stays the same between the dates of a place."""
    parcels = divide(generator(seed, place, 0, 0), size)
    waters = KINDS[place % len(KINDS)](generator(seed, place, 0, 1), size, parcels)
    land = settle(generator(seed, place, 0, 2), waters, parcels)
    return _Place(waters, land, parcels, int(generator(seed, place, 0, 3).integers(2**32)))


def _visit(ground: _Place, seed: int, size: int, place: int, visit: int) -> SampleScene:
    rng = generator(seed, place, 1, visit)
    day, season = _day(rng, place, visit)
    elevation, azimuth = _sun(day)

    land_cube = paint_land(rng, ground.waters, ground.land, ground.parcels, season, ground.sown)
    water_cube = paint_water(rng, ground.waters, season, land_cube)
    share = water_share(ground.waters, ground.land, season)
    light = sunlight(ground.waters.height, elevation, azimuth)
    cube = illuminate(land_cube, light) * (1 - share) + water_cube * share
    cloud = make_cloud(rng, size, elevation, azimuth) if rng.random() < 0.45 else None
    if cloud is not None:
        cube = illuminate(cube, 1 - 0.97 * cloud.shadow)
    cube += 0.02 * (ndimage.gaussian_filter(cube, (0, 7, 7), mode="nearest") - cube) * share
    cube = add_haze(rng, cube, rng.uniform(10, 90))
    if cloud is not None:
        cube = cover_with(cube, cloud)
    image = observe(rng, cube)
    lost = outside_swath(rng, size) if rng.random() < 0.35 else np.zeros((size, size), dtype=bool)
    image[:, lost] = IMAGE_NO_DATA
    return SampleScene(
        name=_name(place, day),
        date=day.isoformat(),
        image=image,
        label=_truth(share, cloud, lost),
        coarse_label=_coarse(seed, place, ground, lost),
        grid=place_grid(size, place),
    )


def _day(rng: np.random.Generator, place: int, visit: int) -> tuple[datetime.date, Season]:
    """Date and season of a visit: the first that its generator is asked for."""
    month, season = _CALENDAR[(place + visit) % len(_CALENDAR)]
    return datetime.date(2021 + visit // 2 + int(rng.integers(2)), month, int(rng.integers(1, 29))), season


def _name(place: int, day: datetime.date) -> str:
    return f"{SAMPLE_PREFIX}{place:02d}_{day:%Y%m%d}"


def _sun(day: datetime.date) -> tuple[float, float]:
    """Elevation and azimuth of the sun in radians at the overpass, some 50 minutes before solar noon.

    Source: Cooper 1969 for the declination; spherical trigonometry for the rest.
    """
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365)
    hour = np.radians(-12.5)
    sine = np.sin(_LATITUDE) * np.sin(declination) + np.cos(_LATITUDE) * np.cos(declination) * np.cos(hour)
    elevation = float(np.arcsin(sine))
    south = (sine * np.sin(_LATITUDE) - np.sin(declination)) / (np.cos(elevation) * np.cos(_LATITUDE))
    return elevation, float(np.pi - np.arccos(np.clip(south, -1, 1)))


def _truth(share: Field, cloud: Cloud | None, lost: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    label = np.where(share >= 0.5, WATER, LAND).astype(np.uint8)
    if cloud is not None:
        label[cloud.opacity > _THICK] = NO_DATA
    label[lost] = NO_DATA
    return label


def _coarse(seed: int, place: int, ground: _Place, lost: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Permanent water on a 30 m grid, some years old; the same for every date of a place but for lost pixels."""
    rng = generator(seed, place, 0, 4)
    bed, tide = ground.waters.bed, ground.waters.tide_m
    size = len(bed)
    moved = 1.3 * fractal(rng, size, longest=0.3 * size, shortest=20, roughness=3.6)
    rows, cols = np.mgrid[0:size, 0:size].astype(np.float32)
    older = ndimage.map_coordinates(bed, [rows + moved, cols - moved], order=1, mode="nearest")
    wet = older < -0.4 * tide
    wet &= ndimage.binary_propagation(ndimage.binary_opening(wet, iterations=3), mask=ndimage.binary_opening(wet))
    pieces, _count = ndimage.label(wet)
    areas = np.bincount(pieces.ravel())
    wet &= areas[pieces] >= 150
    return _blocks(np.where(wet, WATER, LAND).astype(np.uint8), lost)


def _blocks(codes: npt.NDArray[np.uint8], lost: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Codes in blocks of 3 x 3 pixels from the upper left corner, unknown where any pixel is lost."""
    size = len(codes)
    pad = -size % 3
    centres = np.pad(codes, ((0, pad), (0, pad)), mode="edge")[1::3, 1::3]
    unknown = np.pad(lost, ((0, pad), (0, pad))).reshape(len(centres), 3, -1, 3).any(axis=(1, 3))
    coarse = np.where(unknown, NO_DATA, centres).astype(np.uint8)
    return coarse.repeat(3, axis=0).repeat(3, axis=1)[:size, :size]
