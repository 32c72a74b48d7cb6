"""How the ground reflects: spectra of covers and waters, painted on a place as one season shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from watermap.scenes.sample.land import Land
from watermap.scenes.sample.noise import Field, fractal, smoothstep, steepness
from watermap.scenes.sample.parcels import TABLE, Parcels
from watermap.scenes.sample.waters import Waters

Cube = npt.NDArray[np.float32]
"""(6, rows, cols) reflectance x 10,000 in B2, B3, B4, B8, B11, B12."""


class Cover(IntEnum):
    """Kinds of surface; the value is the row in `SPECTRA`."""

    CONIFER = 0
    LEAF = 1
    BARE_TREES = 2
    GRASS = 3
    DRY_GRASS = 4
    GREEN_CROP = 5
    DENSE_CROP = 6
    RIPE_CROP = 7
    RAPE = 8
    STUBBLE = 9
    BARE_SOIL = 10
    DARK_SOIL = 11
    SAND = 12
    MUD = 13
    REED = 14
    ROCK = 15
    SNOW = 16
    ASPHALT = 17
    TILE_ROOF = 18
    GREY_ROOF = 19
    BRIGHT_ROOF = 20
    DARK_ROOF = 21
    GRAVEL = 22
    BURNT = 23
    CONCRETE = 24
    HEATH = 25
    WET_SOIL = 26
    WET_SAND = 27
    GREENHOUSE = 28


# Rounded reflectance x 10,000, chosen within what these libraries and studies show once resampled to the bands of
# Sentinel-2: Kokaly et al. 2017, USGS Spectral Library version 7; Meerdink et al. 2019, ECOSTRESS spectral library
# (vegetation, soil, rock, snow, man-made). Water follows Ruddick et al. 2006, Limnol. Oceanogr. 51 (near infrared
# rises with sediment) and Pope and Fry 1997, Appl. Opt. 36 (pure water absorbs, so each band sees less deep).
SPECTRA: Final = np.array(
    [
        [180, 320, 210, 1850, 880, 400],  # conifer
        [230, 470, 270, 3350, 1550, 680],  # leaf
        [420, 560, 620, 1600, 1750, 1050],  # bare trees
        [360, 680, 500, 3000, 2050, 1150],  # grass
        [620, 900, 1080, 2450, 2850, 1900],  # dry grass
        [380, 720, 520, 3400, 2000, 1050],  # green crop
        [260, 600, 290, 4350, 1850, 820],  # dense crop
        [720, 1080, 1480, 2600, 3250, 2200],  # ripe crop
        [420, 1150, 800, 3900, 1950, 900],  # rape
        [850, 1200, 1650, 2550, 3500, 2700],  # stubble
        [880, 1200, 1600, 2200, 2950, 2500],  # bare soil
        [460, 620, 780, 1150, 1600, 1350],  # dark soil
        [1750, 2250, 2700, 3250, 3900, 3500],  # sand
        [600, 800, 960, 1080, 640, 430],  # mud
        [380, 600, 560, 2250, 1500, 780],  # reed
        [950, 1150, 1320, 1650, 2000, 1750],  # rock
        [8300, 8400, 8300, 7500, 1150, 850],  # snow
        [640, 740, 820, 980, 1120, 1020],  # asphalt
        [720, 920, 1450, 1950, 2350, 2150],  # tile roof
        [1100, 1250, 1350, 1550, 1700, 1600],  # grey roof
        [3500, 3600, 3650, 3700, 3150, 2800],  # bright roof, coated metal or membrane
        [520, 570, 560, 520, 420, 370],  # dark roof, bitumen or dark metal
        [950, 1230, 1520, 1950, 2500, 2300],  # gravel
        [330, 380, 430, 720, 1250, 1350],  # burnt field
        [1650, 1850, 2000, 2250, 2500, 2350],  # concrete
        [420, 580, 640, 1950, 1900, 1150],  # heath
        [420, 570, 680, 830, 470, 320],  # wet soil, standing moisture
        [820, 1080, 1290, 1480, 880, 560],  # wet sand
        [1350, 1520, 1560, 2050, 1330, 1020],  # greenhouse, polyethylene film
    ],
    dtype=np.float32,
)

_CLEAR: Final = np.array([330, 290, 120, 45, 14, 8], dtype=np.float32)
_LAKE: Final = np.array([190, 270, 150, 60, 15, 8], dtype=np.float32)
_BROWN: Final = np.array([95, 120, 125, 60, 16, 9], dtype=np.float32)
_SILT: Final = np.array([500, 920, 1180, 480, 60, 36], dtype=np.float32)
_MILK: Final = np.array([1050, 1250, 750, 190, 25, 14], dtype=np.float32)
_ALGAE: Final = np.array([260, 640, 330, 330, 60, 34], dtype=np.float32)
_SCUM: Final = np.array([330, 880, 430, 1700, 420, 200], dtype=np.float32)
_FOAM: Final = np.array([2600, 2600, 2600, 2200, 780, 520], dtype=np.float32)
_VISIBLE_TO_M: Final = np.array([3.2, 3.6, 1.3, 0.22, 0.02, 0.01], dtype=np.float32)
"""Depth in m at which the bottom's light has fallen to 1/e, there and back, in clear water."""


