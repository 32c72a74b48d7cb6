"""An array in memory as a raster: read and judged like one in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from watermap.arrays import Array, Mask
from watermap.errors import DataError
from watermap.io.raster import Raster
from watermap.io.scene_files import SceneFiles

ARRAY_NAME: Final = "the array"
"""What it is called in messages, where a file would be named."""

_BLOCK_ROWS: Final = 256
_NO_PLACE: Final = CRS()


def array_raster(
    values: Array,
    names: Sequence[str | None],
    *,
    no_data: Sequence[float | None] | None = None,
    mask: Mask | None = None,
    scales: Sequence[float] | None = None,
    offsets: Sequence[float] | None = None,
) -> Raster:
    """A raster of an array, without a place on the Earth. The array is not copied.

    Args:
        values: (bands, rows, cols), integers or floats.
        names: what each band is called; None where it has no name.
        no_data: the no-data value of each band.
        mask: (rows, cols), False where the pixel holds no data whatever its values are.
        scales: of each band, of `value * scale + offset` as in GDAL; 1 says nothing.
        offsets: of each band, as GDAL means them; 0 says nothing.

    Raises:
        DataError: it is no such array, or its parts do not fit each other.
    """
    if values.ndim != 3 or 0 in values.shape:
        raise DataError(
            f"{ARRAY_NAME}: has the shape {values.shape}", hint="give (bands, rows, cols), at least one of each"
        )
    if values.dtype.kind not in "iuf":
        raise DataError(f"{ARRAY_NAME}: holds {values.dtype}", hint="give reflectance as integers or floats")
    if len(names) != len(values):
        raise DataError(
            f"{ARRAY_NAME}: it has {len(values)} bands, but {len(names)} were named ({', '.join(map(str, names))})",
            hint="name all of its bands in order",
        )
    if mask is not None and mask.shape != values.shape[1:]:
        raise DataError(
            f"{ARRAY_NAME}: has {values.shape[1:]} rows and columns, but {mask.shape} were said to be valid",
            hint="give valid as (rows, cols)",
        )
    dataset = _Dataset(values, names, no_data, mask, scales, offsets)
    return Raster(SceneFiles(Path(ARRAY_NAME)), dataset, None)


class _Dataset:
    """What `Raster` asks of rasterio's datasets."""

    def __init__(
        self,
        values: Array,
        names: Sequence[str | None],
        no_data: Sequence[float | None] | None,
        mask: Mask | None,
        scales: Sequence[float] | None,
        offsets: Sequence[float] | None,
    ) -> None:
        count, self.height, self.width = values.shape
        self._values = values
        self._mask = mask
        self.crs = _NO_PLACE
        self.transform = Affine.identity()
        self.indexes = tuple(range(1, count + 1))
        self.descriptions = tuple(names)
        self.dtypes = (values.dtype.name,) * count
        self.colorinterp = (ColorInterp.undefined,) * count
        self.block_shapes = ((_BLOCK_ROWS, self.width),) * count
        self.mask_flag_enums = ([MaskFlags.all_valid if mask is None else MaskFlags.per_dataset],) * count
        self.nodatavals = tuple(no_data or [None] * count)
        self.nodata = self.nodatavals[0]
        self.scales = tuple(scales or [1.0] * count)
        self.offsets = tuple(offsets or [0.0] * count)

    def read(self, indexes: int | Sequence[int], *, window: Window, out: Array | None = None) -> Array:
        found: Array = self._values[(slice(None), *window.toslices())][np.asarray(indexes) - 1]
        if out is None:
            return found
        out[...] = found
        return out

    def read_masks(self, _index: int, *, window: Window) -> Array:
        assert self._mask is not None  # noqa: S101 (asked for only where there is one)
        shown: Array = self._mask[window.toslices()].astype(np.uint8)
        return shown
