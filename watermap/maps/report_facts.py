"""What there is to tell of a run: its maps, what made them, and the tables and pictures beside them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from watermap.errors import DataError
from watermap.legend import NO_DATA, WATER
from watermap.maps.quicklook import water_picture
from watermap.maps.water_rasters import WaterRaster, find_water, water_areas_m2
from watermap.progress import Progress, silent

_M2_A_KM2: Final = 1e6
_QUICKLOOK: Final = "_quicklook.png"
_TABLES: Final = ("timeline.csv", "timeline_bodies.csv", "*change.csv")
_MOST_ROWS: Final = 30
"""Of a table that are read: a page is to be read, and the file lies beside it."""


@dataclass(frozen=True)
class MapFacts:
    """What a run says of one scene.

    Attributes:
        raster: its water raster.
        valid_fraction: share of its ground that holds data.
        water_km2: water on the ellipsoid.
        pixel_m: mean side of its pixels on the ground.
        picture: PNG of its quicklook, or of its map; None of one scene too many.
        is_quicklook: whether the picture is a quicklook.
    """

    raster: WaterRaster
    valid_fraction: float
    water_km2: float
    pixel_m: float
    picture: bytes | None
    is_quicklook: bool

    @property
    def tags(self) -> Mapping[str, str]:
        """What made its map."""
        return self.raster.tags

    @property
    def shown(self) -> date | None:
        """The date that it shows."""
        return self.raster.shown


@dataclass(frozen=True)
class FoundTable:
    """A table beside the maps.

    Attributes:
        path: the CSV file.
        columns: their names.
        rows: the first of them, as text.
        left_out: rows after those.
        picture: PNG of the same name, None where there is none.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int
    picture: bytes | None


@dataclass(frozen=True)
class RunFacts:
    """What there is to tell of a run.

    Attributes:
        folder: of the maps.
        scenes: by date, those without one last, and by name.
        tables: of timelines and changes.
    """

    folder: Path
    scenes: tuple[MapFacts, ...]
    tables: tuple[FoundTable, ...]


def gather(folder: Path, *, most_pictures: int = 24, progress: Progress = silent) -> RunFacts:
    """Gather what there is to tell of the maps of a folder.

    Memory holds some rows of one map.

    Args:
        folder: of water rasters NAME_water.tif, with or without NAME_quicklook.png and tables beside them.
        most_pictures: maps that are shown, spread over all of them.
        progress: told after every map.

    Raises:
        DataError: no water rasters there, or a file that cannot be used.
    """
    rasters = sorted(find_water(folder), key=lambda raster: (raster.shown or date.max, raster.name))
    shown = set(np.linspace(0, len(rasters) - 1, min(most_pictures, len(rasters))).round().astype(int).tolist())
    scenes = []
    for number, raster in enumerate(rasters):
        scenes.append(_measured(raster, has_picture=number in shown))
        progress("reading maps", number + 1, len(rasters))
    tables = [path for pattern in _TABLES for path in sorted(folder.glob(pattern))]
    return RunFacts(folder, tuple(scenes), tuple(_table(path) for path in tables))


def _measured(raster: WaterRaster, *, has_picture: bool) -> MapFacts:
    areas_m2 = water_areas_m2(raster.path)
    ground = float(areas_m2.sum())
    quicklook = _read_png(raster.path.with_name(f"{raster.name}{_QUICKLOOK}")) if has_picture else None
    return MapFacts(
        raster=raster,
        valid_fraction=1 - float(areas_m2[NO_DATA]) / ground,
        water_km2=float(areas_m2[WATER]) / _M2_A_KM2,
        pixel_m=math.sqrt(ground / (raster.grid.width * raster.grid.height)),
        picture=quicklook or (water_picture(raster.path) if has_picture else None),
        is_quicklook=quicklook is not None,
    )


def _read_png(path: Path) -> bytes | None:
    """A picture, None where there is none.

    Raises:
        DataError: it cannot be read, or is no PNG.
    """
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions") from error
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise DataError(f"{path}: not a PNG", hint="make it again, or remove it")
    return content


def _table(path: Path) -> FoundTable:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines: Sequence[list[str]] = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a table that can be read", hint="make it again, or remove it") from error
    columns, rows = (tuple(lines[0]), lines[1:]) if lines else ((), [])
    shown = tuple(tuple(row) for row in rows[:_MOST_ROWS])
    return FoundTable(path, columns, shown, len(rows) - len(shown), _read_png(path.with_suffix(".png")))