@dataclass(frozen=True)
class Season:
    """What the time of year does to a place.

    Attributes:
        leaf: 0 bare trees to 1 full leaf.
        green: 0 dry to 1 lush grass.
        crops: column of the calendar of crops.
        snow: share of the ground under snow where there are mountains.
        stage: water level, in tides (about -1 to 1).
    """

    leaf: float
    green: float
    crops: int
    snow: float
    stage: float


# What each crop looks like in April, June, July and October (first and second cover, mixed field by field).
_CALENDAR: Final = np.array(
    [
        [(5, 6), (6, 7), (7, 9), (10, 5)],  # winter cereals
        [(5, 6), (7, 6), (9, 7), (9, 10)],  # barley
        [(10, 11), (5, 10), (6, 5), (7, 4)],  # maize
        [(8, 6), (6, 5), (7, 9), (5, 10)],  # rape
        [(3, 6), (3, 6), (3, 4), (3, 5)],  # meadow
        [(10, 11), (6, 5), (6, 5), (11, 10)],  # beet, potatoes
        [(10, 9), (10, 11), (10, 3), (10, 9)],  # fallow
        [(11, 10), (5, 11), (5, 6), (11, 9)],  # vegetables on dark soil
    ]
)
_SOWN: Final = np.array([0.26, 0.1, 0.18, 0.11, 0.15, 0.08, 0.05, 0.07])


