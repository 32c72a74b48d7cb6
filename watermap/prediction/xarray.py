"""Water in what xarray holds: coordinates, attributes and CRS are kept, and dask's chunks stay unread."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray

from watermap.arrays import Array
from watermap.errors import DataError, UsageError
from watermap.io.array import ARRAY_NAME
from watermap.io.raster import Raster
from watermap.legend import LAND, NO_DATA, WATER
from watermap.prediction.array import codes_of, model_raster, probability_of, warn_of
from watermap.prediction.predictor import Predictor
from watermap.progress import Progress

_BAND_AXES: Final = ("band", "bands", "wavelength", "channel", "variable")
_ACROSS: Final = ("x", "lon", "longitude", "easting", "col", "cols")
"""Names of the axis that runs along a row."""
_OF_VALUES: Final = frozenset(
    {"_FillValue", "missing_value", "nodata", "scale_factor", "add_offset", "long_name", "standard_name", "units"}
    | {"valid_range", "valid_min", "valid_max", "description", "name"}
)
"""Attributes that tell of the numbers of bands, and nothing of their place."""
_NO_DATA_ATTRIBUTES: Final = ("_FillValue", "missing_value", "nodata")
_PLANE: Final = 2


@dataclass(frozen=True)
class Meaning:
    """What xarray says of the bands of an image.

    Attributes:
        names: None where unknown.
        no_data: of each band.
        scales, offsets: of each band, 1 and 0 where nothing is said.
    """

    names: list[str | None]
    no_data: list[float | None]
    scales: list[float]
    offsets: list[float]


@dataclass(frozen=True)
class Layers:
    """An image.

    Attributes:
        values: (bands, rows, cols), of numpy or dask.
        meaning: of the bands.
        plane: one band, whose coordinates and attributes the results take.
    """

    values: Any
    meaning: Meaning
    plane: xarray.DataArray


def predict_xarray(
    array: xarray.DataArray | xarray.Dataset,
    predictor: Predictor,
    *,
    bands: Sequence[str] | None,
    nodata: float | None,
    valid: Any,
    progress: Progress,
) -> tuple[xarray.DataArray, xarray.DataArray]:
    """What `predict_array` does of xarray's arrays, for a model that is open.

    Raises:
        DataError: a band is missing, or the array cannot be used; of arrays that dask does not hold, also what is
            wrong with their numbers.
        UsageError: it is not clear which axis or which band is which.
    """
    layers = read_layers(array, bands, nodata)
    mask = _mask_of(valid, layers.plane)
    if is_lazy(layers.values):
        from watermap.prediction.dask import codes_lazily, predict_lazily

        probability = predict_lazily(layers, mask, predictor)
        codes = codes_lazily(probability, predictor)
    else:
        raster = raster_of(layers.meaning, layers.values, mask, predictor)
        probability = probability_of(raster, predictor, predictor.radiometry(raster), progress=progress)
        warn_of(raster)
        codes = codes_of(probability, predictor)
    meaning = {"flag_values": [LAND, WATER], "flag_meanings": "land water", "_FillValue": NO_DATA}
    return (
        _as(layers.plane, codes, "water", {"long_name": "water", **meaning}),
        _as(layers.plane, probability, "probability", {"long_name": "probability of water", "_FillValue": np.nan}),
    )


def raster_of(meaning: Meaning, values: Array, mask: Any, predictor: Predictor) -> Raster:
    """An image, or a piece of it that was read, as the raster that a model is given."""
    return model_raster(
        values,
        meaning.names,
        predictor,
        no_data=meaning.no_data,
        valid=mask,
        scales=meaning.scales,
        offsets=meaning.offsets,
    )


def is_lazy(values: Any) -> bool:
    """Whether dask holds an array."""
    return hasattr(values, "dask")


def read_layers(array: xarray.DataArray | xarray.Dataset, bands: Sequence[str] | None, nodata: float | None) -> Layers:
    """The bands of an image, in order, and what is said of them.

    Args:
        array: (band, y, x) in any order, or a variable (y, x) a band.
        bands: their names, where the user states them.
        nodata: of all of them, where the user states it.

    Raises:
        DataError: a wrong number of names.
        UsageError: it has other axes.
    """
    if isinstance(array, xarray.Dataset):
        planes = [each for each in array.data_vars.values() if each.ndim >= _PLANE]
        if not planes:
            raise UsageError("the Dataset holds no images", hint="give variables (y, x), one a band")
        axes = _plane_axes(planes[0].dims)
        if any(set(each.dims) != set(axes) for each in planes):
            raise UsageError("the Dataset's variables have different axes", hint="leave out those that are no bands")
        planes = [each.transpose(*axes) for each in planes]
        values = xarray.concat(
            [each.drop_vars(list(each.coords)) for each in planes], dim="band", combine_attrs="drop", join="override"
        ).data
        told: list[str | None] = [str(each.name) for each in planes]
    else:
        axis = _band_axis(array.dims)
        axes = _plane_axes([dim for dim in array.dims if dim != axis])
        array = array.transpose(axis, *axes)
        values, told = array.data, _names_along(array, axis)
        planes = [array.isel({axis: number}, drop=True) for number in range(array.sizes[axis])]
    names: list[str | None] = told if bands is None else list(bands)
    if len(names) != len(planes):
        raise DataError(
            f"{ARRAY_NAME}: it has {len(planes)} bands, but {len(names)} were named ({', '.join(map(str, names))})",
            hint="name all of its bands in order",
        )
    meaning = Meaning(
        names,
        [nodata if nodata is not None else _no_data(each) for each in planes],
        [float(each.attrs.get("scale_factor", 1)) for each in planes],
        [float(each.attrs.get("add_offset", 0)) for each in planes],
    )
    return Layers(values, meaning, planes[0])


def _band_axis(dims: Sequence[Hashable]) -> Hashable:
    if len(dims) != _PLANE + 1:
        others = [dim for dim in dims if dim not in (*_BAND_AXES, *_ACROSS, "y", "lat", "latitude")]
        pick = f": array.isel({others[0]}=0)" if others else ""
        raise UsageError(
            f"the array has the axes {', '.join(map(str, dims))}", hint=f"give one image of band, y and x{pick}"
        )
    return next((dim for dim in dims if str(dim).lower() in _BAND_AXES), dims[0])


def _plane_axes(dims: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Rows before columns."""
    if len(dims) != _PLANE:
        raise UsageError(
            f"the variables have the axes {', '.join(map(str, dims))}",
            hint=f"give one image of y and x, e.g. dataset.isel({dims[0]}=0)",
        )
    return tuple(sorted(dims, key=lambda dim: str(dim).lower() in _ACROSS))


