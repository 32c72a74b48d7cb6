"""What tests ask of products of known reflectance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.support.sensors import FILLED, Reflectance
from watermap.bands import STANDARD_BANDS
from watermap.io.raster import open_raster
from watermap.io.scene_files import SceneFiles
from watermap.scenes.radiometry import to_reflectance


def read_reflectance(place: Path | SceneFiles) -> dict[str, npt.NDArray[np.float32]]:
    """(rows, cols) of each standard band, not finite where there are no data."""
    with open_raster(place) as raster:
        bands = [band for band in STANDARD_BANDS if band in raster.bands]
        positions = raster.find(bands)
        stated = raster.radiometry(positions)
        assert stated is not None
        pixels = raster.read(positions)
    values = to_reflectance(pixels.values, stated)
    values[:, ~pixels.valid] = np.nan
    return dict(zip(bands, values, strict=True))


def assert_same(found: Reflectance | dict[str, npt.NDArray[np.float32]], source: Reflectance, rounding: float) -> None:
    """Make sure that bands are those of the source, to the rounding of the stored numbers.

    Args:
        found: of a product.
        source: what it was made of.
        rounding: half of the reflectance between two numbers.
    """
    for band, values in found.items():
        np.testing.assert_allclose(values, source[band], atol=rounding + 1e-6, rtol=0)
        assert not np.isfinite(values[FILLED]).any()
