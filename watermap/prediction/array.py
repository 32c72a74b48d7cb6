"""Water in an array of reflectance, with the same checks as for a file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np
import numpy.typing as npt

from watermap.arrays import Array, Codes, FloatArray, Mask
from watermap.bands import Radiometry
from watermap.errors import UsageError, WatermapWarning
from watermap.io.array import ARRAY_NAME, array_raster
from watermap.io.raster import Raster
from watermap.prediction.applicability import size_note, synthetic_note
from watermap.prediction.open import BundleLike, open_bundles, open_predictor, settings_of
from watermap.prediction.predictor import Predictor
from watermap.prediction.windows import Strip
from watermap.progress import Progress, silent

if TYPE_CHECKING:
    import xarray

_WRITTEN: Final = ("min_area_m2", "probability", "uncertainty", "sure_from")
"""Settings of a map in a file: of what is written beside it, and of ground, which an array does not tell."""


@overload
def predict_array(
    array: npt.NDArray[Any],
    *,
    bands: Sequence[str] | None = None,
    bundle: BundleLike | Sequence[BundleLike] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    valid: npt.NDArray[np.bool_] | None = None,
    pixel_size_m: float | None = None,
    progress: Progress = silent,
    **options: Any,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]: ...


@overload
def predict_array(
    array: xarray.DataArray | xarray.Dataset,
    *,
    bands: Sequence[str] | None = None,
    bundle: BundleLike | Sequence[BundleLike] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    valid: xarray.DataArray | npt.NDArray[np.bool_] | None = None,
    pixel_size_m: float | None = None,
    progress: Progress = silent,
    **options: Any,
) -> tuple[xarray.DataArray, xarray.DataArray]: ...


def predict_array(
    array: Any,
    *,
    bands: Sequence[str] | None = None,
    bundle: BundleLike | Sequence[BundleLike] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nodata: float | None = None,
    valid: Any = None,
    pixel_size_m: float | None = None,
    progress: Progress = silent,
    **options: Any,
) -> tuple[Any, Any]:
    """Map the water of an array, with the checks of `watermap predict`: nothing is mapped that would be mapped wrongly.

    Of an `xarray.DataArray` or `Dataset` the results are DataArrays with its coordinates, attributes and CRS. Where it
    is chunked by dask, nothing is read before they are computed, and then the checks are made as well; chunks are read
    with as much of their neighbours as the model sees. Memory is that of the array and its results.

    Args:
        array: (bands, rows, cols) as stored, integers or floats. A pixel that is masked in a band that the model takes
            is no data; so is one that is not finite. xarray: (band, y, x) in any order, or a variable a band.
        bands: what each band of the array is called, in order; any spelling of Sentinel-2's bands. Not needed where
            xarray's coordinate, `long_name` or variables say it.
        bundle: a bundle or its path; several for the mean of what they say; None: the one in use in data/models.
        scale: reflectance = (value + offset) * scale, where it is not what the model was trained on.
        offset: as scale; e.g. -1000 for Sentinel-2 L2A of processing baseline 04.00 and later.
        nodata: the value of pixels without data. 0 counts only where every band is 0: one alone may be a dark lake.
        valid: (rows, cols), False where there is no data, whatever the values are.
        pixel_size_m: the side of a pixel on the ground, to be warned where the model learned from others.
        progress: told after every batch; not of dask arrays.
        options: more settings of `watermap.config.PredictConfig`, such as threshold, window, engine.

    Returns:
        codes (rows, cols) uint8: 0 land, 1 water, 255 no data; and probability (rows, cols) float32 of water, NaN
        where there is no data.

    Raises:
        DataError: a band is missing, no pixel is valid, or the numbers are not what the model was trained on.
        ModelError: the bundle cannot be used.
        UsageError: a setting is unknown or out of bounds, or it is not clear which band is which.

    Example:
        >>> import rasterio, watermap
        >>> with rasterio.open("scene.tif") as file:
        ...     array, nodata, names = file.read(), file.nodata, file.descriptions
        >>> codes, probability = watermap.predict_array(array, bands=names, bundle="model", nodata=nodata)
        >>> codes.shape, codes.dtype
        ((120, 160), dtype('uint8'))
        >>> f"{(codes == 1).mean():.0%} water"
        '50% water'
    """
    unused = [name for name in _WRITTEN if name in options]
    if unused:
        raise UsageError(f"{unused[0]} is a setting of watermap.predict, which writes a file", hint="leave it out here")
    config = settings_of(scale=scale, offset=offset, **options)
    bundles = open_bundles(bundle)
    predictor = open_predictor(bundles, config)
    doubts = [size_note(bundles[0].contract, pixel_size_m), *map(synthetic_note, bundles)]
    for doubt in filter(None, doubts):
        warnings.warn(f"{ARRAY_NAME}: {doubt}", WatermapWarning, stacklevel=2)
    libraries = {kind.__module__.partition(".")[0] for kind in type(array).__mro__}  # imported by whoever has one
    if "xarray" in libraries:
        from watermap.prediction.xarray import predict_xarray

        return predict_xarray(array, predictor, bands=bands, nodata=nodata, valid=valid, progress=progress)
    if "dask" in libraries:
        raise UsageError(
            "a dask array has no coordinates", hint="wrap it: xarray.DataArray(array, dims=('band', 'y', 'x'))"
        )
    if bands is None:
        raise UsageError(
            "which band is which is not said",
            hint="name them in order, e.g. bands=['B2', 'B3', 'B4', 'B8', 'B11', 'B12']",
        )
    if isinstance(bands, str):
        bands = bands.split(",")
    values = np.ma.asanyarray(array) if isinstance(array, np.ma.MaskedArray) else np.asarray(array)
    raster = model_raster(values, bands, predictor, no_data=[nodata] * len(bands), valid=valid)
    probability = probability_of(raster, predictor, predictor.radiometry(raster), progress=progress)
    warn_of(raster)
    return codes_of(probability, predictor), probability


def model_raster(
    values: Array,
    names: Sequence[str | None],
    predictor: Predictor,
    *,
    no_data: Sequence[float | None],
    valid: Mask | None = None,
    scales: Sequence[float] | None = None,
    offsets: Sequence[float] | None = None,
) -> Raster:
    """An array as the raster that a model is given.

    Args:
        values: (bands, rows, cols), perhaps masked.
        names: of its bands.
        predictor: the model.
        no_data: of each band.
        valid: (rows, cols), False where there is no data.
        scales: of each band, as `io.array.array_raster` takes them.
        offsets: of each band, as that takes them.

    Raises:
        DataError: a band that the model takes is missing, or the array cannot be used.
    """
    mask: Mask | None = None if valid is None else np.asarray(valid, dtype=bool)
    raster = array_raster(np.ma.getdata(values), names, no_data=no_data, mask=mask, scales=scales, offsets=offsets)
    if not isinstance(values, np.ma.MaskedArray):
        return raster
    used = list(raster.find(predictor.bands_of(raster)))
    unmasked: Mask = np.asarray(~np.ma.getmaskarray(values)[used].any(axis=0))
    mask = unmasked if mask is None else mask & unmasked
    return array_raster(values.data, names, no_data=no_data, mask=mask, scales=scales, offsets=offsets)


def probability_of(
    raster: Raster, predictor: Predictor, radiometry: Radiometry, *, progress: Progress = silent
) -> FloatArray:
    """The probability of water (rows, cols), NaN where there is no data.

    Args:
        raster: of an array, or of a piece of one.
        predictor: the model.
        radiometry: what its numbers mean.
        progress: told after every batch.
    """
    probability = np.empty(raster.grid.shape, dtype=np.float32)
    with closing(predictor.strips(raster, radiometry, progress=progress)) as strips:
        for strip in strips:
            rows = slice(strip.row, strip.row + len(strip.valid))
            probability[rows] = np.where(strip.valid, strip.probability, np.float32("nan"))
    return probability


def codes_of(probability: FloatArray, predictor: Predictor) -> Codes:
    """The codes (rows, cols) of probabilities: 0 land, 1 water, 255 where they are NaN."""
    return predictor.classify(Strip(0, probability, ~np.isnan(probability)))


def warn_of(raster: Raster) -> None:
    """Tell, as warnings, what was taken for granted of an array."""
    for note in raster.notes:
        warnings.warn(note, WatermapWarning, stacklevel=3)
