"""Water area by date, of all the ground that water rasters cover and of single water bodies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.windows import Window, intersect, intersection

from watermap.arrays import Codes
from watermap.errors import DataError
from watermap.geo.grid import Grid, blocks
from watermap.geo.pixel_area import Areas, pixel_area_m2
from watermap.io.gdal import small_cache
from watermap.io.tables import write_csv
from watermap.legend import NO_DATA, WATER
from watermap.maps.alignment import union
from watermap.maps.known_bodies import KnownBodies, read_known_bodies
from watermap.maps.water_rasters import find_water, read_codes
from watermap.progress import Progress, silent
from watermap.scenes.dates import DATE_TAG

_BLOCK_ROWS: Final = 512
"""Rows at a time: those of the blocks that watermap writes."""
_M2_A_KM2: Final = 1e6

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Series:
    """What was seen of some areas, by date.

    Attributes:
        area_m2: (areas,) of the ground.
        water_m2: (dates, areas) seen as water.
        valid_m2: (dates, areas) seen at all.
    """

    area_m2: Areas
    water_m2: Areas
    valid_m2: Areas

    @property
    def valid_fraction(self) -> Areas:
        """(dates, areas) share of the ground that was seen, in [0, 1]; 0 of an area without pixels."""
        return np.minimum(self.valid_m2 / np.maximum(self.area_m2, 1e-9), 1)

    @property
    def low_km2(self) -> Areas:
        """(dates, areas) least water there can have been: what was seen."""
        return self.water_m2 / _M2_A_KM2

    @property
    def high_km2(self) -> Areas:
        """(dates, areas) most water there can have been: what was seen, and all that was not seen."""
        return (self.water_m2 + np.maximum(self.area_m2 - self.valid_m2, 0)) / _M2_A_KM2


@dataclass(frozen=True)
class Timeline:
    """Water area by date.

    Attributes:
        dates: in order, each once.
        whole: of all the ground that any raster covers, as one area.
        ids: of the bodies that lie there.
        bodies: of these bodies, in the order of the ids.
        min_valid: share of an area that must be seen for its water to count as known.
        notes: what the user should know.
    """

    dates: tuple[date, ...]
    whole: Series
    ids: tuple[str, ...]
    bodies: Series
    min_valid: float
    notes: tuple[str, ...]


def measure(
    folder: Path, *, outlines: Path | None = None, min_valid: float = 0.8, progress: Progress = silent
) -> Timeline:
    """Measure the water of every date in a folder of water rasters.

    Rasters of one date are put together: a pixel that holds data in any of them counts once, and is water if any says
    so. Memory holds some rows of the ground that the rasters cover, whatever its height and however many dates.

    Args:
        folder: of rasters NAME_water.tif, whose pixels are aligned and which tell their dates.
        outlines: polygons of water bodies with a field `id`, in any CRS.
        min_valid: share of an area that must be seen on a date for its water to count as known.
        progress: told after every date of a block of rows.

    Raises:
        DataError: no water rasters there, one without a date or on other pixels, or a file that cannot be used.
    """
    dates, ground = _survey(folder)
    bodies = read_known_bodies(outlines, ground.grid.crs) if outlines is not None else None
    days = tuple(sorted(set(dates.values())))
    whole = _empty(len(days), 1)
    single = _empty(len(days), 0 if bodies is None else len(bodies.ids))
    windows = list(blocks(ground.grid, _BLOCK_ROWS))
    with small_cache():
        for number, window in enumerate(windows):
            block = _Block.of(ground, window, bodies)
            block.add_ground(whole, single)
            for day, shown in enumerate(days):
                rasters = [path for path, found in dates.items() if found == shown]
                block.add_date(day, _merged(rasters, ground.windows, window), whole, single)
                progress("measuring", number * len(days) + day + 1, len(windows) * len(days))
    here = single.area_m2 > 0
    notes = [] if bodies is None else _remarks(bodies, here, ground)
    best = float(whole.valid_fraction.max())
    if best < min_valid:
        wanted, most = f"{min_valid * 100:.4g}%", f"{math.floor(best * 100)}%"
        notes.append(f"no date shows {wanted} of the ground, the best {most}: choose a lower --min-valid")
    return Timeline(
        dates=days,
        whole=whole,
        ids=() if bodies is None else tuple(name for name, is_here in zip(bodies.ids, here, strict=True) if is_here),
        bodies=Series(single.area_m2[here], single.water_m2[:, here], single.valid_m2[:, here]),
        min_valid=min_valid,
        notes=tuple(notes),
    )


def write_tables(timeline: Timeline, folder: Path) -> list[Path]:
    """Write `timeline.csv`, and `timeline_bodies.csv` where there are bodies.

    Raises:
        DataError: a table cannot be written.
    """
    dates = [shown.isoformat() for shown in timeline.dates]
    header = ("water_km2", "valid_km2", "valid_fraction", "water_low_km2", "water_high_km2", "enough")
    whole = ([shown, *values] for shown, (values,) in zip(dates, _rows(timeline.whole, timeline), strict=True))
    written = [write_csv(folder / "timeline.csv", ("date", *header), whole)]
    if timeline.ids:
        rows = (
            [shown, name, *values]
            for shown, areas in zip(dates, _rows(timeline.bodies, timeline), strict=True)
            for name, values in zip(timeline.ids, areas, strict=True)
        )
        written.append(write_csv(folder / "timeline_bodies.csv", ("date", "id", *header), rows))
    return written


def _rows(series: Series, timeline: Timeline) -> Iterator[list[list[str]]]:
    """By date and area what the tables say."""
    for water, valid, share, low, high in zip(
        series.low_km2, series.valid_m2 / _M2_A_KM2, series.valid_fraction, series.low_km2, series.high_km2, strict=True
    ):
        yield [
            [f"{w:.6f}", f"{v:.6f}", f"{s:.4f}", f"{lo:.6f}", f"{hi:.6f}", str(bool(s >= timeline.min_valid)).lower()]
            for w, v, s, lo, hi in zip(water, valid, share, low, high, strict=True)
        ]


def _survey(folder: Path) -> tuple[dict[Path, date], _Ground]:
    """The date of every water raster in a folder, and how they lie."""
    rasters = find_water(folder)
    dates = {raster.path: raster.shown for raster in rasters if raster.shown is not None}
    undated = [raster.path for raster in rasters if raster.shown is None]
    if undated:
        others = f", and {len(undated) - 1} more" if len(undated) > 1 else ""
        raise DataError(
            f"{undated[0]}: tells no date{others}",
            hint=f"put YYYYMMDD into its name, or gdal_edit.py -mo {DATE_TAG}=YYYY-MM-DD {undated[0].name}",
        )
    try:
        grid, placed = union([(raster.path, raster.grid) for raster in rasters])
    except DataError as error:
        hint = f"{error.hint}, and put what it makes in the place of the original"
        raise DataError(error.message, hint=hint) from error
    return dates, _Ground(
        grid, {each.path: Window(each.col, each.row, each.grid.width, each.grid.height) for each in placed}
    )


@dataclass(frozen=True)
class _Ground:
    """What rasters cover together: the grid around all of them, and the window of it that each fills."""

    grid: Grid
    windows: Mapping[Path, Window]


def _empty(dates: int, areas: int) -> Series:
    return Series(np.zeros(areas), np.zeros((dates, areas)), np.zeros((dates, areas)))


@dataclass(frozen=True)
class _Block:
    """Some rows of the ground.

    Attributes:
        area_m2: (rows, cols) of the pixels, 0 where no raster reaches.
        inside: of every layer of bodies the flat positions of their pixels, and for each the body's index.
    """

    area_m2: Areas
    inside: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]]

    @classmethod
    def of(cls, ground: _Ground, window: Window, bodies: KnownBodies | None) -> _Block:
        """The block of a window of the ground's grid."""
        area = pixel_area_m2(ground.grid, window)
        covered = np.zeros(area.shape, dtype=bool)
        for raster in ground.windows.values():
            if intersect(raster, window):
                covered[_slices(intersection(raster, window), window)] = True
        area[~covered] = 0
        layers = [] if bodies is None else bodies.within(ground.grid.crop(window))
        positions = [np.flatnonzero(layer) for layer in layers]
        inside = [(where, layer.ravel()[where] - 1) for where, layer in zip(positions, layers, strict=True)]
        return cls(area, inside)

    def add_ground(self, whole: Series, single: Series) -> None:
        """Add the block's ground to that of the areas."""
        whole.area_m2[0] += self.area_m2.sum()
        for where, index in self.inside:
            single.area_m2[:] += np.bincount(index, self.area_m2.ravel()[where], minlength=len(single.area_m2))

    def add_date(self, day: int, codes: Codes, whole: Series, single: Series) -> None:
        """Add what one date shows of the block."""
        for mask, of_whole, of_single in (
            (codes == WATER, whole.water_m2, single.water_m2),
            (codes != NO_DATA, whole.valid_m2, single.valid_m2),
        ):
            of_whole[day, 0] += self.area_m2.sum(where=mask)
            for where, index in self.inside:
                covered_m2 = self.area_m2.ravel()[where] * mask.ravel()[where]
                of_single[day] += np.bincount(index, covered_m2, minlength=of_single.shape[1])