def _names_along(array: xarray.DataArray, axis: Hashable) -> list[str | None]:
    """What an array says of its bands: by a coordinate of texts, or as rioxarray does."""
    if axis in array.coords and array.coords[axis].dtype.kind in "UOST":
        return [str(name) for name in array.coords[axis].values]
    described = array.attrs.get("long_name", ())
    if isinstance(described, str):
        described = (described,)
    count = array.sizes[axis]
    return [str(name) for name in described] if len(described) == count else [None] * count


def _no_data(plane: xarray.DataArray) -> float | None:
    for said in (plane.attrs, plane.encoding):
        for name in _NO_DATA_ATTRIBUTES:
            if said.get(name) is not None:
                return float(said[name])
    return None


def _mask_of(valid: Any, plane: xarray.DataArray) -> Any:
    """(rows, cols), of numpy or dask, in the order of the image's own axes."""
    if not isinstance(valid, xarray.DataArray):
        return valid
    if set(valid.dims) != set(plane.dims):
        raise UsageError(
            f"valid has the axes {', '.join(map(str, valid.dims))}",
            hint=f"give it those of the image: {', '.join(map(str, plane.dims))}",
        )
    return valid.transpose(*plane.dims).data


def _as(plane: xarray.DataArray, values: Any, name: str, meaning: dict[str, Any]) -> xarray.DataArray:
    """Values where the image lies."""
    place = {key: value for key, value in plane.attrs.items() if key not in _OF_VALUES}
    made = xarray.DataArray(values, coords=plane.coords, dims=plane.dims, name=name, attrs=place | meaning)
    if "grid_mapping" in plane.encoding:
        made.encoding["grid_mapping"] = plane.encoding["grid_mapping"]
    return made
