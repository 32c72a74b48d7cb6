"""The shape of the ground: landscapes carved by rivers, their light and their shade."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from watermap.scenes.sample.noise import Field, fractal

_NEIGHBOURS = [(dy, dx) for dy, dx in itertools.product((-1, 0, 1), repeat=2) if (dy, dx) != (0, 0)]
_CONCAVITY = 0.45
"""How channel slope falls with drained area. Source: Whipple and Tucker 1999, theta 0.4 to 0.6."""


def carved(rng: np.random.Generator, cells: int, outlets: list[tuple[int, int]], *, rounds: int = 25) -> Field:
    """A landscape in balance between uplift and river erosion, with dendritic valleys and sharp ridges.

    Starts from random paths to the outlets and repeats: every cell drains to its steepest neighbour, and its
    height above that neighbour follows from the area it drains.

    Args:
        rng: source of randomness.
        cells: rows and columns.
        outlets: (row, col) where water leaves.
        rounds: how often drainage and height are brought into balance.

    Returns:
        (cells, cells) height, 0 at the outlets and 1 at the top; no pits.

    Source: steady state of the stream-power law, Whipple and Tucker 1999, J. Geophys. Res. 104.
    """
    resistance = np.exp(0.3 * fractal(rng, cells, longest=cells / 3, roughness=2.6)).ravel().astype(float)
    index = np.arange(cells * cells).reshape(cells, cells)
    height = _random_paths(rng, index, resistance, [int(index[cell]) for cell in outlets])
    for _ in range(rounds):
        target, distance = _steepest(height.reshape(cells, cells), index)
        order = np.argsort(height).tolist()
        down, run, hard = target.tolist(), distance.tolist(), resistance.tolist()
        area = [6.0] * len(order)
        for cell in reversed(order):
            if down[cell] != cell:
                area[down[cell]] += area[cell]
        level = [0.0] * len(order)
        for cell in order:
            if down[cell] != cell:
                level[cell] = level[down[cell]] + run[cell] * hard[cell] * area[cell] ** -_CONCAVITY
        height = np.array(level)
    return np.asarray((height / height.max()).reshape(cells, cells), dtype=np.float32)


def _random_paths(
    rng: np.random.Generator, index: npt.NDArray[np.intp], resistance: npt.NDArray[np.float64], outlets: list[int]
) -> npt.NDArray[np.float64]:
    """Cheapest way from every cell to an outlet over random ground: a first surface without pits."""
    cost = resistance * rng.uniform(0.6, 1.4, index.size)
    starts, ends, weights = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        rows = slice(0, index.shape[0] - dy)
        one = index[rows, max(0, -dx) : index.shape[1] - max(0, dx)].ravel()
        other = one + dy * index.shape[1] + dx
        starts.append(one)
        ends.append(other)
        weights.append(np.hypot(dy, dx) * (cost[one] + cost[other]))
    graph = sparse.coo_matrix(
        (np.concatenate(weights), (np.concatenate(starts), np.concatenate(ends))), shape=(index.size, index.size)
    )
    distance = csgraph.dijkstra(graph.tocsr(), directed=False, indices=outlets, min_only=True)
    return np.asarray(distance, dtype=np.float64)


def _steepest(
    height: npt.NDArray[np.float64], index: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """(cells,) of the steepest lower neighbour (itself at an outlet) and the distance to it in cells."""
    rows, cols = height.shape
    padded = np.pad(height, 1, constant_values=np.inf)
    best = np.zeros_like(height)
    target, distance = index.copy(), np.ones_like(height)
    for dy, dx in _NEIGHBOURS:
        length = float(np.hypot(dy, dx))
        fall = (height - padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + cols]) / length
        better = fall > best
        best[better] = fall[better]
        target[better] = index[better] + dy * cols + dx
        distance[better] = length
    return target.ravel(), distance.ravel()


def enlarge(rng: np.random.Generator, coarse: Field, size: int, *, wander: float = 0.7) -> Field:
    """A coarse field on `size` x `size` pixels, its straight lines bent so that the coarse cells do not show.

    Args:
        rng: source of randomness.
        coarse: (cells, cells).
        size: rows and columns wanted.
        wander: standard deviation of the bending, in coarse cells.
    """
    cells = len(coarse)
    cell = size / cells
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(cell)
    y += wander * fractal(rng, size, longest=12 * cell, shortest=3 * cell, roughness=4)
    x += wander * fractal(rng, size, longest=12 * cell, shortest=3 * cell, roughness=4)
    spline = ndimage.spline_filter(coarse, order=3, mode="nearest", output=np.float32)
    result = ndimage.map_coordinates(spline, [y, x], order=3, mode="nearest", prefilter=False)
    return np.asarray(result, dtype=np.float32)


def sunlight(height: Field, elevation: float, azimuth: float) -> Field:
    """Direct light on the slope relative to flat ground, cast shadows included.

    Args:
        height: in pixels (10 m).
        elevation: of the sun above the horizon, radians.
        azimuth: of the sun from north, clockwise, radians.

    Returns:
        (rows, cols): 1 on flat ground, near 0 in shadow, above 1 on slopes that face the sun.
    """
    south, east = np.gradient(height)
    facing = np.cos(azimuth) * south - np.sin(azimuth) * east  # slope against the sun's rays
    cosine = (np.sin(elevation) + np.cos(elevation) * facing) / np.sqrt(1 + south**2 + east**2)
    light = np.clip(cosine / np.sin(elevation), 0, 2.2)
    return np.asarray(light * (1 - 0.93 * _cast_shadow(height, elevation, azimuth)), dtype=np.float32)


def _cast_shadow(height: Field, elevation: float, azimuth: float) -> Field:
    """0 where the sun is seen, 1 where a ridge stands before it, soft over about a pixel."""
    relief = float(height.max() - height.min())
    reach = min(relief / np.tan(elevation), len(height) / 2)
    horizon = np.full_like(height, -np.inf)
    distance = 2.0
    while distance < reach:
        dy, dx = round(-np.cos(azimuth) * distance), round(np.sin(azimuth) * distance)
        shifted = ndimage.shift(height, (-dy, -dx), order=0, mode="nearest") - np.float32(distance * np.tan(elevation))
        np.maximum(horizon, shifted, out=horizon)
        distance *= 1.22
    return np.asarray(np.clip(horizon - height, 0, 1), dtype=np.float32)
