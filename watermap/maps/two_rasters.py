"""Two class rasters of one place, pixel by pixel: which pairs of codes there are, where, and on how much ground."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from watermap import __version__
from watermap.arrays import Codes
from watermap.errors import UsageError
from watermap.geo.grid import Grid, blocks_with_halo
from watermap.geo.pixel_area import code_areas_m2
from watermap.io.cog import RasterWriter
from watermap.io.layouts import RasterLayout
from watermap.io.qgis_style import write_raster_style
from watermap.io.tables import write_csv
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS, Rgba
from watermap.progress import Progress
from watermap.scenes.find import distinguishing_folders

Pair = tuple[int, int]
"""A code of the first raster, and the second's at the same place."""

PairReader = Callable[[Window, Window, slice], tuple[Codes, Codes]]
"""Reads both rasters: of a block, of the wider window around it, and of the block's rows within that."""

_ORDER: Final = (LAND, WATER, NO_DATA)
PAIRS: Final[tuple[Pair, ...]] = tuple(itertools.product(_ORDER, _ORDER))

_ONLY_FIRST_COLOR: Final[Rgba] = (213, 94, 0, 255)
_ONLY_SECOND_COLOR: Final[Rgba] = (0, 190, 110, 255)
"""A vermilion and a green that the colour-blind tell apart too."""

_BLOCK_ROWS: Final = 512
_SIDE_PIXELS: Final = 700
"""A picture shows no more of a raster's longer side."""


@dataclass(frozen=True)
class PairClasses:
    """The classes of a raster that compares two: what it makes of each pair of their codes.

    Attributes:
        band: what the raster's band is called.
        codes: by pair; all pairs that are not named are unknown, 255.
        names, colors: by code, that of the unknown included.
    """

    band: str
    codes: Mapping[Pair, int]
    names: Mapping[int, str]
    colors: Mapping[int, Rgba]

    @property
    def layout(self) -> RasterLayout:
        """The layout of such a raster."""
        named = {code: name for code, name in self.names.items() if code != NO_DATA}
        return RasterLayout("uint8", (self.band,), NO_DATA, "nearest", self.colors, classes=named)

    def code(self, pair: Pair) -> int:
        """The code of a pair."""
        return self.codes.get(pair, NO_DATA)

    def combine(self, first: Codes, second: Codes) -> Codes:
        """The codes (rows, cols) of the pairs of two rasters."""
        return self.by_number()[_numbers(first, second)]

    def by_number(self) -> Codes:
        """The code of each of `PAIRS`."""
        return np.array([self.code(pair) for pair in PAIRS], dtype=np.uint8)

    def sums(self, by_pair: Mapping[Pair, Any]) -> dict[int, Any]:
        """Pixels or areas by code."""
        return {code: sum(by_pair[pair] for pair in PAIRS if self.code(pair) == code) for code in self.names}

    def water_m2(self, areas_m2: Mapping[int, float]) -> tuple[float, float]:
        """Area of the first raster's water and of the second's, where neither is unknown; `areas_m2` is by code."""
        first, second = (
            sum(areas_m2[code] for pair, code in self.codes.items() if pair[side] == WATER) for side in (0, 1)
        )
        return first, second


@dataclass(frozen=True)
class PairViews:
    """Every so many-th pixel of what was compared, for a picture.

    Attributes:
        first, second: (rows, cols) codes of the two.
        combined: (rows, cols) codes of the raster that compares them.
        step: pixels from one that is shown to the next.
    """

    first: Codes
    second: Codes
    combined: Codes
    step: int


@dataclass(frozen=True)
class PairSums:
    """What two rasters hold together.

    Attributes:
        pixels, areas_m2: by pair, all of `PAIRS`.
        views: for a picture.
    """

    pixels: Mapping[Pair, int]
    areas_m2: Mapping[Pair, float]
    views: PairViews


