"""Reading rasters: pixels, the names of their bands, and which pixels hold data."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from watermap.arrays import Array, Mask
from watermap.bands import Radiometry, canonical_name, find_bands, present_bands
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.io.gdal import environment, open_scene, read_from
from watermap.io.products import SceneFiles

_POLE = 90.0
_SLACK = 1e-6
"""Share of a pixel by which float digits differ."""


@dataclass(frozen=True)
class Pixels:
    """A piece of a raster.

    Attributes:
        values: (bands, rows, cols), as stored.
        valid: (rows, cols), True where the pixel holds data.
    """

    values: Array
    valid: Mask


class Raster:
    """An open raster. Made by `open_raster`; reads only what is asked for.

    Attributes:
        scene: its files.
        path: the file, or the folder or archive of a scene of many files.
        grid: its pixel grid.
        names: the description of each band that is not an alpha band, in file order.
    """

    def __init__(self, scene: SceneFiles, dataset: Any, names: Sequence[str] | None) -> None:
        self.scene = scene
        self.path = scene.path
        self._dataset = dataset
        self.grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        self._data_indexes = [
            index
            for index, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True)
            if meaning != ColorInterp.alpha
        ]
        alphas = [i for i in dataset.indexes if i not in self._data_indexes]
        self._alpha_index: int | None = alphas[0] if alphas else None
        described = [dataset.descriptions[index - 1] for index in self._data_indexes]
        if names is not None and len(names) != len(described):
            raise DataError(
                f"{scene}: it has {len(described)} bands, but {len(names)} were named ({', '.join(names)})",
                hint="name all of the file's bands in file order",
            )
        self.names: tuple[str | None, ...] = tuple(names) if names is not None else tuple(described)
        self._described = tuple(described)
        self._remarks: dict[str, None] = {}
        self._reading = threading.Lock()
        self._environment = environment()

    @property
    def dataset(self) -> Any:
        """GDAL's own, for what is not told here."""
        return self._dataset

    @property
    def count(self) -> int:
        """Number of bands, alpha not counted."""
        return len(self._data_indexes)

    @property
    def bands(self) -> tuple[str | None, ...]:
        """The Sentinel-2 band that each name means, or None, in file order."""
        return tuple(canonical_name(name) if name else None for name in self.names)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds every band's values."""
        return np.result_type(*(self._dataset.dtypes[index - 1] for index in self._data_indexes))

    @property
    def no_data(self) -> float | None:
        """The no-data value of the first band."""
        value: float | None = self._dataset.nodata
        return value

    @property
    def block_rows(self) -> int:
        """Rows of the file's own blocks: reading in multiples of it decodes nothing twice."""
        return int(self._dataset.block_shapes[0][0])

    def radiometry(self, positions: Sequence[int]) -> Radiometry | None:
        """What the file says of the numbers of some bands (GDAL's `value * scale + offset`), None where nothing.

        Raises:
            DataError: it says different things of different bands.
        """
        stated = {
            (self._dataset.scales[i], self._dataset.offsets[i]) for i in (self._data_indexes[p] - 1 for p in positions)
        }
        if len(stated) > 1:
            listed = "; ".join(f"{scale:g}, {offset:g}" for scale, offset in sorted(stated))
            raise DataError(
                f"{self.path}: its bands state different scales and offsets ({listed})",
                hint="write one scale and offset for all bands, e.g. with gdal_translate -unscale",
            )
        scale, offset = stated.pop()
        return None if (scale, offset) == (1.0, 0.0) or scale == 0 else Radiometry(scale, offset / scale)

    @property
    def notes(self) -> list[str]:
        """What was taken for granted while reading: for the user to know."""
        found = []
        described = tuple(canonical_name(text) if text else None for text in self._described)
        if any(described) and self.bands != described:
            own = ", ".join(name or "?" for name in described)
            found.append(f"{self.path}: the file calls its bands {own}; the names given were used instead")
        return [*found, *self._remarks]

    def remark(self, text: str) -> None:
        """Add a note for the user, once."""
        self._remarks[f"{self.path}: {text}"] = None

    def find(self, bands: Sequence[str]) -> tuple[int, ...]:
        """Positions (from 0) of the named Sentinel-2 bands. Raises DataError where one is missing."""
        return find_bands(self.names, bands, where=str(self.path))

    def present(self, bands: Sequence[str], optional: Sequence[str]) -> tuple[str, ...]:
        """The named bands but for those that are optional and not there; whether the others are, `find` tells."""
        return present_bands(self.names, bands, optional)

    def read(self, positions: Sequence[int] | None = None, window: Window | None = None) -> Pixels:
        """Read bands and validity of a window.

        Args:
            positions: band positions from 0, in the order wanted; None for all.
            window: part of the raster, within it; None for all.

        Returns:
            values (bands, rows, cols) as stored and valid (rows, cols).

        Raises:
            DataError: the file is damaged.
            StorageError: it lies elsewhere and can no longer be reached.
        """
        if window is None:
            window = Window(0, 0, self.grid.width, self.grid.height)
        positions = tuple(positions) if positions is not None else tuple(range(self.count))
        values = self._read_bands(positions, window)
        return Pixels(values, self._valid(values, positions, window))

    def reader(self, positions: Sequence[int]) -> Callable[[Window], Pixels]:
        """What `read` does, window by window into the same memory: what it gave is read over by the next call.

        Args:
            positions: band positions from 0, in the order wanted.
        """
        memory = np.empty(0, dtype=self.dtype)

        def read(window: Window) -> Pixels:
            nonlocal memory
            shape = (len(positions), int(window.height), int(window.width))
            if memory.size < math.prod(shape):
                memory = np.empty(math.prod(shape), dtype=self.dtype)
            values = self._read_bands(positions, window, memory[: math.prod(shape)].reshape(shape))
            return Pixels(values, self._valid(values, positions, window))

        return read

    def _read_bands(self, positions: Sequence[int], window: Window, out: Array | None = None) -> Array:
        indexes = [self._data_indexes[p] for p in positions]
        if len({self._dataset.dtypes[index - 1] for index in indexes}) == 1:
            return self._guarded(partial(self._dataset.read, out=out), indexes, window)
        if out is None:  # GDAL reads bands of one type together
            out = np.empty((len(indexes), int(window.height), int(window.width)), dtype=self.dtype)
        for layer, index in zip(out, indexes, strict=True):
            self._guarded(partial(self._dataset.read, out=layer), index, window)
        return out

    def _masks(self, window: Window) -> list[Array]:
        """The mask band and the alpha band, (rows, cols) each, where there are any."""
        masks = []
        if MaskFlags.per_dataset in self._dataset.mask_flag_enums[0]:
            masks.append(self._guarded(self._dataset.read_masks, self._data_indexes[0], window))
        if self._alpha_index is not None:  # GDAL makes it a mask only for images of one or three bands
            masks.append(self._guarded(self._dataset.read, self._alpha_index, window))
        return masks

    def _guarded(self, read: Callable[..., Array], indexes: int | list[int], window: Window) -> Array:
        """Read, one thread at a time as GDAL wants it, or tell which rows cannot be read."""
        with self._reading, self._environment():
            return read_from(self.scene, lambda: read(indexes, window=window), what=window)

    def _valid(self, values: Array, positions: Sequence[int], window: Window) -> Mask:
        """Which pixels hold data.

        A mask band or an alpha band decides first. A pixel is no data where a band in use is not finite or equals a
        no-data value other than 0, or where every band of the file is 0: one zero band may be a dark lake.
        """
        valid = np.ones(values.shape[1:], dtype=bool)
        for mask in self._masks(window):
            valid &= mask > 0
        if np.issubdtype(values.dtype, np.floating):
            valid &= np.isfinite(values).all(axis=0)
        for layer, position in zip(values, positions, strict=True):
            no_data = self._dataset.nodatavals[self._data_indexes[position] - 1]
            if no_data is not None and no_data != 0 and not np.isnan(no_data):
                valid &= layer != no_data
        all_zero: Mask = np.asarray(values.any(axis=0))
        np.logical_not(all_zero, out=all_zero)
        all_zero &= valid
        others = [p for p in range(self.count) if p not in positions]
        if others and all_zero.any():
            all_zero &= ~self._read_bands(others, window).any(axis=0)
        if self.no_data != 0 and all_zero.any():
            self.remark("pixels that are 0 in every band carry no no-data tag; taken as no data")
        valid[all_zero] = False
        return valid


