"""Rivers that move: meanders grow, bends are cut off, oxbow lakes and old banks stay behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.signal import lfilter
from scipy.spatial import KDTree

from watermap.scenes.sample.noise import Field, Points, curvature, nearest_on_curve, resample, tangents


@dataclass(frozen=True)
class River:
    """A river at the end of its history.

    Attributes:
        course: centre line, upstream first.
        oxbows: centre lines of cut-off bends, the youngest last.
        past: centre lines of earlier times, the oldest first.
    """

    course: Points
    oxbows: list[Points]
    past: list[Points]


def meander(rng: np.random.Generator, length: float, width: float, *, steps: int = 200) -> River:
    """Let a nearly straight river wander.

    Every point of the bank moves outwards with the curvature there and upstream of it, so that bends grow, drift
    downstream and become asymmetric; where two bends meet, the river takes the short way.

    Args:
        rng: source of randomness.
        length: of the valley in pixels; the river runs from x = 0 to `length` about y = 0.
        width: of the river in pixels.
        steps: how long it wanders.

    Source: Howard and Knutson 1984, Water Resour. Res. 20; weights -1 and 2.5 as given there.
    """
    step = 0.5 * width
    x = np.arange(0, length, step)
    knots = np.arange(0, length + 8 * width, 4 * width)
    pace = np.interp(x, knots, rng.uniform(0.7, 1.3, len(knots))) / (11 * width)
    swing = width * np.sin(2 * np.pi * (np.cumsum(pace) * step + rng.random()))
    line = np.column_stack([x, swing + np.interp(x, knots, rng.normal(0, 0.7 * width, len(knots)))])
    memory = float(np.exp(-step / (1.25 * width)))
    oxbows: list[Points] = []
    past: list[Points] = []
    for number in range(steps):
        bend = np.clip(curvature(line) * width, -1.2, 1.2)
        upstream = lfilter([1 - memory], [1, -memory], bend)
        along = tangents(line)
        outwards = np.column_stack([along[:, 1], -along[:, 0]])
        ends = np.minimum(1, np.minimum(np.arange(len(line)), np.arange(len(line))[::-1]) / 8)
        push = 2.5 * upstream - bend + 0.3 * lfilter([0.2], [1, -0.8], rng.normal(0, 1, len(line)))
        line = line + (0.11 * width * ends * push)[:, None] * outwards
        line[1:-1] += 0.12 * (line[:-2] + line[2:] - 2 * line[1:-1])
        line, loop = _cut_off(resample(line, step), step, width)
        if loop is not None:
            oxbows.append(loop)
        if number % 14 == 0 and number > steps // 2:
            past.append(line.copy())
    return River(line, oxbows, past)


def _cut_off(line: Points, step: float, width: float) -> tuple[Points, Points | None]:
    """Shorten the river where two of its bends touch; also the bend that is left, if any."""
    pairs = KDTree(line).query_pairs(1.5 * width, output_type="ndarray")
    pairs = pairs[pairs[:, 1] - pairs[:, 0] > 4.5 * width / step]
    if len(pairs) == 0:
        return line, None
    start, end = pairs[np.argmax(pairs[:, 1] - pairs[:, 0])]
    return np.concatenate([line[: start + 1], line[end:]]), line[start : end + 1]


def turn(points: Points, size: int, angle: float) -> Points:
    """Points about (0, 0), turned by `angle` and put about the middle of the grid."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cosine, sine], [-sine, cosine]]) + (size - 1) / 2, dtype=np.float64)


def channel(course: Points, size: int, width: float, noise: Field, *, plugged: bool = False) -> tuple[Field, Field]:
    """Bed of a river and how much a pixel belongs to an inner bank, where bars are gentle and bare.

    Args:
        course: centre line.
        size: of the grid.
        width: of the river in pixels.
        noise: what roughens the banks.
        plugged: whether both ends have silted up, as in an oxbow lake.
    """
    line = resample(course, 0.5)
    turning = ndimage.gaussian_filter1d(curvature(resample(line, 2.0)), width / 4)
    bend = np.interp(np.arange(len(line)) / 4, np.arange(len(turning)), turning) * width
    distance, position = nearest_on_curve(line, size, int(2 * width))
    half = np.full(len(line), width / 2) * (1 + 0.5 * np.clip(np.abs(bend), 0, 0.5))
    if plugged:
        ends = np.minimum(np.arange(len(line)), np.arange(len(line))[::-1]) / (0.22 * len(line))
        half *= np.clip(ends - 0.25, 0, 1) ** 0.5
    inner = np.clip(np.sign(distance) * bend[position] * 4, -1, 1)
    # Gentle at the inner bank, deep in the middle.
    bar = np.clip(inner, 0, 1) * np.clip(np.abs(distance) / np.maximum(half[position], 1), 0, 1)
    slope = 0.42 - 0.33 * bar
    bed = (np.abs(distance) - half[position] + 1.1 * noise) * slope
    bed = np.where(bed < 0, bed * (0.6 if plugged else 1), bed)
    return np.asarray(bed, dtype=np.float32), np.asarray(np.clip(inner, 0, 1), dtype=np.float32)