def water_pairs(band: str, names: Mapping[int, str], *, only_first: int, only_second: int) -> PairClasses:
    """The classes of a raster that compares two of water: 0 land in both, 1 water in both, and coloured as these.

    Args:
        band: what the raster's band is called.
        names: of all five classes, by code.
        only_first: the code of what is water in the first and land in the second.
        only_second: the other way round.
    """
    codes = {
        (LAND, LAND): LAND,
        (WATER, WATER): WATER,
        (WATER, LAND): only_first,
        (LAND, WATER): only_second,
    }
    colors = {**WATER_COLORS, only_first: _ONLY_FIRST_COLOR, only_second: _ONLY_SECOND_COLOR}
    return PairClasses(band, codes, names, {code: colors[code] for code in names})


def write_comparison(
    raster: Path,
    grid: Grid,
    read: PairReader,
    classes: PairClasses,
    *,
    tags: Mapping[str, str],
    halo_px: int = 0,
    progress: Progress,
) -> PairSums:
    """Compare two rasters block by block, and write the raster of their pairs and its style.

    Memory grows with the grid's width alone.

    Args:
        raster: the GeoTIFF.
        grid: its grid.
        read: gives the codes of both in a block of it.
        classes: what the raster makes of pairs.
        tags: its metadata, beside watermap's version.
        halo_px: rows above and below a block that `read` is told of.
        progress: told after every block of rows.

    Raises:
        DataError: what `read` raises, or the raster cannot be written.
    """
    counts, areas = np.zeros(len(PAIRS), dtype=np.int64), np.zeros(len(PAIRS))
    step = -(-max(grid.shape) // _SIDE_PIXELS)
    kept: list[list[Codes]] = [[], [], []]
    layout, by_number = classes.layout, classes.by_number()
    with RasterWriter(raster, grid, layout, tags={"WATERMAP_VERSION": __version__, **tags}) as writer:
        for block, wide, inner in blocks_with_halo(grid, _BLOCK_ROWS, halo_px):
            first, second = read(block, wide, inner)
            numbers = _numbers(first, second)
            combined = by_number[numbers]
            writer.write(combined[None])
            counts += np.bincount(numbers.ravel(), minlength=len(PAIRS))
            areas += code_areas_m2(numbers, grid, block)[: len(PAIRS)]
            start = -block.row_off % step
            for rows, values in zip(kept, (first, second, combined), strict=True):
                rows.append(values[start::step, ::step].copy())
            progress("rows", int(block.row_off + block.height), grid.height)
    write_raster_style(raster, layout)
    first, second, combined = (np.concatenate(rows) for rows in kept)
    views = PairViews(first, second, combined, step)
    return PairSums(
        dict(zip(PAIRS, counts.tolist(), strict=True)), dict(zip(PAIRS, areas.tolist(), strict=True)), views
    )


def pair_names(
    first: Path, second: Path, *, suffix: str = "", otherwise: tuple[str, str], hint: str
) -> tuple[str, str]:
    """What two rasters are called: their names, or the nearest folders' that tell them apart.

    Args:
        first: one of them.
        second: the other.
        suffix: of their names, that is left out.
        otherwise: what they are called where nothing tells them apart.
        hint: what to do if both are one file.

    Raises:
        UsageError: both are one file.
    """
    if first.resolve() == second.resolve():
        raise UsageError(f"{first}: is given twice", hint=hint)
    one, other = (path.stem.removesuffix(suffix) for path in (first, second))
    return (one, other) if one != other else distinguishing_folders(first, second) or otherwise


def write_areas(table: Path, keys: Sequence[str], rows: Iterable[tuple[Sequence[object], int, float]]) -> Path:
    """Write a table of pixels and km2, complete or not at all.

    Args:
        table: the CSV.
        keys: names of the columns before these two.
        rows: what stands in those columns, pixels, and m2.

    Raises:
        DataError: it cannot be written.
    """
    written = ([*values, pixels, f"{area_m2 / 1e6:.6f}"] for values, pixels, area_m2 in rows)
    return write_csv(table, [*keys, "pixels", "km2"], written)


def _numbers(first: Codes, second: Codes) -> npt.NDArray[np.uint8]:
    """Which of `PAIRS` each pixel is: thrice the place of the first code in the order, plus the second's."""
    place = np.zeros(256, dtype=np.uint8)
    place[list(_ORDER)] = np.arange(len(_ORDER), dtype=np.uint8)
    numbers: npt.NDArray[np.uint8] = place[first] * np.uint8(len(_ORDER)) + place[second]
    return numbers