def paint_land(
    rng: np.random.Generator, waters: Waters, land: Land, parcels: Parcels, season: Season, sown: int
) -> Cube:
    """Reflectance of the ground without its water.

    Args:
        rng: randomness of the date.
        waters: the place.
        land: its use.
        parcels: its fields.
        season: the time of year.
        sown: seed of what does not change between dates: crops, soils, texture.
    """
    fixed = np.random.default_rng(sown)
    size = len(waters.bed)
    patch = fractal(fixed, size, longest=40, shortest=3, roughness=2.6)
    soil = fractal(fixed, size, longest=0.5 * size, shortest=5, roughness=2.8)
    crown = fractal(fixed, size, longest=6, shortest=2, roughness=2.0)

    first = np.full((size, size), Cover.GRASS, dtype=np.intp)
    second = np.full((size, size), Cover.DRY_GRASS, dtype=np.intp)
    share = np.clip(0.75 - 0.7 * season.green + 0.2 * patch + 0.1 * soil, 0, 1)
    tone = 1 + 0.07 * patch
    heath = (patch + soil > 1.3) & ~land.farmed
    first[heath] = Cover.HEATH

    crop = fixed.choice(len(_SOWN), TABLE, p=_SOWN)
    look = _CALENDAR[parcels.look_up(crop), season.crops]
    field_share = np.clip(parcels.look_up(rng.beta(0.8, 1.6, TABLE)) + 0.08 * patch, 0, 1)
    rows = np.sin(parcels.across * 1.7) * parcels.look_up(fixed.uniform(0, 0.035, TABLE))
    field_tone = parcels.look_up(fixed.normal(1, 0.1, TABLE)) * (1 + 0.05 * soil + 0.03 * patch + rows)
    burnt = land.farmed & (parcels.look_up(rng.random(TABLE)) < 0.008)
    damp = 0.035 * (waters.kind in ("river", "floodplain", "coast"))
    soaked = land.farmed & (parcels.look_up(rng.random(TABLE)) < damp)
    glazed = land.farmed & (parcels.look_up(fixed.random(TABLE)) < 0.08 * (waters.kind == "coast"))
    for target, value in ((first, look[..., 0]), (second, look[..., 1])):
        target[land.farmed] = value[land.farmed]
        target[burnt] = Cover.BURNT
        target[soaked] = Cover.WET_SOIL
        target[glazed] = Cover.GREENHOUSE
    share = np.where(land.farmed, field_share, share)
    tone = np.where(land.farmed, field_tone, tone)

    leaves = np.where(season.leaf > fixed.random((size, size)), Cover.LEAF, Cover.BARE_TREES)
    first = np.where(land.forest, leaves, first)
    second = np.where(land.forest, Cover.CONIFER, second)
    share = np.where(land.forest, smoothstep(0.25, 0.75, land.stand + 0.1 * crown), share)
    tone = np.where(land.forest, np.clip(0.97 + 0.13 * crown + 0.05 * patch, 0.45, 1.5), tone)
    young = parcels.look_up(fixed.random(TABLE))
    first = np.where(land.cleared, np.where(young < 0.45, Cover.DRY_GRASS, Cover.HEATH), first)
    share = np.where(land.cleared, 0.15 + 0.3 * young, share)

    above = waters.height / max(float(waters.height.max()), 1e-6)
    cube = _mix(first, second, share, tone)
    cube = _cover(cube, Cover.ROCK, 0.9 * waters.rock * smoothstep(0.9, -0.3, patch + 0.5 * crown), 1 + 0.12 * crown)
    cube *= 1 + 0.1 * np.clip(waters.trace, -1, 1) * (waters.bed > waters.tide_m)
    cube = _cover(cube, Cover.LEAF if season.leaf > 0.5 else Cover.BARE_TREES, _gallery(waters, patch), tone)

    cube = _cover(cube, Cover.CONIFER, land.hedges, tone)
    cube = _cover(cube, Cover.GRAVEL, land.lanes, 1 + 0.05 * crown)
    cube = _cover(cube, Cover.GRASS, land.town * 0.8, 1 + 0.1 * patch)
    variety = 1 + 0.16 * fixed.standard_normal((size, size))
    for code, cover in enumerate((Cover.TILE_ROOF, Cover.GREY_ROOF, Cover.BRIGHT_ROOF, Cover.DARK_ROOF), start=1):
        cube = _cover(cube, cover, 0.85 * (land.town > 0) * (land.roof == code), variety)
    cube = _cover(cube, Cover.ASPHALT, 0.8 * (land.town > 0) * (land.roof == 5), variety)
    cube = _cover(cube, Cover.LEAF, 0.45 * (land.town > 0) * (land.roof == 6), variety)
    cube = _cover(cube, Cover.ASPHALT, 0.9 * land.roads, 1 + 0.08 * patch)
    cube = _cover(cube, Cover.CONCRETE, waters.works if waters.kind == "reservoir" else 0 * waters.works, variety)
    cube = _shores(cube, waters, season, patch, crown)
    if waters.kind == "mountains" and season.snow > 0:
        line = float(np.quantile(above + 0.05 * patch, 1 - season.snow))
        snow = smoothstep(line - 0.02, line + 0.05, above + 0.05 * patch - 0.05 * land.steep)
        cube = _cover(cube, Cover.SNOW, snow, 1 + 0.03 * crown)
    return cube


def _mix(
    first: npt.NDArray[np.intp], second: npt.NDArray[np.intp], share: npt.NDArray[Any], tone: npt.NDArray[Any]
) -> Cube:
    mixed = [(spectrum[first] * (1 - share) + spectrum[second] * share) * tone for spectrum in SPECTRA.T]
    return np.stack(mixed).astype(np.float32)


def _cover(cube: Cube, cover: Cover, share: npt.NDArray[Any], tone: npt.NDArray[Any]) -> Cube:
    """Put a cover over a share of each pixel."""
    if not share.any():
        return cube
    share = share.astype(np.float32)
    return np.asarray(cube * (1 - share) + SPECTRA[cover][:, None, None] * (share * tone.astype(np.float32)))


def _gallery(waters: Waters, patch: Field) -> Field:
    """Trees and bushes along the banks of rivers."""
    if waters.kind not in ("river", "floodplain", "coast"):
        return np.zeros_like(patch)
    band = smoothstep(0.4, 1.3, waters.bed - waters.tide_m) * smoothstep(4.2, 2.6, waters.bed)
    return np.asarray(0.9 * band * smoothstep(-0.4, 0.5, patch) * (waters.silt > 0.02), dtype=np.float32)


