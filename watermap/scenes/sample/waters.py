"""Where the water is: six kinds of places, each with its own way to hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import ndimage

from watermap.scenes.sample.noise import Field, Points, fractal, nearest_on_curve, resample, smoothstep, steepness
from watermap.scenes.sample.parcels import TABLE, Parcels
from watermap.scenes.sample.rivers import channel, meander, turn
from watermap.scenes.sample.terrain import carved, enlarge


@dataclass(frozen=True)
class Waters:
    """The ground of a place as its water sees it; every field is (rows, cols).

    Attributes:
        kind: name of the place's kind.
        bed: height of the ground above the mean water level in m, below 0 under water; shores are gentle where
            the level moves far.
        height: of the terrain in pixels (10 m), for light and shade.
        sand: 0 to 1, how bare and sandy the shore is.
        marsh: 0 to 1, how far reeds and mud take the shore.
        silt: 0 to 1, how much sediment the water carries.
        algae: 0 to 1, how green the water is.
        trace: about -1 to 1, old river banks that show in the vegetation.
        works: 0 to 1, dams and dikes.
        rock: 0 to 1, bare rock.
        clear: 0 to 1, how clear against brown the water is, the same in the whole place.
        tide_m: how far the level swings between seasons.
        farmed: 0 to 1, share of the dry ground with fields.
        wooded: 0 to 1, share of the rest with forest.
        towns: how many.
    """

    kind: str
    bed: Field
    height: Field
    sand: Field
    marsh: Field
    silt: Field
    algae: Field
    trace: Field
    works: Field
    rock: Field
    clear: float = 0.5
    tide_m: float = 0.5
    farmed: float = 0.5
    wooded: float = 0.5
    towns: int = 3


def _waters(kind: str, bed: Field, height: Field) -> Waters:
    none = np.zeros_like(bed)
    return Waters(kind, bed, height, none, none, none, none, none, none, none)


def _level(values: Field, share: float, slope_m: float) -> Field:
    """A field as a bed of which `share` lies under water, with a median shore slope in m a pixel."""
    bed = values - np.quantile(values, share)
    slopes = steepness(bed)
    near = slopes[np.abs(bed) < 2 * np.median(slopes)]
    return np.asarray(bed * (slope_m / max(float(np.median(near)), 1e-6)), dtype=np.float32)


def _hills(rng: np.random.Generator, size: int, relief: float) -> Field:
    """Rolling country: carved but worn down, in pixels of height."""
    cells = 80
    coarse = ndimage.gaussian_filter(carved(rng, cells, [(cells - 1, c) for c in range(0, cells, 9)]), 1.6)
    return np.asarray(relief * enlarge(rng, coarse, size), dtype=np.float32)


def lakes(rng: np.random.Generator, size: int, _: Parcels) -> Waters:
    """Lakes that ice sheets left: drawn out along one direction, fractal shores, islands, ponds, bogs."""
    angle = rng.uniform(0, np.pi)
    broad = fractal(rng, size, longest=0.4 * size, shortest=6, roughness=4.1, stretch=2.4, angle=angle)
    fine = fractal(rng, size, longest=0.1 * size, shortest=5, roughness=3.5, stretch=1.7, angle=angle)
    ground = broad + 0.13 * fine
    # Ponds and bogs lie in hollows of the land, not in the lakes.
    hollows = fractal(rng, size, longest=26, shortest=8, roughness=4)
    ground = np.minimum(ground, np.quantile(ground, 0.3) + 1.3 - 0.5 * hollows)
    bed = _level(ground, rng.uniform(0.27, 0.36), 0.22)
    height = 0.014 * size * (broad + 0.1 * fine)
    waters = _waters("lakes", bed, np.asarray(height, dtype=np.float32))
    patchy = fractal(rng, size, longest=0.2 * size, shortest=10)
    return replace(
        waters,
        sand=0.7 * smoothstep(1.0, 1.8, patchy),
        marsh=smoothstep(0.2, 1.2, -patchy),
        algae=0.5 * smoothstep(0.6, 2.0, fractal(rng, size, longest=0.5 * size, shortest=20)),
        clear=rng.uniform(0.2, 0.6),
        tide_m=0.35,
        farmed=0.22,
        wooded=0.84,
        towns=2,
    )


def river(rng: np.random.Generator, size: int, _: Parcels) -> Waters:
    """A wandering river in its plain: oxbow lakes, point bars, old banks, gravel pits."""
    width = max(0.082 * size, 7.0)
    angle = rng.uniform(-0.35, 0.35) + rng.choice([0.0, np.pi / 2])
    past = meander(rng, 2.6 * size, width)
    middle = past.course[(past.course[:, 0] > 1.45 * size) & (past.course[:, 0] < 2.15 * size)].mean(axis=0)
    if past.oxbows:
        middle = 0.6 * middle + 0.4 * min((loop.mean(axis=0) for loop in past.oxbows), key=lambda m: _apart(m, middle))
    place = [turn(line - middle, size, angle) for line in (past.course, *past.oxbows, *past.past)]
    course, oxbows, banks = place[0], place[1 : 1 + len(past.oxbows)], place[1 + len(past.oxbows) :]
    noise = fractal(rng, size, longest=50, shortest=6, roughness=3.2)
    bed, inner = channel(course, size, width, noise)
    silt = np.where(bed < 1.5, 0.55, 0).astype(np.float32)
    for loop in oxbows[-3:]:
        old, _inner = channel(loop, size, 0.72 * width, noise, plugged=True)
        silt = np.where(old < bed, 0.12, silt)
        bed = np.minimum(bed, old)
    trace = np.zeros((size, size), dtype=np.float32)
    for number, bank in enumerate(banks):
        distance, _position = nearest_on_curve(resample(bank, 0.7), size, int(width))
        trace += (1 if number % 2 else -1) * np.exp(-((distance / (0.1 * width)) ** 2))
    pits = fractal(rng, size, longest=30, shortest=9, roughness=4)
    near = np.exp(-((np.maximum(bed, 0) / 2.6) ** 2))
    bed = np.minimum(bed, np.where(bed > 1.2, 6.6 - 2.1 * pits - 0.6 * near, bed)).astype(np.float32)
    plain = 0.5 * fractal(rng, size, longest=0.6 * size, shortest=6, roughness=3.4)
    waters = _waters("river", bed, plain - 0.5 * smoothstep(2, 0, bed))
    return replace(
        waters,
        sand=np.asarray(inner * smoothstep(0.2, 0.7, silt), dtype=np.float32),
        marsh=0.5 * smoothstep(0.3, 0.1, silt),
        silt=np.asarray(ndimage.gaussian_filter(silt, 2), dtype=np.float32),
        algae=np.asarray(0.7 * smoothstep(0.3, 0.1, silt), dtype=np.float32),
        trace=np.clip(trace, -1, 1),
        clear=0.5,
        tide_m=0.75,
        farmed=0.92,
        wooded=0.3,
        towns=4,
    )


def _apart(one: Points, other: Points) -> float:
    return float(np.hypot(*(one - other)))


def coast(rng: np.random.Generator, size: int, _: Parcels) -> Waters:
    """A sea with bays between rocky headlands, beaches, bars, and a tidal river mouth."""
    angle = rng.uniform(-0.5, 0.5) + rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2])
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) - (size - 1) / 2
    wobble = 0.02 * size * fractal(rng, size, longest=0.5 * size, shortest=0.1 * size, roughness=4)
    along = (x * np.cos(angle) + y * np.sin(angle)) / size + wobble / size
    across = -x * np.sin(angle) + y * np.cos(angle)
    # Headlands stand where bays meet.
    heads = np.cumsum(rng.uniform(0.42, 0.85, 6)) - 1.7 + rng.uniform(-0.2, 0.2)
    bay = np.clip(np.searchsorted(heads, along) - 1, 0, len(heads) - 2)
    part = np.clip((along - heads[bay]) / np.diff(heads)[bay], 0, 1)
    skewed = part ** rng.uniform(0.6, 1.6, 6)[bay]  # waves from one side make bays crescents
    depth = rng.uniform(0.12, 0.26, 6)[bay]
    rocky = np.exp(-((np.minimum(part, 1 - part) / 0.11) ** 2)).astype(np.float32)
    shore = size * (0.16 - depth * np.sin(np.pi * skewed) ** 0.75 + 0.05)
    rough = fractal(rng, size, longest=0.12 * size, shortest=4, roughness=2.9)
    rocky = np.asarray(ndimage.gaussian_filter(rocky, 4), dtype=np.float32)
    inland = shore - across  # grows with the distance from the sea
    inland = inland + (0.014 * rocky + 0.0018) * size * rough
    offshore = -np.minimum(inland, 0)
    mouth = rng.uniform(-0.15, 0.15) * size
    gentle = np.where(inland < 0, 0.05 + 0.3 * rocky, 0.16 + 0.5 * rocky)
    near_mouth = np.exp(-(((along - mouth / size) / 0.17) ** 2))
    gentle = gentle * (1 - 0.72 * near_mouth * smoothstep(0.26 * size, 0.08 * size, np.abs(inland)))
    bars = np.sin(offshore / (0.012 * size) + 1.2 * rough)
    bars = bars * smoothstep(4, 20, offshore) * smoothstep(0.12 * size, 0, offshore)
    bed = inland * gentle + 0.2 * bars
    # The river mouth: a meandering creek that widens like a funnel, between flats that fall dry.
    valley = meander(rng, 2.2 * size, 0.05 * size, steps=110).course
    valley = valley[(valley[:, 0] > 1.1 * size) & (valley[:, 0] < 2.1 * size)]
    valley = (valley - valley[-1]) @ np.array([[0.0, 1.0], [1.0, 0.0]])
    estuary = turn(valley + np.array([mouth, 0.3 * size]), size, angle)
    line = resample(estuary, 0.5)
    distance, position = nearest_on_curve(line, size, size // 8)
    seaward = np.exp(-(len(line) - position) * 0.5 / (0.34 * size))
    half = size * (0.013 + 0.05 * seaward)
    noise = fractal(rng, size, longest=60, shortest=6, roughness=3)
    creek = (np.abs(distance) - half + (1 + 2.5 * seaward) * noise) * (0.24 - 0.16 * seaward)
    flats = smoothstep(0.55, 0, creek / 6) * smoothstep(0.1, 0.5, seaward)
    flats = np.maximum(flats, near_mouth * smoothstep(3, 1, bed) * smoothstep(-2.5, -0.5, bed))
    bed = np.minimum(bed, creek)
    swirl = fractal(rng, size, longest=0.3 * size, shortest=6, roughness=3.4, stretch=2.5, angle=angle)
    plume = np.exp(-offshore / (0.16 * size)) * (0.35 + 0.5 * np.exp(-np.abs(along - mouth / size) / 0.25))
    muddy = ndimage.gaussian_filter(0.55 * smoothstep(0.2, 0.8, flats), 0.012 * size)
    silt = np.clip(plume * (0.8 + 0.2 * swirl) + muddy * (1 + 0.12 * swirl), 0, 1)
    hills = _hills(rng, size, 0.045 * size)
    rise = smoothstep(0, 0.35 * size, inland) + 0.35 * rocky
    waters = _waters("coast", bed.astype(np.float32), (hills * rise).astype(np.float32))
    return replace(
        waters,
        sand=np.asarray((1 - rocky) * smoothstep(0.7, 0.2, flats) * (creek > bed), dtype=np.float32),
        marsh=np.asarray(flats, dtype=np.float32),
        silt=np.asarray(silt, dtype=np.float32),
        rock=np.asarray(rocky * smoothstep(3.5, 1.5, bed) * (creek > bed), dtype=np.float32),
        clear=0.9,
        tide_m=0.8,
        farmed=0.6,
        wooded=0.45,
        towns=4,
    )


def reservoir(rng: np.random.Generator, size: int, _: Parcels) -> Waters:
    """A dammed valley: arms in every side valley, a straight dam, a bare rim when the level is low."""
    cells = 88
    outlet = (cells - 1, int(rng.integers(cells // 3, 2 * cells // 3)))
    coarse = ndimage.gaussian_filter(carved(rng, cells, [outlet]), 1.0)
    quarters = int(rng.integers(4))
    height = np.rot90(enlarge(rng, coarse, size), quarters).astype(np.float32)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    middle = (outlet[1] + 0.5) * size / cells
    # A gorge at the outlet keeps the dam short.
    gorge = smoothstep(0.05 * size, 0.3 * size, np.abs(x - middle)) * smoothstep(0.32 * size, 0.06 * size, size - y)
    height += 0.4 * np.rot90(gorge, quarters)
    below = np.rot90((size - 1 - y) - 0.07 * size - 0.15 * (x - middle), quarters)  # below 0 past the dam
    abreast = np.rot90(np.abs(x - middle), quarters)
    basin = np.where(below < 0, np.inf, height)
    level = float(np.quantile(height, rng.uniform(0.26, 0.32)))
    scale = 0.5 / max(float(np.median(steepness(height)[np.abs(height - level) < 0.05])), 1e-6)
    # Only what joins the pool behind the dam is flooded; other hollows stay dry.
    flooded, _count = ndimage.label(basin < level + 0.02)
    main = flooded == np.argmax(np.bincount(flooded[flooded > 0]))
    other = ~ndimage.binary_dilation(main, iterations=2)
    bed = (height - level) * scale
    bed = np.where(other & (bed < 6.0), 6.0 + np.abs(bed), bed)
    wall = smoothstep(3.2, 1.8, np.abs(below + 1.0)) * (height < level + 0.045) * (abreast < 0.3 * size)
    # Below the dam the river goes on.
    river_half = 2.6 + 0.6 * fractal(rng, size, longest=40, shortest=8)
    swing = 0.012 * size * np.sin(y / (0.02 * size)) + 0.006 * size * np.sin(y / (0.011 * size) + 1)
    stream = np.rot90(np.abs(x - middle - swing), quarters) - river_half
    bed = np.where(wall > 0.5, 8.0, np.where(below < -3, np.minimum(bed, stream), bed))
    patchy = fractal(rng, size, longest=0.25 * size, shortest=6)
    waters = _waters("reservoir", bed.astype(np.float32), np.asarray(0.15 * size * height, dtype=np.float32))
    return replace(
        waters,
        works=np.asarray(wall, dtype=np.float32),
        sand=np.full((size, size), 0.8, dtype=np.float32),
        silt=np.asarray(0.25 * smoothstep(-12, 0, bed) + 0.05 * patchy.clip(0), dtype=np.float32),
        algae=0.35 * smoothstep(0.8, 2.2, patchy),
        clear=0.75,
        tide_m=2.0,
        farmed=0.25,
        wooded=0.62,
        towns=2,
    )


def floodplain(rng: np.random.Generator, size: int, parcels: Parcels) -> Waters:
    """Fields under water along a small river, held back by dikes, with a marsh of pools and reeds."""
    width = max(0.03 * size, 5.0)
    past = meander(rng, 2.2 * size, width, steps=170)
    middle = past.course[(past.course[:, 0] > 1.3 * size) & (past.course[:, 0] < 1.8 * size)].mean(axis=0)
    course = turn(past.course - middle, size, rng.uniform(0, 2 * np.pi))
    noise = fractal(rng, size, longest=40, shortest=6)
    bank, inner = channel(course, size, width, noise)
    distance, _position = nearest_on_curve(resample(course, 0.5), size, size // 4)
    low = fractal(rng, size, longest=0.4 * size, shortest=5, roughness=3.1)
    step = parcels.look_up(rng.normal(0, 1, TABLE))
    dikes = parcels.look_up_block(rng.random(TABLE)) < 0.45
    land = 0.75 * low + np.abs(distance) / (0.17 * size) + 0.42 * step
    bed = _level(np.asarray(land, dtype=np.float32), rng.uniform(0.22, 0.28), 0.07)
    rim = parcels.edge * dikes
    bed = np.where(rim > 0.5, np.maximum(bed, 0.9), bed)
    silt = 0.5 + 0.3 * np.exp(-np.abs(distance) / (0.12 * size)) + 0.12 * noise
    bed = np.minimum(bed, bank)
    waters = _waters("floodplain", bed.astype(np.float32), np.asarray(0.35 * low, dtype=np.float32))
    wet = fractal(rng, size, longest=0.35 * size, shortest=8)
    return replace(
        waters,
        marsh=smoothstep(0.5, 1.3, wet),
        sand=np.asarray(0.4 * inner * smoothstep(2, 0.5, bank), dtype=np.float32),
        silt=np.clip(silt, 0, 1).astype(np.float32),
        algae=0.4 * smoothstep(0.7, 1.5, wet),
        works=np.asarray(0.7 * rim, dtype=np.float32),
        clear=0.4,
        tide_m=0.13,
        farmed=0.95,
        wooded=0.25,
        towns=3,
    )


def mountains(rng: np.random.Generator, size: int, _: Parcels) -> Waters:
    """A long lake in a valley that a glacier widened, steep slopes in shade, snow on the tops, tarns."""
    cells = 58
    edge = int(rng.integers(cells // 3, 2 * cells // 3))
    sharp = carved(rng, cells, [(cells - 1, edge)])
    sharp = ndimage.gaussian_filter(sharp, 0.55)
    quarters = int(rng.integers(4))
    height = np.rot90(enlarge(rng, sharp, size), quarters).astype(np.float32)
    wide = ndimage.gaussian_filter(height, 0.013 * size)
    level = float(np.quantile(wide, rng.uniform(0.17, 0.22)))
    trough = smoothstep(level + 0.22, level, wide)
    ground = height + trough * (np.minimum(wide, height + 0.05) - height)
    scale = 1.1 / max(float(np.median(steepness(ground)[np.abs(ground - level) < 0.04])), 1e-6)
    bed = (ground - level) * scale
    tarns = fractal(rng, size, longest=34, shortest=9, roughness=4)
    high = smoothstep(0.45, 0.6, height) * smoothstep(0.85, 0.7, height)
    bed = np.where((high > 0.5) & (tarns > 2.5), (2.5 - tarns) * 8, bed)
    lifted = np.asarray(0.24 * size * np.maximum(ground, level), dtype=np.float32)
    waters = _waters("mountains", bed.astype(np.float32), lifted)
    above = lifted / lifted.max() + 0.05 * fractal(rng, size, longest=40, shortest=3, roughness=2.6)
    rock = smoothstep(0.5, 0.68, above + 0.1 * (steepness(lifted) - 0.5))
    milk = fractal(rng, size, longest=0.4 * size, shortest=8)
    return replace(
        waters,
        silt=np.asarray(0.1 + 0.08 * milk.clip(0), dtype=np.float32),
        sand=np.full((size, size), 0.5, dtype=np.float32),
        rock=rock,
        clear=1.0,
        tide_m=1.2,
        farmed=0.06,
        wooded=0.7,
        towns=1,
    )


KINDS: Final[tuple[Callable[[np.random.Generator, int, Parcels], Waters], ...]] = (
    lakes,
    river,
    coast,
    mountains,
    floodplain,
    reservoir,
)
"""Places take turns: place 0 is a lake district, 1 a river, and so on."""