@contextmanager
def open_raster(place: Path | SceneFiles | Raster, *, names: Sequence[str] | None = None) -> Iterator[Raster]:
    """Open a raster that GDAL can read; one that is open already is given as it is, and stays open.

    Args:
        place: a file or a scene, wherever it lies.
        names: the names of all its bands in file order, where the user states them; otherwise the file's own.

    Raises:
        DataError: no such file, not a raster, no place on the Earth, complex numbers, wrong number of names.
        StorageError: it lies elsewhere and cannot be reached.
    """
    if isinstance(place, Raster):
        yield place
        return
    with open_scene(place) as (scene, dataset):
        if dataset.count == 0:
            raise DataError(f"{scene}: holds no bands of its own", hint="give one of its subdatasets as a GeoTIFF")
        check_place(scene.path, dataset)
        if any(dtype.startswith("complex") for dtype in dataset.dtypes):
            raise DataError(f"{scene}: holds complex numbers", hint="give reflectance as integers or floats")
        yield Raster(scene, dataset, names)


def check_place(path: Path, dataset: Any) -> None:
    """Refuse a raster whose pixels have no place on the Earth.

    Args:
        path: its file.
        dataset: GDAL's own.

    Raises:
        DataError: no CRS or georeference, pixels without an area, or latitudes beyond the poles.
    """
    if dataset.crs is None:
        raise DataError(f"{path}: has no coordinate reference system", hint="set it with gdal_edit.py -a_srs EPSG:CODE")
    if dataset.transform.is_identity:
        raise DataError(f"{path}: is not georeferenced", hint="set its bounds with gdal_edit.py -a_ullr")
    area = dataset.transform.determinant
    if not math.isfinite(area) or area == 0:
        raise DataError(
            f"{path}: its georeference gives pixels no area", hint="set its bounds with gdal_edit.py -a_ullr"
        )
    if dataset.crs.is_geographic:
        degrees = math.degrees(dataset.crs.units_factor[1])
        grid = Grid(dataset.crs, dataset.transform, dataset.width, dataset.height)
        latitudes = [y * degrees for _, y in grid.corners()]
        pixel = (abs(grid.transform.d) + abs(grid.transform.e)) * degrees
        if max(map(abs, latitudes)) > _POLE + pixel * (1 + _SLACK):  # world grids reach half a pixel beyond
            raise DataError(
                f"{path}: its latitudes go from {min(latitudes):g} to {max(latitudes):g}, beyond the poles",
                hint="are longitude and latitude swapped? set its bounds with gdal_edit.py -a_ullr",
            )
