"""The one writer: a cloud optimised GeoTIFF that appears complete or not at all."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy.typing as npt
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from watermap.geo.crs import GDAL_ERRORS
from watermap.geo.grid import Grid
from watermap.io.files import sync, unwritable
from watermap.io.gdal import WRITE_ERRORS
from watermap.io.layouts import RasterLayout
from watermap.io.paths import local
from watermap.io.temporary import discard, sweep, temporary_path

_BLOCK_PIXELS: Final = 512


class RasterWriter:
    """Writes a raster from top to bottom in memory of a few rows.

    Rows go to a temporary file beside the target; leaving the context without an error turns them into a cloud
    optimised GeoTIFF, reads that back, compares every row with what was written, and renames it to the target.
    On an error, or on Ctrl-C, the target is as it was and no temporary file stays.

    Args:
        path: the target; its folder is made.
        grid: the pixel grid.
        layout: type, bands, no data, overviews, colours.
        tags: metadata of the dataset: what made it.

    Raises:
        UsageError: the target does not lie on this machine.
        DataError: the target cannot be written, or what was written cannot be read back.
    """

    def __init__(self, path: Path, grid: Grid, layout: RasterLayout, *, tags: Mapping[str, str] | None = None) -> None:
        self._path = local(path)
        self._grid = grid
        self._layout = layout
        self._tags = dict(tags or {})
        self._rows_path = temporary_path(self._path)
        self._cog_path = temporary_path(self._path)
        self._made_folder = False
        self._next_row = 0
        self._checksums: list[tuple[int, int]] = []
        self._dataset: Any = None

    def __enter__(self) -> Self:
        self._made_folder = not self._path.parent.exists()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._check_target()
            sweep(self._path.parent, rests=True)
            self._dataset = self._create()
        except BaseException as error:  # Ctrl-C and a scheduler's stop too
            self._discard()
            if isinstance(error, WRITE_ERRORS):
                raise unwritable(self._path, error) from error
            raise
        return self

    def write(self, values: npt.NDArray[Any]) -> None:
        """Append rows.

        Args:
            values: (bands, rows, cols), of the layout's type, for the rows after those already written.
        """
        bands, rows, cols = values.shape
        if not rows:
            return
        if (bands, cols) != (len(self._layout.bands), self._grid.width):
            raise ValueError(f"{values.shape} rows do not fit {len(self._layout.bands)} bands of {self._grid.shape}")
        if values.dtype != self._layout.dtype:
            raise ValueError(f"{values.dtype} values, {self._layout.dtype} raster")
        try:
            self._dataset.write(values, window=Window(0, self._next_row, cols, rows))
        except WRITE_ERRORS as error:
            raise unwritable(self._path, error) from error
        self._checksums.append((rows, zlib.crc32(values.tobytes())))
        self._next_row += rows

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add metadata of the dataset that was not known at first."""
        self._dataset.update_tags(**tags)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
            else:
                with suppress(*GDAL_ERRORS):
                    self._dataset.close()
        finally:
            self._discard()

    def _check_target(self) -> None:
        if self._path.is_dir():
            raise IsADirectoryError("it is a folder")

    def _create(self) -> Any:
        dataset = rasterio.open(
            self._rows_path,
            "w",
            driver="GTiff",
            width=self._grid.width,
            height=self._grid.height,
            count=len(self._layout.bands),
            dtype=self._layout.dtype,
            crs=self._grid.crs,
            transform=self._grid.transform,
            nodata=self._layout.no_data,
            tiled=True,
            blockxsize=_BLOCK_PIXELS,
            blockysize=_BLOCK_PIXELS,
            compress="ZSTD",
            zstd_level=1,  # these rows live for seconds
            bigtiff="IF_SAFER",
        )
        dataset.descriptions = self._layout.bands
        dataset.update_tags(**self._tags)
        if self._layout.colors is not None:
            dataset.write_colormap(1, dict(self._layout.colors))
        return dataset

    def _finish(self) -> None:
        if self._next_row != self._grid.height:
            raise ValueError(f"{self._next_row} of {self._grid.height} rows were written")
        try:
            self._dataset.close()
            rasterio.shutil.copy(
                self._rows_path,
                self._cog_path,
                driver="COG",
                BLOCKSIZE=_BLOCK_PIXELS,
                COMPRESS="LZW" if self._layout.colors else "DEFLATE",  # of classes half the work, and no larger
                PREDICTOR="NO" if self._layout.colors else "YES",
                OVERVIEWS="IGNORE_EXISTING" if self._grid.width > 1 else "NONE",  # of a column no half can be made
                OVERVIEW_RESAMPLING=self._layout.overviews.upper(),
                NUM_THREADS="ALL_CPUS",
                BIGTIFF="IF_SAFER",
            )
            self._check()
            sync(self._cog_path)
            self._cog_path.replace(self._path)
        except WRITE_ERRORS as error:
            raise unwritable(self._path, error) from error

    def _check(self) -> None:
        """Re-open what was written and compare it with what was meant."""
        with rasterio.open(self._cog_path) as dataset:
            grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
            if not grid.same_as(self._grid) or str(dataset.nodata) != str(self._dataset.nodata):  # nan is not nan
                raise OSError("its grid or no-data value changed in writing")
            row = 0
            for rows, checksum in self._checksums:
                values = dataset.read(window=Window(0, row, self._grid.width, rows))
                if zlib.crc32(values) != checksum:
                    raise OSError(f"rows {row} to {row + rows - 1} changed in writing")
                row += rows

    def _discard(self) -> None:
        """Remove the temporary files, the overviews that GDAL keeps beside one of them, and a folder made in vain."""
        discard(self._rows_path, self._cog_path)
        if self._made_folder:
            with suppress(OSError):  # it is not empty: others wrote there
                self._path.parent.rmdir()


def write_raster(
    path: Path,
    values: npt.NDArray[Any],
    grid: Grid,
    layout: RasterLayout,
    *,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write a whole raster held in memory as a cloud optimised GeoTIFF.

    Args:
        path: the target.
        values: (bands, rows, cols).
        grid: the pixel grid.
        layout: type, bands, no data, overviews, colours.
        tags: metadata of the dataset.

    Raises:
        DataError: the target cannot be written.
    """
    with RasterWriter(path, grid, layout, tags=tags) as writer:
        writer.write(values)
    return path
