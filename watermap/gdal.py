"""The errors of GDAL, all of them."""

from __future__ import annotations

from typing import Final

from rasterio._err import CPLE_BaseError  # rasterio lets some of GDAL's own errors through, and names them only there
from rasterio.errors import RasterioError

GDAL_ERRORS: Final[tuple[type[Exception], ...]] = (RasterioError, CPLE_BaseError)
WRITE_ERRORS: Final[tuple[type[Exception], ...]] = (OSError, *GDAL_ERRORS)
