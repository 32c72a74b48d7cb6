"""Products as one image of reflectance x 10,000."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.failures import one_line
from tests.support.rasters import write_tif
from tests.support.safes import band_values, write_safe
from tests.support.sensors import (
    ETM_L1,
    FILLED,
    GRID,
    L30,
    OLI_L2,
    SUPER_DOVE,
    Reflectance,
    numbers,
    reflectance,
    write_hls,
    write_landsat,
    write_planetscope,
)
from watermap.bands import STANDARD_BANDS
from watermap.errors import DataError
from watermap.io.products import find_scene
from watermap.scenes.conversion import write_reflectance


def assert_converted(image: Path, source: Reflectance, rounding: float) -> tuple[str | None, ...]:
    """Make sure that an image holds reflectance x 10,000; returns its bands."""
    with rasterio.open(image) as dataset:
        assert (dataset.dtypes[0], dataset.nodata, dataset.transform) == ("int16", -9999, GRID.transform)
        for band in set(dataset.descriptions) & set(source):
            values = dataset.read(dataset.descriptions.index(band) + 1)
            assert (values[FILLED] == -9999).all()
            np.testing.assert_allclose(values[5:] / 1e4, source[band][5:], atol=rounding + 0.5e-4 + 1e-7)
        found: tuple[str | None, ...] = dataset.descriptions
    return found


def test_a_product_becomes_one_image_under_the_names_used_everywhere(tmp_path: Path) -> None:
    source = reflectance()
    for number, (place, rounding) in enumerate(
        (
            (write_landsat(tmp_path, OLI_L2, source), 1.4e-5),
            (write_landsat(tmp_path, ETM_L1, source, metadata="json"), 2.1e-3),
            (write_hls(tmp_path, L30, source), 0.5e-4),
        )
    ):
        image = write_reflectance(find_scene(place), tmp_path / f"{number}.tif")
        assert assert_converted(image, source, rounding) == STANDARD_BANDS
    dove = write_planetscope(tmp_path, SUPER_DOVE, source, end="_SR_8b")
    image = write_reflectance(find_scene(dove), tmp_path / "dove.tif")
    assert assert_converted(image, source, 0.5e-4) == ("B1", "B2", "B3", "B4", "B5", "B8")


def test_the_offset_of_a_sentinel_product_is_taken_off(tmp_path: Path) -> None:
    bands = band_values()
    image = write_reflectance(find_scene(write_safe(tmp_path, bands)), tmp_path / "image.tif")
    with rasterio.open(image) as dataset:
        np.testing.assert_array_equal(dataset.read(2), bands["B3"].astype(int) - 1000)


def test_what_16_bits_cannot_hold_is_their_limit(tmp_path: Path) -> None:
    source = {band: values.copy() for band, values in reflectance().items()}
    source["B3"][10, 10] = 6.0
    with open_ended(tmp_path, source) as dataset:
        assert dataset.read(1)[10, 10] == 32_767


def open_ended(folder: Path, source: Reflectance) -> rasterio.DatasetReader:
    """The image of a file whose green passes what int16 holds."""
    layers = [numbers(source[band], 1e-4, 0.0, 0, "uint16") for band in ("B3", "B8")]
    path = write_tif(folder / "lake.tif", np.stack(layers), GRID, names=("B3", "B8"))
    return rasterio.open(write_reflectance(find_scene(path), folder / "image.tif"))


def test_an_image_that_names_no_band_is_one_line(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "lake.tif", np.ones((2, 60, 60), np.uint16), GRID)
    with pytest.raises(DataError, match="names no band: state whose bands they are with --sensor") as error:
        write_reflectance(find_scene(path), tmp_path / "image.tif")
    one_line(error)
    assert not (tmp_path / "image.tif").exists()