def _shores(cube: Cube, waters: Waters, season: Season, patch: Field, crown: Field) -> Cube:
    """Beaches, bars, reeds, mud, and the rim that a low level leaves bare."""
    stage = season.stage * waters.tide_m
    over = waters.bed - stage
    washed = smoothstep(1.15, 0.75, waters.bed / waters.tide_m + 0.12 * patch)
    bare = washed * (0.08 + 0.92 * waters.sand) * (1 - 0.9 * waters.marsh)
    if waters.kind == "floodplain":
        bare = bare * 0.15
    wet = smoothstep(0.9, 0.0, over / (0.9 * waters.tide_m))
    cube = _cover(cube, Cover.REED, 0.85 * waters.marsh * washed * smoothstep(-1.2, 0.4, patch), 1 + 0.1 * crown)
    shore = {"coast": Cover.SAND, "reservoir": Cover.BARE_SOIL}.get(waters.kind, Cover.GRAVEL)
    cube = _cover(cube, shore, bare, 1 + 0.06 * patch)
    mud = washed * wet * np.clip(0.35 + 0.6 * waters.marsh - 0.25 * waters.sand, 0, 1)
    cube = _cover(cube, Cover.MUD, mud, 1 + 0.08 * patch)
    cube = _cover(cube, Cover.WET_SAND, 0.8 * bare * wet * (waters.kind in ("coast", "reservoir")), 1 + 0.05 * patch)
    return np.asarray(cube * (1 - 0.25 * wet * washed), dtype=np.float32)


def paint_water(rng: np.random.Generator, waters: Waters, season: Season, bottom: Cube) -> Cube:
    """Reflectance of the water, as if it covered everything.

    Args:
        rng: randomness of the date.
        waters: the place.
        season: the time of year.
        bottom: reflectance of the ground, seen through shallow water.
    """
    size = len(waters.bed)
    depth = np.maximum(season.stage * waters.tide_m - waters.bed, 0)
    wind = rng.uniform(0, np.pi)
    swirl = fractal(rng, size, longest=0.25 * size, shortest=5, roughness=3.5, stretch=2.5, angle=wind)
    streaks = fractal(rng, size, longest=0.06 * size, shortest=3, roughness=2.4, stretch=4, angle=wind)
    silt = np.clip(waters.silt * (1 + 0.35 * season.stage) + 0.03 * swirl * smoothstep(0, 0.3, waters.silt), 0, 1)
    algae = np.clip(waters.algae * (0.3 + season.leaf * 0.9) + 0.06 * swirl * smoothstep(0, 0.3, waters.algae), 0, 1)
    pure = _CLEAR if waters.kind in ("coast", "mountains") else _LAKE
    clear = waters.clear * pure + (1 - waters.clear) * _BROWN
    loaded = _MILK if waters.kind == "mountains" else _SILT
    scum = smoothstep(0.6, 0.9, algae + 0.15 * streaks)
    visible = np.exp(-(1.2 + 7 * silt + 4 * (1 - waters.clear))[None] * depth[None] / _VISIBLE_TO_M[:, None, None])
    water = clear[:, None, None] * (1 + 0.06 * swirl)
    for part, spectrum in ((silt, loaded), (algae, _ALGAE), (scum, _SCUM)):
        water = water * (1 - part) + spectrum[:, None, None] * part
    glint = rng.uniform(0, 12) * np.clip(1 + streaks, 0, 3)
    water = water * (1 - visible) + (0.7 if waters.kind == "coast" else 0.35) * bottom * visible + glint
    if waters.kind == "coast":
        open_shore = np.maximum(waters.sand, waters.rock)
        surf = 0.5 * open_shore * smoothstep(0.45, 0.05, depth) * smoothstep(0.2, 1.2, streaks + 0.6 * swirl)
        water = water * (1 - surf) + _FOAM[:, None, None] * surf
    reeds = waters.marsh * smoothstep(0.5, 0.05, depth) * 0.55
    return _cover(np.asarray(water, dtype=np.float32), Cover.REED, reeds, np.ones(1))


def water_share(waters: Waters, land: Land, season: Season) -> Field:
    """Share of each pixel under water on a date: 0.5 on the shoreline."""
    over = np.asarray(waters.bed - season.stage * waters.tide_m, dtype=np.float32)
    share = np.clip(0.5 - over / np.maximum(steepness(over), 0.02), 0, 1)
    return np.asarray(share * (1 - np.clip(land.roads * 1.1, 0, 1)), dtype=np.float32)


def blur(cube: Cube, sigma: float) -> Cube:
    """Each band as an instrument with a Gaussian point spread sees it; `sigma` in pixels."""
    return np.stack([ndimage.gaussian_filter(band, sigma, mode="nearest") for band in cube])
