"""A label seen on its image's pixel grid, in watermap's codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from watermap.arrays import Codes, Mask
from watermap.errors import DataError
from watermap.geo.crs import locate
from watermap.geo.grid import Grid
from watermap.io.gdal import open_dataset, read_from
from watermap.io.raster import open_raster
from watermap.legend import LAND, NO_DATA, WATER

Meaning = Callable[[npt.NDArray[Any]], Codes]
"""Makes codes (rows, cols) of the values of a file."""

LABEL_TAG: Final = "WATERMAP_LABEL"
"""The metadata of a label that says what it is, e.g. hansen or hand."""

WATERMAP_CODES: Final[Mapping[int, int]] = {LAND: LAND, WATER: WATER, NO_DATA: NO_DATA}

_ALIGNED_COLUMNS: Final = 512

_TIE_PIXELS: Final = 1e-6
"""A pixel's middle on the edge between two label pixels takes the next one, whatever the last float digits say."""


@dataclass(frozen=True)
class CodesKind:
    """What a raster of land and water is called in messages, and where another is had.

    Attributes:
        name: of the kind.
        unknown: what its 255 means.
        bands_hint, codes_hint: what to do about one of several bands, or of other codes.
        codes: watermap's code of each value that one may hold.
    """

    name: str
    unknown: str
    bands_hint: str
    codes_hint: str
    codes: Mapping[int, int] = field(default_factory=lambda: WATERMAP_CODES, hash=False)

    def several_bands(self, path: Path, count: int) -> DataError:
        """The error for one of several bands."""
        return DataError(f"{path}: has {count} bands, but a {self.name} has one", hint=self.bands_hint)

    def unknown_codes(self, path: Path, values: npt.NDArray[Any]) -> DataError:
        """The error for one that holds codes that mean nothing."""
        meant = f"{LAND} land, {WATER} water, {NO_DATA} {self.unknown}"
        return DataError(f"{path}: holds {listed(values)}, but a {self.name} is {meant}", hint=self.codes_hint)

    def hidden(self, path: Path, no_data: float | None) -> str | None:
        """A note where the file says that land or water is no data, None where it does not."""
        for code, name in ((LAND, "land"), (WATER, "water")):
            if no_data == code:
                return (
                    f"{path}: its no-data value is {code}, so that its {name} counts as {self.unknown}; "
                    f"mend it with gdal_edit.py -a_nodata {NO_DATA} if {code} is {name}"
                )
        return None


LABEL: Final = CodesKind(
    "label", "unknown", "keep the band of classes", "rewrite it with watermap scenes add --codes, e.g. -1=255,0=0,1=1"
)
WATER_RASTER: Final = CodesKind(
    "water raster", "no data", "map it with watermap predict", "give a NAME_water.tif of watermap predict"
)


def stated_label(label: Path) -> str | None:
    """What a label's file says that it is, or None."""
    with open_dataset(label) as dataset:
        found: str | None = dataset.tags().get(LABEL_TAG)
    return found


def listed(values: npt.NDArray[Any]) -> str:
    """The first of the values that there are, each once."""
    found = np.unique(values)
    return ", ".join(f"{value:g}" for value in found[:8]) + (", ..." if len(found) > 8 else "")


class Label:
    """An open label. Made by `open_label`; reads only what is asked for.

    Attributes:
        path: the file.
        own_grid: its own pixel grid.
        block_rows: rows that its file keeps together.
        hides_land: whether the file says that 0 is no data, so that its land is unknown.
        tags: the file's metadata.
        doubt: a note where the file says that land or water is no data.
    """

    def __init__(
        self, path: Path, dataset: Any, grid: Grid | None, codes: Mapping[int, int] | Meaning | None, kind: CodesKind
    ) -> None:
        self.path = path
        self.doubt = None if codes is not None else kind.hidden(path, dataset.nodata)
        self._kind = kind
        self.own_grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        self.hides_land = codes is None and dataset.nodata == LAND
        self._dataset = dataset
        self.tags: Mapping[str, str] = dataset.tags()
        self._grid = self.own_grid if grid is None or grid.same_as(self.own_grid) else grid
        self.block_rows = int(dataset.block_shapes[0][0])
        self._meaning = codes if callable(codes) else None
        self._stated = None if callable(codes) else codes
        self._codes = kind.codes if self._stated is None else self._stated
        self._mask_matters = _mask_matters(dataset, {} if self._meaning else self._codes)
        self._codes_win = codes is not None and MaskFlags.nodata in dataset.mask_flag_enums[0]

    def read(self, window: Window) -> Codes:
        """The codes of a window of the image's grid.

        A label on another grid gives each pixel the value of the label pixel that holds its middle.

        Returns:
            (rows, cols): 0 land, 1 water, 255 where the label is no data or does not reach.

        Raises:
            DataError: the file is damaged, or holds other codes.
            StorageError: it lies elsewhere and can no longer be reached.
        """
        if self._grid is self.own_grid:
            return self._read_own(window)
        if window.width > _ALIGNED_COLUMNS:  # positions take far more memory than codes
            starts = range(0, int(window.width), _ALIGNED_COLUMNS)
            return np.concatenate([self.read(_columns(window, start)) for start in starts], axis=1)
        shape = int(window.height), int(window.width)
        rows, cols = np.mgrid[: shape[0], : shape[1]]
        middles = np.column_stack([cols.ravel() + window.col_off + 0.5, rows.ravel() + window.row_off + 0.5])
        found = np.floor(locate(middles, self._grid, self.own_grid) + _TIE_PIXELS)
        with np.errstate(invalid="ignore"):
            inside = ((found >= 0) & (found < self.own_grid.shape[::-1])).all(axis=1)
        result = np.full(len(middles), NO_DATA, dtype=np.uint8)
        if inside.any():
            found = found[inside].astype(np.intp)
            first, last = found.min(axis=0), found.max(axis=0)
            piece = self._read_own(Window(first[0], first[1], *(last - first + 1)))
            result[inside] = piece[tuple((found - first).T[::-1])]
        return result.reshape(shape)

    def _read_own(self, window: Window) -> Codes:
        values = read_from(self.path, lambda: self._dataset.read(1, window=window), what=window)
        hidden = self._hidden(values, window)
        if self._meaning is not None:
            return np.where(hidden & (values != 0), NO_DATA, self._meaning(values)).astype(np.uint8)
        if self._codes_win:  # what the user says of a value beats what the file says
            hidden &= ~np.isin(values, list(self._codes))
        result, unexplained = _translated(values, self._codes)
        result[hidden] = NO_DATA
        unexplained &= ~hidden
        if unexplained.any():
            raise self._unknown_codes(values[unexplained])
        return result

    def _hidden(self, values: npt.NDArray[Any], window: Window) -> Mask:
        """What the file says is no data."""
        hidden: Mask = np.zeros(values.shape, dtype=bool)
        if self._mask_matters:
            masks = read_from(self.path, lambda: self._dataset.read_masks(1, window=window), what=window)
            hidden = masks == 0
        if np.issubdtype(values.dtype, np.floating):
            hidden |= np.isnan(values)
        return hidden

    def _unknown_codes(self, values: npt.NDArray[Any]) -> DataError:
        if self._stated is None:
            return self._kind.unknown_codes(self.path, values)
        known = ", ".join(map(str, self._stated))
        return DataError(
            f"{self.path}: holds {listed(values)}, which the code map does not name (it names {known})",
            hint="name every code with --codes, e.g. -1=255,0=0,1=1",
        )


