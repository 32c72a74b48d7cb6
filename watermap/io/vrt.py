"""Bands that lie in a file each as one raster: a VRT that is written nowhere, and put together while it is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from rasterio.enums import MaskFlags

from watermap.bands import IMAGE_NO_DATA, REFLECTANCE_SCALE
from watermap.errors import DataError
from watermap.geo.grid import Grid

_AGREEMENT_PIXELS: Final = 0.1
"""Share of a fine pixel by which the corners of bands may differ."""

_FLOAT_NO_DATA: Final = -9999.0

_TYPES: Final = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}
"""GDAL's names of the types."""


@dataclass(frozen=True)
class Layer:
    """One band of a stack.

    Attributes:
        name: of the band.
        file: what GDAL calls its file.
        grid: of the file.
        dtype: of its values.
        block: (rows, cols) that the file is read in.
        no_data: what pixels without data hold in the file; 0 where it states nothing.
        stacked_no_data: what they hold in the stack; None: the same, and nothing is stated.
        scale: with `offset`, `value * scale + offset` is reflectance.
        offset: see there.
        files: those that decide its pixels: its own, a mask and metadata beside it; none of one in an archive.
        number: of the band in its file, from 1.
        factor: with `shift`, `value * factor + shift` is what the stack holds; None: the value itself.
        shift: see there.
    """

    name: str
    file: str = field(repr=False)  # with the signature of a web address
    grid: Grid
    dtype: str
    block: tuple[int, int]
    no_data: float = 0.0
    stacked_no_data: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    files: tuple[Path, ...] = ()
    number: int = 1
    factor: float | None = None
    shift: float = 0.0

    @property
    def stacked_dtype(self) -> str:
        """Of its values in the stack."""
        return self.dtype if self.factor is None else "float32"


def layer_of(
    dataset: Any, path: Path, name: str, *, is_product: bool, fill: float = 0.0, number: int | None = None
) -> Layer:
    """What an open file says of a band.

    Args:
        dataset: GDAL's.
        path: its file.
        name: of the band.
        is_product: whether it is one of a product's own files: their `fill` is no data, in other rasters perhaps a dark
            lake.
        fill: what the product's pixels without data hold.
        number: of the band, from 1; None: the file holds no other.

    Raises:
        DataError: it has several bands, or a mask.
    """
    if number is None and dataset.count != 1:
        raise DataError(f"{path}: holds {dataset.count} bands, not {name} alone", hint="give it by itself")
    if MaskFlags.per_dataset in dataset.mask_flag_enums[0]:
        raise DataError(
            f"{path}: has a mask, which is lost when bands are put together",
            hint="make it a no-data value with gdalwarp -dstnodata",
        )
    index = (number or 1) - 1
    dtype, no_data = dataset.dtypes[index], dataset.nodata
    if is_product and no_data is None and fill != 0:
        no_data = fill
    is_own = is_product and dtype == "uint16" and no_data in (None, 0)
    return Layer(
        name=name,
        file=dataset.name,
        grid=Grid(dataset.crs, dataset.transform, dataset.width, dataset.height),
        dtype=dtype,
        block=dataset.block_shapes[index],
        no_data=0.0 if no_data is None else no_data,
        stacked_no_data=float(IMAGE_NO_DATA) if is_own else no_data,
        scale=dataset.scales[index],
        offset=dataset.offsets[index],
        number=index + 1,
    )


def in_one_radiometry(layers: Sequence[Layer]) -> list[Layer]:
    """Layers whose numbers all mean the same: as they are, or as floats of reflectance x 10,000.

    Their scales and offsets may differ by band, and 8 bits are too few for reflectance.

    Args:
        layers: of one product, with the scale and offset of each.
    """
    if len({(layer.scale, layer.offset) for layer in layers}) == 1 and all(each.dtype != "uint8" for each in layers):
        return list(layers)
    return [
        replace(
            layer,
            factor=layer.scale / REFLECTANCE_SCALE,
            shift=layer.offset / REFLECTANCE_SCALE,
            stacked_no_data=_FLOAT_NO_DATA,
            scale=REFLECTANCE_SCALE,
            offset=0.0,
        )
        for layer in layers
    ]


