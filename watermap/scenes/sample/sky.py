"""What lies between the ground and the file: light, haze, clouds, the instrument, the edge of the swath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from watermap.scenes.sample.noise import Field, fractal, smoothstep
from watermap.scenes.sample.surfaces import Cube, blur

_SKYLIGHT: Final = np.array([0.34, 0.26, 0.21, 0.16, 0.11, 0.09], dtype=np.float32)
"""Share of the light on flat ground that comes from the sky and reaches shadows, by band; falls with wavelength."""
_HAZE: Final = np.array([1.0, 0.72, 0.52, 0.28, 0.08, 0.04], dtype=np.float32)
"""How much haze adds, relative to blue."""
_CLOUD: Final = np.array([3900, 3850, 3950, 4200, 2900, 2200], dtype=np.float32)
_NOISE: Final = np.array([9, 10, 10, 14, 9, 9], dtype=np.float32)
"""Standard deviation of the noise in DN on dark ground."""


@dataclass(frozen=True)
class Cloud:
    """One cloud and its shadow.

    Attributes:
        opacity: (rows, cols) 0 to 1.
        shadow: (rows, cols) 0 to 1.
        light: (rows, cols) brightness of the cloud, about 1.
    """

    opacity: Field
    shadow: Field
    light: Field


def illuminate(cube: Cube, light: Field) -> Cube:
    """Reflectance as it seems when flat, even light is assumed: slopes and shadows remain in it.

    Args:
        cube: reflectance.
        light: direct light relative to flat ground.
    """
    sky = _SKYLIGHT[:, None, None]
    return np.asarray(cube * (sky + (1 - sky) * light), dtype=np.float32)


def make_cloud(rng: np.random.Generator, size: int, elevation: float, azimuth: float) -> Cloud:
    """A heap of fair-weather cloud over a few percent of the scene, its shadow on the side away from the sun.

    Args:
        rng: randomness of the date.
        size: rows and columns.
        elevation: of the sun, radians.
        azimuth: of the sun from north, clockwise, radians.
    """
    x, y = rng.uniform(0.15, 0.85, 2) * size
    rows, cols = np.mgrid[0:size, 0:size].astype(np.float32)
    angle, radius = rng.uniform(0, np.pi), rng.uniform(0.07, 0.11) * size
    u = (cols - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = (rows - y) * np.cos(angle) - (cols - x) * np.sin(angle)
    body = 1 - np.hypot(u / 1.5, v) / radius
    heaps = fractal(rng, size, longest=0.09 * size, shortest=3, roughness=3.7)
    mass = body * 1.2 + 0.5 * heaps - 0.35
    opacity = smoothstep(0.0, 0.5, mass)
    reach = rng.uniform(70, 110) / np.tan(elevation)  # the base lies 700 to 1,100 m above the ground
    shift = (np.cos(azimuth) * reach, -np.sin(azimuth) * reach)
    shadow = ndimage.shift(ndimage.gaussian_filter(opacity, 1.2), shift, order=1, mode="constant")
    thick = ndimage.gaussian_filter(np.maximum(mass, 0), 2)
    south, east = np.gradient(thick)
    relief = np.cos(azimuth) * south - np.sin(azimuth) * east
    light = np.clip(0.86 + 0.22 * thick + 2.2 * relief, 0.55, 1.35)
    return Cloud(opacity, np.asarray(shadow, dtype=np.float32), np.asarray(light, dtype=np.float32))


def add_haze(rng: np.random.Generator, cube: Cube, blue_dn: float) -> Cube:
    """Thin, uneven haze.

    Args:
        rng: randomness of the date.
        cube: reflectance.
        blue_dn: what it adds in blue on average.
    """
    veil = np.clip(1 + 0.45 * fractal(rng, cube.shape[1], longest=cube.shape[1], shortest=40, roughness=3.6), 0, 3)
    added = blue_dn * _HAZE[:, None, None] * veil
    return np.asarray(cube * (1 - added / 6000) + added, dtype=np.float32)


def cover_with(cube: Cube, cloud: Cloud) -> Cube:
    """The scene with a cloud before it."""
    return np.asarray(cube * (1 - cloud.opacity) + _CLOUD[:, None, None] * cloud.light * cloud.opacity)


def observe(rng: np.random.Generator, cube: Cube) -> npt.NDArray[np.uint16]:
    """What the instrument records: blurred, noisy, B11 and B12 with pixels of 20 m, whole digital numbers."""
    sharp = blur(cube[:4], 0.55)
    size = cube.shape[1]
    padded = np.pad(cube[4:], ((0, 0), (0, size % 2), (0, size % 2)), mode="edge")
    pairs = padded.reshape(2, padded.shape[1] // 2, 2, padded.shape[2] // 2, 2).mean(axis=(2, 4))
    pairs = blur(pairs.astype(np.float32), 0.45)
    for bands, sigma in ((sharp, _NOISE[:4]), (pairs, _NOISE[4:])):
        spread = sigma[:, None, None] + 0.006 * bands
        bands += spread * rng.standard_normal(bands.shape, dtype=np.float32)
    coarse = pairs.repeat(2, axis=1).repeat(2, axis=2)[:, :size, :size]
    values = np.clip(np.concatenate([sharp, coarse]), 0, 20000)
    numbers: npt.NDArray[np.uint16] = np.rint(values).astype(np.uint16)
    numbers[0] = np.where(numbers.any(axis=0), numbers[0], 1)  # a dark pixel is not an empty one
    return numbers


def outside_swath(rng: np.random.Generator, size: int) -> npt.NDArray[np.bool_]:
    """True beyond the edge of the swath: an oblique wedge of 6 to 18 % of the scene, as the orbit is inclined."""
    rows, cols = np.mgrid[0:size, 0:size].astype(np.float32)
    tilt = np.radians(rng.uniform(11, 16))
    across = cols * np.cos(tilt) + rows * np.sin(tilt)
    share = rng.uniform(0.06, 0.18)
    if rng.random() < 0.5:
        return np.asarray(across < np.quantile(across, share))
    return np.asarray(across > np.quantile(across, 1 - share))
