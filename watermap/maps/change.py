"""Two water rasters of one place: where water stayed, came and went, and how much of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rasterio.windows import Window

from watermap import __version__
from watermap.arrays import Codes
from watermap.config import VectorizeConfig
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid, blocks
from watermap.geo.pixel_area import code_areas_m2
from watermap.io.cog import RasterWriter
from watermap.io.files import identity
from watermap.io.gdal import small_cache
from watermap.io.layouts import RasterLayout
from watermap.io.paths import local
from watermap.io.qgis_style import write_polygon_style, write_raster_style
from watermap.io.tables import write_csv
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS, Rgba
from watermap.maps.alignment import Placed, common, place
from watermap.maps.polygons.vectorize import vectorize
from watermap.progress import Progress, silent
from watermap.scenes.dates import sensed_on
from watermap.scenes.find import check_outputs, distinguishing_folders
from watermap.scenes.label import WATER_RASTER, Label, open_label

PERMANENT: Final = 1
GAINED: Final = 2
LOST: Final = 3
UNKNOWN: Final = NO_DATA
"""The codes of a change raster, with `LAND`: land on both dates."""

CHANGE_NAMES: Final[Mapping[int, str]] = {
    LAND: "land",
    PERMANENT: "permanent water",
    GAINED: "gained",
    LOST: "lost",
    UNKNOWN: "unknown",
}

CHANGE_COLORS: Final[Mapping[int, Rgba]] = {
    LAND: WATER_COLORS[LAND],
    PERMANENT: WATER_COLORS[WATER],
    GAINED: (0, 190, 110, 255),
    LOST: (213, 94, 0, 255),
    UNKNOWN: WATER_COLORS[NO_DATA],
}
"""As in a water raster, and a green and a vermilion that the colour-blind tell apart too."""

CHANGE_LAYOUT: Final = RasterLayout(
    "uint8",
    ("change of water",),
    UNKNOWN,
    "nearest",
    CHANGE_COLORS,
    classes={code: name for code, name in CHANGE_NAMES.items() if code != UNKNOWN},
)

_MEANING: Final[Mapping[int, tuple[int, int]]] = {
    LAND: (LAND, LAND),
    PERMANENT: (WATER, WATER),
    GAINED: (LAND, WATER),
    LOST: (WATER, LAND),
}
"""What was there before and after, by code; all else is unknown."""

_BLOCK_ROWS: Final = 512
_SIDE_PIXELS: Final = 700
"""A picture shows no more of a raster's longer side."""


@dataclass(frozen=True)
class Views:
    """Every so many-th pixel of what was compared, for a picture.

    Attributes:
        before, after: (rows, cols) codes of the water rasters.
        change: (rows, cols) codes of the change raster.
        step: pixels from one that is shown to the next.
    """

    before: Codes
    after: Codes
    change: Codes
    step: int


@dataclass(frozen=True)
class Change:
    """What came of a comparison.

    Attributes:
        raster, table: the files.
        polygons: of permanent, gained and lost water.
        before, after: what to call the two: their dates, or their names.
        grid: of the raster: what both cover.
        pixels, areas_m2: by code.
        views: for a picture.
        notes: what the user should know.
    """

    raster: Path
    table: Path
    polygons: Path
    before: str
    after: str
    grid: Grid
    pixels: Mapping[int, int]
    areas_m2: Mapping[int, float]
    views: Views
    notes: tuple[str, ...]

    @property
    def water_before_m2(self) -> float:
        """Area of the water before, of ground that was seen on both dates."""
        return self.areas_m2[PERMANENT] + self.areas_m2[LOST]

    @property
    def water_after_m2(self) -> float:
        """Area of the water after, of ground that was seen on both dates."""
        return self.areas_m2[PERMANENT] + self.areas_m2[GAINED]


def change_codes(before: Codes, after: Codes) -> Codes:
    """Codes of change: 0 land, 1 permanent water, 2 gained, 3 lost, 255 where either was not seen.

    Args:
        before: (rows, cols) codes of a water raster.
        after: those of the other.
    """
    change = np.full(before.shape, UNKNOWN, dtype=np.uint8)
    for code, (was, has_become) in _MEANING.items():
        change[(before == was) & (after == has_become)] = code
    return change