def stack_vrt(path: Path, layers: Sequence[Layer]) -> str:
    """The text of a VRT that holds layers as bands, on the grid of the finest.

    Coarser bands are resampled bilinearly between the centres of their pixels; a fine pixel has data where the coarse
    one that it lies in has.

    Args:
        path: where the layers lie, for the message.
        layers: at least one.

    Raises:
        DataError: layers that do not cover the same ground, or whose type cannot be stacked.
    """
    finest = min(layers, key=lambda layer: layer.grid.pixel_width * layer.grid.pixel_height)
    grid = finest.grid
    for layer in layers:
        if layer.dtype not in _TYPES:
            raise DataError(f"{path}: {layer.name} holds {layer.dtype} numbers", hint="give integers or floats")
        _check_ground(path, finest, layer)
    bands = "".join(_band(layer, number, finest) for number, layer in enumerate(layers, start=1))
    crs = "" if grid.crs is None else f"<SRS>{escape(grid.crs.to_wkt())}</SRS>"
    corner = ",".join(map(repr, grid.transform.to_gdal()))
    return (
        f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">'
        f"{crs}<GeoTransform>{corner}</GeoTransform>{bands}</VRTDataset>"
    )


def _check_ground(path: Path, finest: Layer, layer: Layer) -> None:
    tolerance = _AGREEMENT_PIXELS * min(finest.grid.pixel_width, finest.grid.pixel_height)
    pairs = zip(finest.grid.corners(), layer.grid.corners(), strict=True)
    if layer.grid.crs != finest.grid.crs:
        fault = "have different coordinate reference systems"
    elif any(math.dist(*pair) > tolerance for pair in pairs):
        fault = "do not cover the same ground"
    else:
        return
    raise DataError(
        f"{path}: {finest.name} and {layer.name} {fault}", hint="take all bands from one product, cut to one extent"
    )


def _band(layer: Layer, number: int, finest: Layer) -> str:
    rows, cols = finest.block
    no_data = layer.stacked_no_data
    dtype = _TYPES[layer.stacked_dtype]
    return (
        f'<VRTRasterBand dataType="{dtype}" band="{number}" blockXSize="{cols}" blockYSize="{rows}">'
        f"<Description>{layer.name}</Description>{_element('NoDataValue', no_data)}"
        f"<Offset>{layer.offset!r}</Offset><Scale>{layer.scale!r}</Scale>{_sources(layer, finest.grid)}"
        "</VRTRasterBand>"
    )


def _sources(layer: Layer, grid: Grid) -> str:
    """What fills a band, over its no-data value."""
    own = layer.grid
    stacked = layer.no_data if layer.stacked_no_data is None else layer.stacked_no_data
    scaled = "" if layer.factor is None else _element("ScaleOffset", layer.shift) + _element("ScaleRatio", layer.factor)
    if own.shape == grid.shape:
        is_same = math.isnan(layer.no_data) or layer.no_data == stacked
        no_data = None if is_same else layer.no_data
        return _source(layer.file, str(layer.number), own, grid, no_data=no_data, more=scaled)
    native = _native(layer)
    hole = "" if stacked == 0 else f"<LUT>0:{stacked!r},255:0</LUT>"
    return (
        _source(native, "1", own, grid, resampling="bilinear", more=scaled)
        # Its mask, pixel by pixel, takes away again what bilinear values reach beyond it.
        + _source(native, "mask,1", own, grid, no_data=255.0, more=hole)
    )


def _native(layer: Layer) -> str:
    """A VRT of a file that tells the value which bilinear values are to leave out, whether the file does or not."""
    rows, cols = layer.grid.shape
    source = _source(layer.file, str(layer.number), layer.grid, layer.grid)
    return (
        f'<VRTDataset rasterXSize="{cols}" rasterYSize="{rows}"><VRTRasterBand dataType="{_TYPES[layer.dtype]}" '
        f'band="1">{_element("NoDataValue", layer.no_data)}{source}</VRTRasterBand></VRTDataset>'
    )


def _source(
    file: str,
    band: str,
    own: Grid,
    grid: Grid,
    *,
    resampling: str = "nearest",
    no_data: float | None = None,
    more: str = "",
) -> str:
    """A file's pixels, but for those of its no-data value if that is given."""
    kind = "SimpleSource" if no_data is None and not more else "ComplexSource"
    return (
        f'<{kind} resampling="{resampling}"><SourceFilename relativeToVRT="0">{escape(file)}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand>{_rectangle('SrcRect', own)}{_rectangle('DstRect', grid)}"
        f"{_element('NODATA', no_data)}{more}</{kind}>"
    )


def _rectangle(name: str, grid: Grid) -> str:
    return f'<{name} xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"/>'


def _element(name: str, value: float | None) -> str:
    return "" if value is None else f"<{name}>{value!r}</{name}>"
