"""Two water rasters of one place: where water stayed, came and went, and how much of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rasterio.windows import Window

from watermap.arrays import Codes
from watermap.config import VectorizeConfig
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.gdal import small_cache
from watermap.io.paths import local
from watermap.io.qgis_style import write_polygon_style
from watermap.io.tags import source_tags
from watermap.legend import LAND, NO_DATA
from watermap.maps.alignment import Placed, common, place
from watermap.maps.polygons.vectorize import vectorize
from watermap.maps.two_rasters import PairReader, PairViews, pair_names, water_pairs, write_areas, write_comparison
from watermap.maps.water_rasters import WATER_SUFFIX
from watermap.progress import Progress, silent
from watermap.scenes.dates import sensed_on
from watermap.scenes.find import check_outputs
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

CHANGE: Final = water_pairs("change of water", CHANGE_NAMES, only_first=LOST, only_second=GAINED)
"""What a change raster makes of the codes before and after."""


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
    views: PairViews
    notes: tuple[str, ...]

    @property
    def water_before_m2(self) -> float:
        """Area of the water before, of ground that was seen on both dates."""
        return CHANGE.water_m2(self.areas_m2)[0]

    @property
    def water_after_m2(self) -> float:
        """Area of the water after, of ground that was seen on both dates."""
        return CHANGE.water_m2(self.areas_m2)[1]


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
        read = _reader((first, one), (second, other), window)
        found = write_comparison(raster, grid, read, CHANGE, tags=_tags((before, after), days), progress=progress)
    pixels, areas_m2 = CHANGE.sums(found.pixels), CHANGE.sums(found.areas_m2)
    rows = [((name, code), pixels[code], areas_m2[code]) for code, name in CHANGE_NAMES.items()]
    table = write_areas(raster.with_suffix(".csv"), ("class", "code"), rows)
    polygons = _write_polygons(raster, progress)
    dates = [str(day) for day in days if day is not None]
    called = dates if len(set(dates)) == len(names) else names
    return Change(raster, table, polygons, called[0], called[1], grid, pixels, areas_m2, found.views, tuple(notes))


def short_names(before: Path, after: Path) -> tuple[str, str]:
    """What two water rasters are called: their names without `_water`, or the nearest folders' that tell them apart.

    Raises:
        UsageError: both are one file.
    """
    hint = "give the water rasters of two dates"
    return pair_names(before, after, suffix=WATER_SUFFIX, otherwise=("before", "after"), hint=hint)


def _write_polygons(raster: Path, progress: Progress) -> Path:
    """Polygons of permanent, gained and lost water, each with its area, and their style."""
    polygons = raster.with_name(f"{raster.stem}_bodies.gpkg")  # a style belongs to one name, and the raster has one
    names = {code: CHANGE_NAMES[code] for code in (PERMANENT, GAINED, LOST)}
    vectorize(raster, polygons, VectorizeConfig(), classes=names, progress=progress)
    write_polygon_style(polygons, {name: CHANGE.colors[code] for code, name in names.items()}, field="class")
    return polygons


def _reader(before: tuple[Label, Placed], after: tuple[Label, Placed], window: Window) -> PairReader:
    """Reads both where they overlap: `window` of the earlier one's pixels."""

    def read(block: Window, _wide: Window, _inner: slice) -> tuple[Codes, Codes]:
        shared = Window(window.col_off, window.row_off + block.row_off, block.width, block.height)
        was, has_become = (label.read(placed.own(shared)) for label, placed in (before, after))
        return was, has_become

    return read


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


def _tags(paths: Sequence[Path], days: Sequence[datetime.date | None]) -> dict[str, str]:
    """What a raster of change was made of."""
    tags: dict[str, str] = {}
    for key, path, day in zip(("WATERMAP_BEFORE", "WATERMAP_AFTER"), paths, days, strict=True):
        tags |= source_tags(key, path) | ({} if day is None else {f"{key}_DATE": str(day)})
    return tags
