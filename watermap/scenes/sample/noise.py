"""Seeded randomness with the look of nature: fractal fields, smooth curves, lines drawn on a pixel grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import ndimage

Field = npt.NDArray[np.float32]
"""(rows, cols) of some quantity."""

Points = npt.NDArray[np.float64]
"""(points, 2): x and y in pixels, (0, 0) at the centre of the first pixel."""


def generator(seed: int, *key: int) -> np.random.Generator:
    """Random numbers of one purpose: independent for every (seed, key), the same on every run."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def fractal(
    rng: np.random.Generator,
    size: int,
    *,
    longest: float,
    shortest: float = 2.0,
    roughness: float = 3.2,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Field:
    """A Gaussian field without grid artefacts, filtered in the frequency domain.

    Args:
        rng: source of randomness.
        size: rows and columns.
        longest: wavelength in pixels above which the power stays level.
        shortest: wavelength in pixels below which there is no detail.
        roughness: exponent of the power spectrum; 2.4 is rugged, 4 is smooth (2H + 2 of a Hurst exponent H).
        stretch: how many times longer features are along `angle` than across.
        angle: direction of the stretch in radians, from x towards y.

    Returns:
        (size, size), mean 0 and standard deviation 1.

    Source: spectral synthesis, Saupe 1988, in The Science of Fractal Images, ch. 2.
    """
    fx = scipy.fft.rfftfreq(size).astype(np.float32)[None, :]
    fy = scipy.fft.fftfreq(size).astype(np.float32)[:, None]
    along = (fx * np.cos(angle) + fy * np.sin(angle)) * np.sqrt(stretch)
    across = (fy * np.cos(angle) - fx * np.sin(angle)) / np.sqrt(stretch)
    squared = along**2 + across**2
    gain = (squared + longest**-2.0) ** (-roughness / 4) * np.exp(-squared * (shortest / 2) ** 2)
    gain[0, 0] = 0
    white = rng.standard_normal((size, size), dtype=np.float32)
    field = scipy.fft.irfft2(scipy.fft.rfft2(white) * gain, s=(size, size))
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def smoothstep(low: float, high: float, values: npt.NDArray[Any]) -> Field:
    """0 at or below `low`, 1 at or above `high`, smooth between (either may be the greater)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def steepness(field: Field) -> Field:
    """Length of the gradient, in units of the field a pixel."""
    rows, cols = np.gradient(field)
    return np.asarray(np.hypot(rows, cols), dtype=np.float32)


def resample(points: Points, step: float) -> Points:
    """The same curve with points `step` pixels apart."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0, along[-1], max(2, round(along[-1] / step) + 1))
    return np.column_stack([np.interp(wanted, along, points[:, axis]) for axis in (0, 1)])


def tangents(points: Points) -> Points:
    """(points, 2) unit vectors along a curve."""
    direction = np.gradient(points, axis=0)
    return np.asarray(direction / np.maximum(np.hypot(*direction.T), 1e-9)[:, None], dtype=np.float64)


def curvature(points: Points) -> npt.NDArray[np.float64]:
    """(points,) curvature per pixel of an evenly spaced curve; positive where it turns from x towards y."""
    first = np.gradient(points, axis=0)
    second = np.gradient(first, axis=0)
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return np.asarray(cross / np.maximum(np.hypot(*first.T), 1e-9) ** 3, dtype=np.float64)


def paint_curves(curves: list[Points], size: int, width: float) -> Field:
    """Share of each pixel that lines of one width cover.

    Args:
        curves: polylines, which may leave the grid.
        size: rows and columns.
        width: in pixels.

    Returns:
        (size, size) in [0, 1].
    """
    spread = 0.3
    offsets = (np.arange(max(1, round(width / spread))) + 0.5) * spread - width / 2
    cover = np.zeros(size * size)
    for curve in curves:
        line = resample(curve, spread)
        along = tangents(line)
        normal = np.column_stack([-along[:, 1], along[:, 0]])
        dots = (line[None] + offsets[:, None, None] * normal[None]).reshape(-1, 2)
        corner = np.floor(dots).astype(np.intp)
        part = dots - corner
        for dx in (0, 1):
            for dy in (0, 1):
                x, y = corner[:, 0] + dx, corner[:, 1] + dy
                inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
                weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1]) * spread**2
                cover += np.bincount((y * size + x)[inside], weight[inside], size * size)
    return np.asarray(np.minimum(cover, 1).reshape(size, size), dtype=np.float32)


def nearest_on_curve(curve: Points, size: int, margin: int) -> tuple[Field, npt.NDArray[np.intp]]:
    """For every pixel the nearest point of a curve.

    Args:
        curve: points about half a pixel apart.
        size: rows and columns.
        margin: how far outside the grid, in pixels, the curve still counts.

    Returns:
        distance in pixels, positive where the pixel lies on the side to which y grows as seen along x, and the
        position of the nearest point in the curve; each (size, size).
    """
    padded = size + 2 * margin
    cell = np.floor(curve + 0.5).astype(np.intp) + margin
    inside = ((cell >= 0) & (cell < padded)).all(axis=1)
    owner = np.full((padded, padded), -1, dtype=np.intp)
    owner[cell[inside, 1], cell[inside, 0]] = np.flatnonzero(inside)
    if not inside.any():
        return np.full((size, size), 2.0 * size, dtype=np.float32), np.zeros((size, size), dtype=np.intp)
    rows, cols = ndimage.distance_transform_edt(owner < 0, return_distances=False, return_indices=True)
    crop = slice(margin, margin + size)
    position = owner[rows[crop, crop], cols[crop, crop]]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    dx, dy = x - curve[position, 0], y - curve[position, 1]
    along = tangents(curve)[position]
    side = along[..., 0] * dy - along[..., 1] * dx
    # Near the curve the distance across it is exact between its points; far away the point itself decides.
    distance = np.hypot(dx, dy)
    exact = np.where(distance < 2, np.abs(side), distance)
    return np.asarray(np.copysign(exact, side), dtype=np.float32), position
