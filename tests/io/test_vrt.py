"""Bands of several pixel sizes, put together while they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tests.io.products import GRID
from tests.support.failures import one_line
from tests.support.rasters import UTM33, make_grid, write_tif
from tests.support.safes import (
    SIZE,
    Bands,
    band_values,
    write_band,
    write_safe,
)
from watermap.errors import DataError
from watermap.io.raster import open_raster
from watermap.io.vrt import Layer, in_one_radiometry, layer_of, stack_vrt


def test_windows_are_pieces_of_the_whole(tmp_path: Path) -> None:
    bands = band_values(bands=("B2", "B11", "B1"))
    bands["B11"][10:14, 20:30] = 0
    bands["B1"][:3] = 0
    rng = np.random.default_rng(0)
    with open_raster(write_safe(tmp_path, bands)) as raster:
        whole = raster.read()
        for _ in range(50):
            left, top = rng.integers(0, SIZE - 1, 2)
            window = Window(left, top, rng.integers(1, SIZE - left + 1), rng.integers(1, SIZE - top + 1))
            piece = raster.read(window=window)
            rows, cols = window.toslices()
            np.testing.assert_array_equal(piece.values, whole.values[:, rows, cols])
            np.testing.assert_array_equal(piece.valid, whole.valid[rows, cols])


def test_zero_in_one_band_of_a_product_is_no_data_where_that_band_is_in_use(tmp_path: Path, bands: Bands) -> None:
    bands["B2"][:10, :30] = 0
    bands["B11"][40:50, 20:23] = 0
    with open_raster(write_safe(tmp_path, bands)) as raster:
        for positions, hidden in (((0,), np.s_[:10, :30]), ((4, 1), np.s_[80:100, 40:46])):
            expected = np.ones(GRID.shape, bool)
            expected[hidden] = False
            np.testing.assert_array_equal(raster.read(positions).valid, expected)
        assert raster.read((1, 5)).valid.all()
        values = raster.read((4,)).values[0]
    shown = bands["B11"][bands["B11"] > 0]
    assert values[values != 65535].min() >= shown.min()  # no zero was mixed in


def layer(name: str, **changes: Any) -> Layer:
    fields: dict[str, Any] = {"name": name, "file": f"{name}.tif", "grid": GRID, "dtype": "uint16"}
    return Layer(**fields | {"block": (64, 64)} | changes)


def test_a_stack_lies_on_the_grid_of_its_finest_band() -> None:
    coarse = layer(
        "B11", grid=make_grid(SIZE // 2, SIZE // 2, left=GRID.transform.c, top=GRID.transform.f, pixel=20, crs=GRID.crs)
    )
    stack = ElementTree.fromstring(stack_vrt(Path("scene"), [coarse, layer("B2")]))  # noqa: S314  # our own text
    assert stack.attrib == {"rasterXSize": str(SIZE), "rasterYSize": str(SIZE)}
    assert [band.findtext("Description") for band in stack.findall("VRTRasterBand")] == ["B11", "B2"]


def test_names_of_files_are_escaped() -> None:
    text = stack_vrt(Path("scene"), [layer("B2", file="/vsicurl/https://h/a.tif?b=1&c=<2>")])
    assert ElementTree.fromstring(text).findtext(".//SourceFilename") == "/vsicurl/https://h/a.tif?b=1&c=<2>"  # noqa: S314  # our own text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtype": "complex64"}, "B3 holds complex64 numbers"),
        ({"grid": replace(GRID, crs=UTM33)}, "B2 and B3 have different coordinate reference systems"),
        (
            {"grid": replace(GRID, transform=GRID.transform.translation(2, 0) @ GRID.transform)},
            "B2 and B3 do not cover",
        ),
    ],
)
def test_bands_that_cannot_be_stacked_are_told(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        stack_vrt(Path("scene"), [layer("B2"), layer("B3", **changes)])
    assert one_line(error).startswith("scene: ")


def test_a_layer_is_what_its_file_says(tmp_path: Path) -> None:
    values = np.zeros((1, 8, 8), np.uint16)
    with rasterio.open(write_tif(tmp_path / "B2.tif", values, make_grid(8, 8))) as dataset:
        own = layer_of(dataset, tmp_path / "B2.tif", "B2", is_product=True)
        other = layer_of(dataset, tmp_path / "B2.tif", "B2", is_product=False)
    assert (own.no_data, own.stacked_no_data) == (0, 65535)  # Sentinel-2's 0 is no data
    assert (other.no_data, other.stacked_no_data) == (0, None)  # another's may be a dark lake
    two = write_tif(tmp_path / "two.tif", np.zeros((2, 8, 8), np.uint16), make_grid(8, 8))
    with rasterio.open(two) as dataset, pytest.raises(DataError, match="holds 2 bands, not B2 alone"):
        layer_of(dataset, two, "B2", is_product=False)


def test_numbers_that_mean_different_things_become_floats_of_one(tmp_path: Path) -> None:
    with rasterio.open(write_band(tmp_path / "B2.tif", np.ones((12, 12), np.uint16), 100)) as dataset:
        plain = replace(layer_of(dataset, tmp_path / "B2.tif", "B2", is_product=True), scale=1e-4)
    assert in_one_radiometry([plain, plain]) == [plain, plain]
    other = replace(plain, scale=2e-4, offset=-0.1)
    for layers in ([plain, other], [replace(other, dtype="uint8")] * 2):
        first, second = in_one_radiometry(layers)
        assert first.stacked_dtype == second.stacked_dtype == "float32"
        assert {(each.scale, each.offset, each.stacked_no_data) for each in (first, second)} == {(1e-4, 0.0, -9999.0)}
        assert second.factor == pytest.approx(2.0)
        assert second.shift == pytest.approx(-1000.0)


def test_numbers_of_coarser_bands_are_brought_to_one_meaning_too(tmp_path: Path) -> None:
    fine, coarse = np.full((12, 12), 1000, np.uint16), np.full((6, 6), 600, np.uint16)
    coarse[0, 0] = 0
    layers = []
    for name, values, pixel, scale in (("B2", fine, 100, 1e-4), ("B11", coarse, 200, 2e-4)):
        with rasterio.open(write_band(tmp_path / f"{name}.tif", values, pixel)) as dataset:
            layers.append(replace(layer_of(dataset, tmp_path, name, is_product=True), scale=scale))
    with rasterio.open(stack_vrt(tmp_path, in_one_radiometry(layers))) as dataset:
        assert dataset.nodata == -9999
        found = dataset.read(2)
    assert (found[:2, :2] == -9999).all()
    np.testing.assert_allclose(found[2:, 2:], 1200, rtol=1e-6)
