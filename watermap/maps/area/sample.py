"""A stratified random sample of a water raster's pixels: how many of each stratum, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from watermap.config.area import WATER_THOUGHT
from watermap.errors import DataError, UsageError
from watermap.geo.pixel_area import code_areas_m2, pixel_area_m2
from watermap.maps.area.strata import NAMES, strata_blocks
from watermap.progress import Progress, silent
from watermap.scenes.label import Label


@dataclass(frozen=True)
class Sample:
    """Sampled pixels, and the strata that they were drawn from.

    Attributes:
        pixels: (strata,) how many each has.
        areas_m2: (strata,) of each.
        stratum: (n,) of each sample.
        rows, cols: (n,) of each sample, in the raster.
        shore_px: width of the stratum beside water, in pixels.
        seed: of chance.
    """

    pixels: tuple[int, ...]
    areas_m2: tuple[float, ...]
    stratum: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]
    cols: npt.NDArray[np.intp]
    shore_px: int
    seed: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """(strata,) samples of each."""
        return tuple(np.bincount(self.stratum, minlength=len(self.pixels)).tolist())


def allotted(
    total: int,
    areas: Sequence[float],
    pixels: Sequence[int],
    least: int,
    water_shares: Sequence[float] = WATER_THOUGHT,
) -> list[int]:
    """Samples of each stratum: those that make the area of water most certain, and at least so many.

    Args:
        total: of all strata together.
        areas: (strata,) of each, in any unit.
        pixels: (strata,) of each; none gets more samples.
        least: of a stratum that has as many pixels.
        water_shares: (strata,) the share of each that is thought to be water.

    Raises:
        UsageError: there are too few for every stratum's least.

    Source: Neyman's allocation, as in Cochran 1977, eq. 5.26, with the least of Olofsson et al. 2014, section 5.1.1.
    """
    floors = [min(least, count) for count in pixels]
    if total < sum(floors):
        count = sum(1 for floor in floors if floor)
        raise UsageError(
            f"{total} samples are too few for {least} of each of {count} strata",
            hint=f"draw {sum(floors)}, or fewer of each with --least {total // count}",
        )
    spread = np.array([area * (share * (1 - share)) ** 0.5 for area, share in zip(areas, water_shares, strict=True)])
    wanted = total * spread / spread.sum()
    sizes = np.array(floors, dtype=np.int64)
    for _ in range(min(total, sum(pixels)) - sum(floors)):
        sizes[np.argmax(np.where(sizes < pixels, wanted - sizes, -np.inf))] += 1
    return [int(size) for size in sizes]


def choose_pixels(
    label: Label,
    total: int,
    *,
    shore_px: int,
    least: int,
    seed: int,
    water_shares: Sequence[float] = WATER_THOUGHT,
    progress: Progress = silent,
) -> Sample:
    """Draw pixels, each with a chance in proportion to its area.

    Args:
        label: the water raster, open.
        total: samples wanted.
        shore_px: width of the stratum beside water, in pixels.
        least: samples of each stratum at least.
        seed: of chance.
        water_shares: (strata,) the share of each that is thought to be water.
        progress: told by rows.

    Raises:
        DataError: the raster holds no pixel of land or water, or its CRS tells no areas.
        UsageError: too few samples.

    Source: Efraimidis and Spirakis 2006, algorithm A-ES: the pixels with the largest u ** (1 / area).
    """
    grid = label.own_grid
    pixels, areas = np.zeros(len(NAMES), dtype=np.int64), np.zeros(len(NAMES))
    best = [np.empty((0, 3)) for _ in NAMES]  # key, row, col
    for block, strata in strata_blocks(label, shore_px):
        first = int(block.row_off)
        rng = np.random.default_rng([seed, first])
        size = pixel_area_m2(grid, block)
        areas += code_areas_m2(strata, grid, block)[: len(NAMES)]
        for stratum in range(len(NAMES)):
            rows, cols = np.nonzero(strata == stratum)
            pixels[stratum] += len(rows)
            keys = np.log(rng.random(len(rows))) / size[rows, cols]
            if len(keys) > total:
                most = np.argpartition(-keys, total)[:total]
                keys, rows, cols = keys[most], rows[most], cols[most]
            found = np.concatenate([best[stratum], np.column_stack([keys, rows + first, cols])])
            best[stratum] = found[np.argsort(-found[:, 0], kind="stable")[:total]]
        progress("rows", first + int(block.height), grid.height)
    if not pixels.sum():
        raise DataError(f"{label.path}: holds no data, there is nothing to sample")
    sizes = allotted(total, areas.tolist(), pixels.tolist(), least, water_shares)
    chosen = [found[:size] for found, size in zip(best, sizes, strict=True)]
    places = np.concatenate(chosen)[:, 1:].astype(np.intp)
    strata_of = np.repeat(np.arange(len(NAMES)), [len(found) for found in chosen])
    order = np.random.default_rng(seed).permutation(len(places))  # the order should not tell the stratum
    return Sample(
        pixels=tuple(int(count) for count in pixels),
        areas_m2=tuple(float(area) for area in areas),
        stratum=strata_of[order],
        rows=places[order, 0],
        cols=places[order, 1],
        shore_px=shore_px,
        seed=seed,
    )