def compare(before: Path, after: Path, out: Path, *, progress: Progress = silent) -> Change:
    """Compare two water rasters and write a raster of change with its style, a table of areas, and polygons.

    Rasters that are shifted by whole pixels are compared where both lie. Memory grows with their width alone.

    Args:
        before: the earlier water raster.
        after: the later.
        out: the folder of the results, named `BEFORE_to_AFTER_change`.
        progress: told after every block of rows.

    Raises:
        DataError: a raster cannot be used, the two do not fit, or a result cannot be written.
        StorageError: a raster lies elsewhere and cannot be reached.
        UsageError: both are one file, the raster would replace one, or `out` does not lie on this machine.
    """
    names = short_names(before, after)
    raster = local(out) / f"{names[0]}_to_{names[1]}_change.tif"
    check_outputs([raster], [before, after])
    with small_cache(), open_label(before, kind=WATER_RASTER) as first, open_label(after, kind=WATER_RASTER) as second:
        one = Placed(before, first.own_grid, 0, 0)
        other = place(after, second.own_grid, one)
        window = common(one, other)
        if window is None:
            raise DataError(f"{before} and {after}: share no ground", hint="give two rasters of one place")
        grid = one.grid.crop(window)
        days = [sensed_on(label.path, label.tags) for label in (first, second)]
        notes = [*_notes(one, other, window), *_uncertain_notes(first, second, days)]
        with RasterWriter(raster, grid, CHANGE_LAYOUT, tags=_tags(before, after, days)) as writer:
            pixels, areas, views = _stream((first, one), (second, other), window, grid, writer, progress)
    write_raster_style(raster, CHANGE_LAYOUT)
    table = raster.with_suffix(".csv")
    write_csv(
        table,
        ("class", "code", "pixels", "km2"),
        ([name, code, pixels[code], f"{areas[code] / 1e6:.6f}"] for code, name in CHANGE_NAMES.items()),
    )
    polygons = _write_polygons(raster, progress)
    dates = [str(day) for day in days if day is not None]
    called = dates if len(set(dates)) == len(names) else names
    return Change(raster, table, polygons, called[0], called[1], grid, pixels, areas, views, tuple(notes))


def short_names(before: Path, after: Path) -> tuple[str, str]:
    """What two water rasters are called: their names without `_water`, or the nearest folders' that tell them apart.

    Raises:
        UsageError: both are one file.
    """
    if before.resolve() == after.resolve():
        raise UsageError(f"{before}: is given twice", hint="give the water rasters of two dates")
    first, second = (path.stem.removesuffix("_water") for path in (before, after))
    if first != second:
        return first, second
    return distinguishing_folders(before, after) or ("before", "after")


def _write_polygons(raster: Path, progress: Progress) -> Path:
    """Polygons of permanent, gained and lost water, each with its area, and their style."""
    polygons = raster.with_name(f"{raster.stem}_bodies.gpkg")  # a style belongs to one name, and the raster has one
    names = {code: CHANGE_NAMES[code] for code in (PERMANENT, GAINED, LOST)}
    vectorize(raster, polygons, VectorizeConfig(), classes=names, progress=progress)
    write_polygon_style(polygons, {name: CHANGE_COLORS[code] for code, name in names.items()}, field="class")
    return polygons


def _stream(
    before: tuple[Label, Placed],
    after: tuple[Label, Placed],
    window: Window,
    grid: Grid,
    writer: RasterWriter,
    progress: Progress,
) -> tuple[dict[int, int], dict[int, float], Views]:
    """Compare block by block; pixels and area of each code, and every so many-th pixel for a picture."""
    pixels, areas = np.zeros(256, dtype=np.int64), np.zeros(256)
    step = -(-max(grid.shape) // _SIDE_PIXELS)
    kept: list[list[Codes]] = [[], [], []]
    for block in blocks(grid, _BLOCK_ROWS):
        shared = Window(window.col_off, window.row_off + block.row_off, block.width, block.height)
        was, has_become = (label.read(placed.own(shared)) for label, placed in (before, after))
        codes = change_codes(was, has_become)
        writer.write(codes[None])
        pixels += np.bincount(codes.ravel(), minlength=256)
        areas += code_areas_m2(codes, grid, block)
        start = -block.row_off % step
        for rows, values in zip(kept, (was, has_become, codes), strict=True):
            rows.append(values[start::step, ::step].copy())
        progress("rows", int(block.row_off + block.height), grid.height)
    first, second, third = (np.concatenate(rows) for rows in kept)
    views = Views(first, second, third, step)
    return {c: int(pixels[c]) for c in CHANGE_NAMES}, {c: float(areas[c]) for c in CHANGE_NAMES}, views


def _notes(one: Placed, other: Placed, window: Window) -> list[str]:
    """What of the rasters is left out."""
    shared = window.width * window.height
    found = []
    for placed in (one, other):
        outside = 1 - shared / (placed.grid.width * placed.grid.height)
        if outside > 0:
            found.append(
                f"{placed.path}: {max(outside, 0.001):.1%} of it lies where the other does not, and is left out"
            )
    return found


def _uncertain_notes(first: Label, second: Label, days: list[datetime.date | None]) -> list[str]:
    """What makes the comparison doubtful."""
    found = [label.doubt for label in (first, second) if label.doubt is not None]
    if days[0] is not None and days[1] is not None and days[0] > days[1]:
        found.append(f"{first.path} is of {days[0]}, later than {second.path} of {days[1]}: gained is what went away")
    return found


def _tags(before: Path, after: Path, days: list[datetime.date | None]) -> dict[str, str]:
    """What a raster of change was made of."""
    tags = {"WATERMAP_VERSION": __version__}
    for key, path, day in zip(("WATERMAP_BEFORE", "WATERMAP_AFTER"), (before, after), days, strict=True):
        kind, _, value = identity(path).partition(":")
        tags |= {key: path.name, f"{key}_{kind.upper()}": value}
        if day is not None:
            tags[f"{key}_DATE"] = str(day)
    return tags