def _translated(values: npt.NDArray[Any], codes: Mapping[int, int]) -> tuple[Codes, Mask]:
    """The codes of values, and which of them have none."""
    are_bytes = values.dtype == np.uint8
    result = values.copy() if are_bytes else np.full(values.shape, NO_DATA, dtype=np.uint8)
    unexplained = np.ones(values.shape, dtype=bool)
    for value, code in codes.items():
        here = values == value
        if value != code or not are_bytes:
            result[here] = code
        unexplained &= ~here
    return result, unexplained


def _mask_matters(dataset: Any, codes: Mapping[int, int]) -> bool:
    """Whether a band's mask tells more than its values do."""
    flags = dataset.mask_flag_enums[0]
    if flags == [MaskFlags.nodata] and np.issubdtype(dataset.dtypes[0], np.integer):
        return codes.get(dataset.nodata) != NO_DATA
    return bool(flags != [MaskFlags.all_valid])


def _columns(window: Window, start: int) -> Window:
    """At most so many columns of a window as are aligned at once."""
    width = min(_ALIGNED_COLUMNS, int(window.width) - start)
    return Window(window.col_off + start, window.row_off, width, window.height)


@contextmanager
def open_label(
    path: Path,
    grid: Grid | None = None,
    *,
    image_path: Path | None = None,
    codes: Mapping[int, int] | Meaning | None = None,
    kind: CodesKind = LABEL,
) -> Iterator[Label]:
    """Open a label to be read on its image's grid.

    Where the grids differ, in CRS, pixel size or extent, each image pixel takes the label pixel in which its middle
    lies. However little the two overlap, the rest is unknown (255); no overlap at all is an error.

    Args:
        path: the label: one band.
        grid: the image's; None for the label's own.
        image_path: the image's file, for the message.
        codes: watermap's code of each of the label's values, where it has its own. A value named here counts even if
            the file calls it no data. Or what makes codes of any values; then only 0 counts where the file calls it so.
        kind: what messages call it: a label, or a water raster.

    Raises:
        DataError: no such file, several bands, or a label that does not fit the image (the message names both).
        StorageError: it lies elsewhere and cannot be reached.
    """
    with open_raster(path) as raster:
        if raster.count != 1:
            raise kind.several_bands(path, raster.count)
        own = raster.grid
        if grid is not None and not grid.same_as(own) and not _overlap(grid, own):
            raise DataError(
                f"{path}: does not fit {image_path or 'its image'}, they share no ground ({own.crs}, {grid.crs})",
                hint="check that both show the same place and that their CRS is right",
            )
        yield Label(path, raster.dataset, grid, codes, kind)


def _overlap(grid: Grid, label: Grid) -> bool:
    """Whether a label's pixels share ground with an image's."""
    steps = np.linspace(0, 1, 17)
    cols, rows = (axis.ravel() for axis in np.meshgrid(steps * grid.width, steps * grid.height))
    try:
        points = locate(np.column_stack([cols, rows]), grid, label)
    except DataError:
        return False
    points = points[np.isfinite(points).all(axis=1)]
    outline = shapely.convex_hull(shapely.MultiPoint(points))
    return bool(outline.intersection(shapely.box(0, 0, label.width, label.height)).area > 0)
