"""What stands on dry ground: forest, farmland, towns and the roads between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from watermap.scenes.sample.noise import Field, Points, fractal, paint_curves, resample, smoothstep, steepness
from watermap.scenes.sample.parcels import TABLE, Parcels
from watermap.scenes.sample.waters import Waters

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Land:
    """Land use; every field is (rows, cols) and stays the same between seasons.

    Attributes:
        farmed: fields with crops.
        forest: closed forest.
        stand: 0 to 1, from broad-leaved to coniferous.
        cleared: young or felled stands within the forest.
        roads: share of a pixel under asphalt.
        lanes: share of a pixel under a gravel track.
        hedges: share of a pixel under a row of trees.
        town: 0 to 1, how built up.
        roof: which roof or yard: 0 none, 1 tile, 2 grey, 3 bright, 4 dark, 5 street, 6 garden.
        steep: slope of the terrain, as rise over run.
    """

    farmed: Mask
    forest: Mask
    stand: Field
    cleared: Mask
    roads: Field
    lanes: Field
    hedges: Field
    town: Field
    roof: npt.NDArray[np.uint8]
    steep: Field


def settle(rng: np.random.Generator, waters: Waters, parcels: Parcels) -> Land:
    """Give every piece of dry ground a use, as people would: fields on flat ground, forest on the rest."""
    size = len(waters.bed)
    steep = steepness(waters.height)
    dry = waters.bed > waters.tide_m
    flat = smoothstep(0.28, 0.1, ndimage.gaussian_filter(steep, 2.5))
    sites = _town_sites(rng, waters, flat)
    town, roof = _towns(rng, waters, sites, parcels)
    main, side = _roads(rng, waters, steep, sites)
    roads = np.maximum(paint_curves(main, size, 1.5), paint_curves(side, size, 0.8))

    broad = fractal(rng, size, longest=0.35 * size, shortest=6, roughness=3.0)
    in_block = ndimage.gaussian_filter(broad, 6)
    choice = in_block + 0.5 * parcels.look_up_block(rng.normal(0, 1, TABLE))
    arable = choice + 2.5 * (flat - 0.8)
    farmed = (arable > np.quantile(arable[dry], 1 - waters.farmed)) & dry if dry.any() else dry
    ragged = fractal(rng, size, longest=60, shortest=4, roughness=3.0)
    woods = in_block + 0.35 * (broad - in_block) - 0.4 * ragged + 0.8 * (1 - flat)
    forest = ~farmed & dry & (woods > np.quantile(woods, 1 - waters.wooded))
    groves = parcels.look_up(rng.random(TABLE)) < 0.13 * waters.wooded
    forest |= farmed & groves
    meadows = parcels.look_up(rng.random(TABLE)) < 0.04
    farmed = farmed & ~forest & ~meadows

    stand = 0.55 + 0.5 * fractal(rng, size, longest=70, shortest=4, roughness=2.8)
    stand = np.asarray(np.clip(stand + 0.25 * parcels.look_up(rng.normal(0, 1, TABLE)), 0, 1), dtype=np.float32)
    cleared = forest & (parcels.look_up(rng.random(TABLE)) < 0.11) & (ndimage.gaussian_filter(woods, 3) > 0)
    lanes = 0.3 * parcels.lane * (waters.farmed > 0.4) * (parcels.look_up_block(rng.random(TABLE)) < 0.6)
    hedges = parcels.edge * farmed * (parcels.look_up_block(rng.random(TABLE)) < 0.35) * rng.uniform(0.2, 0.7)
    return Land(
        farmed,
        forest,
        stand,
        cleared,
        roads,
        np.asarray(lanes * dry * ~forest, dtype=np.float32),
        np.asarray(hedges, dtype=np.float32),
        town,
        roof,
        steep,
    )


def _town_sites(rng: np.random.Generator, waters: Waters, flat: Field) -> list[tuple[float, float, float]]:
    """(x, y, radius) of towns: dry, flat, apart from each other, rather near the water."""
    size = len(waters.bed)
    wanted = max(1, round(waters.towns * (size / 512) ** 2))
    x, y = rng.uniform(0.04 * size, 0.96 * size, (2, 40 * wanted))
    col, row = x.astype(np.intp), y.astype(np.intp)
    inner = ndimage.minimum_filter(waters.bed, 25)[row, col] - waters.tide_m
    appeal = np.where(inner > 0.6, flat[row, col], -9) + 0.6 * np.exp(-inner / 8) + 0.3 * rng.random(len(x))
    sites: list[tuple[float, float, float]] = []
    for pick in np.argsort(-appeal):
        if len(sites) == wanted or appeal[pick] < -1:
            break
        if all(np.hypot(x[pick] - a, y[pick] - b) > 95 for a, b, _ in sites):
            radius = float(np.clip(rng.lognormal(2.85, 0.45), 9, 42))
            sites.append((float(x[pick]), float(y[pick]), radius))
    return sites


def _towns(
    rng: np.random.Generator, waters: Waters, sites: list[tuple[float, float, float]], parcels: Parcels
) -> tuple[Field, npt.NDArray[np.uint8]]:
    """How built up every pixel is, and what is built there."""
    size = len(waters.bed)
    ragged = fractal(rng, size, longest=36, shortest=3, roughness=2.8)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    town = np.zeros((size, size), dtype=np.float32)
    roof = np.zeros((size, size), dtype=np.uint8)
    grain = rng.random((size, size))
    houses = ndimage.zoom(rng.random((size // 2 + 1, size // 2 + 1)), 2, order=0)[:size, :size]
    for left, top, radius in sites:
        reach = int(2.6 * radius)
        part = (
            slice(max(0, int(top) - reach), int(top) + reach),
            slice(max(0, int(left) - reach), int(left) + reach),
        )
        dx, dy = x[part] - left, y[part] - top
        distance = np.hypot(dx, dy) * (1 + 0.22 * ragged[part]) + 2.5 * ragged[part]
        dense = smoothstep(1.25 * radius, 0.75 * radius, distance) * (waters.bed[part] > waters.tide_m + 0.3)
        angle = rng.uniform(0, np.pi / 2) + 0.25 * ragged[part]
        u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        street = (np.mod(u, 8.3) < 1.1) | (np.mod(v, 12.6) < 1.1)
        centre = smoothstep(radius, 0.2 * radius, distance)
        kind = np.select(
            [street, houses[part] < 0.36 + 0.25 * centre, grain[part] < 0.06, grain[part] < 0.12 + 0.1 * centre],
            [5, 1, 3, 4],
            np.where(grain[part] < 0.4, 2, 6),
        )
        plot = parcels.look_up(rng.random(TABLE))[part]
        works = (plot < 0.06) & (distance > 0.75 * radius) & (distance < 1.5 * radius)
        hall = (np.mod(u, 9.7) > 2.5) & (np.mod(v, 14.1) > 3.5)
        kind = np.where(works, np.where(hall, np.where(plot < 0.035, 3, 4), 5), kind)
        dense = np.where(works & (waters.bed[part] > waters.tide_m + 0.5), 1, dense)
        here = dense > town[part]
        roof[part] = np.where(here, kind, roof[part])
        town[part] = np.maximum(town[part], dense)
    # Fewer houses towards the fringe, with gardens and fields between.
    sparse_fringe = ndimage.uniform_filter(grain, 3) * 1.3 - 0.15 > town
    return np.where(sparse_fringe, 0, town).astype(np.float32), roof


def _roads(
    rng: np.random.Generator, waters: Waters, steep: Field, sites: list[tuple[float, float, float]]
) -> tuple[list[Points], list[Points]]:
    """Main roads between towns and the edges of the scene, and side roads, as lines that avoid water and slopes."""
    size = len(waters.bed)
    step = max(4, size // 64)
    wet = ndimage.uniform_filter((waters.bed < waters.tide_m + 0.5).astype(np.float32), step)[::step, ::step]
    slope = ndimage.uniform_filter(steep, step)[::step, ::step]
    cells = len(wet)
    cost = 1 + 40 * wet + 10 * slope + 0.8 * rng.random((cells, cells))
    graph = _grid_graph(cost)
    bridge = (0.14 if waters.kind == "river" else 0.05) * size
    last = size - 1.0
    tries = [
        [(at, 0.0), (at, last), (0.0, at), (last, at)][side_of] for side_of, at in enumerate(rng.uniform(0, last, 4))
    ]
    ends = sorted(tries, key=lambda p: float(cost[int(p[1]) // step, int(p[0]) // step]))[:2]
    if not sites:
        sites = [(*ends[0], 0.0)]
    stops = [(x, y) for x, y, _ in sites]
    main: list[Points] = []
    side: list[Points] = []
    for number, start in enumerate(stops):
        others = [*stops[number + 1 :][:2], *(ends if number == 0 else [])]
        source = (int(start[1]) // step) * cells + int(start[0]) // step
        _, before = csgraph.dijkstra(graph, directed=False, indices=source, return_predecessors=True)
        for other in others:
            path = [(int(other[1]) // step) * cells + int(other[0]) // step]
            while before[path[-1]] >= 0:
                path.append(int(before[path[-1]]))
            if len(path) < 4:
                continue
            line = np.array([[cell % cells, cell // cells] for cell in path], dtype=float) * step + step / 2
            smooth = ndimage.gaussian_filter1d(resample(line, step), 2.2, axis=0, mode="nearest")
            if _longest_crossing(smooth, waters.bed < waters.tide_m) > bridge:
                continue
            (main if len(main) < 2 + len(stops) // 2 else side).append(smooth)
    return main, side


def _longest_crossing(line: Points, wet: Mask) -> int:
    """Greatest length in pixels that a road runs over water without touching land."""
    at = np.clip(np.rint(resample(line, 1.0)).astype(np.intp), 0, len(wet) - 1)
    runs, count = ndimage.label(wet[at[:, 1], at[:, 0]])
    return int(np.bincount(runs)[1:].max()) if count else 0


def _grid_graph(cost: npt.NDArray[Any]) -> sparse.csr_matrix:
    cells = len(cost)
    index = np.arange(cells * cells).reshape(cells, cells)
    pairs = [
        (index[:, :-1], index[:, 1:], 1.0),
        (index[:-1], index[1:], 1.0),
        (index[:-1, :-1], index[1:, 1:], 2**0.5),
        (index[:-1, 1:], index[1:, :-1], 2**0.5),
    ]
    flat = cost.ravel()
    one = np.concatenate([a.ravel() for a, _, _ in pairs])
    other = np.concatenate([b.ravel() for _, b, _ in pairs])
    length = np.concatenate([np.full(a.size, d) for a, _, d in pairs])
    weight = length * (flat[one] + flat[other])
    return sparse.csr_matrix((weight, (one, other)), shape=(cells * cells, cells * cells))