def _merged(rasters: Sequence[Path], windows: Mapping[Path, Window], window: Window) -> Codes:
    """Codes (rows, cols) of a window that rasters of one date show together."""
    rank = np.zeros((int(window.height), int(window.width)), dtype=np.uint8)  # 0 no data, 1 land, 2 water
    for path in rasters:
        if intersect(windows[path], window):
            common = intersection(windows[path], window)
            here = rank[_slices(common, window)]
            np.maximum(here, read_codes(path, _relative(common, windows[path])) + np.uint8(1), out=here)  # 255 + 1 is 0
    return rank - np.uint8(1)


def _relative(window: Window, to: Window) -> Window:
    return Window(window.col_off - to.col_off, window.row_off - to.row_off, window.width, window.height)


def _slices(window: Window, within: Window) -> tuple[slice, slice]:
    rows, cols = _relative(window, within).toslices()
    return rows, cols


def _remarks(bodies: KnownBodies, here: Mask, ground: _Ground) -> list[str]:
    """Which bodies lie outside the ground, in part or as a whole."""
    covered = shapely.union_all([shapely.Polygon(ground.grid.corners(window)) for window in ground.windows.values()])
    cut = here & ~shapely.covered_by(bodies.shapes, covered)
    found = []
    if cut.any():
        found.append(f"{_named(bodies, cut)} beyond the rasters: only the part within counts")
    if not here.all():
        found.append(f"no pixel's centre lies in {_listed(bodies, ~here)}: left out")
    return found


def _named(bodies: KnownBodies, which: Mask) -> str:
    return f"{_listed(bodies, which)} {'reaches' if which.sum() == 1 else 'reach'}"


def _listed(bodies: KnownBodies, which: Mask) -> str:
    names = [bodies.ids[index] for index in np.flatnonzero(which)]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{'body' if len(names) == 1 else 'bodies'} {', '.join(names[:5])}{more}"
