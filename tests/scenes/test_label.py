"""Class rasters: a label on its image's grid, and the codes of rasters of every type."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform
from rasterio.windows import Window

from tests.support.failures import one_line
from tests.support.rasters import LON_LAT, UTM32, grid_around, make_grid, write_tif
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.scenes.label import WATER_RASTER, open_label

TIE_PIXELS = 1e-6
"""A middle on the edge between two label pixels takes the next one."""


def looked_up(label: np.ndarray, own: Grid, grid: Grid) -> np.ndarray:
    """Brute force: for each pixel of a grid the label pixel that holds its middle."""
    result = np.full(grid.shape, 255, dtype=np.uint8)
    for row in range(grid.height):
        for col in range(grid.width):
            x, y = grid.transform @ (col + 0.5, row + 0.5)
            if grid.crs != own.crs:
                (x,), (y,) = transform(grid.crs, own.crs, [x], [y])
            own_col, own_row = (math.floor(position + TIE_PIXELS) for position in ~own.transform @ (x, y))
            if 0 <= own_col < own.width and 0 <= own_row < own.height:
                result[row, col] = label[own_row, own_col]
    return result


MILLIMETRES = st.integers(-150_000, 150_000).map(lambda count: count / 1000)
"""Shifts whose ties between two label pixels are ties exactly, or miss by far more than the tolerance."""


@settings(max_examples=25, deadline=None)
@example(pixel=7.0, shift=(0.0, 0.0), south_up=False, seed=0)
@given(
    pixel=st.sampled_from([7.0, 10.0, 30.0]),
    shift=st.tuples(MILLIMETRES, MILLIMETRES),
    south_up=st.booleans(),
    seed=st.integers(0, 10),
)
def test_a_label_on_another_grid_is_looked_up_by_pixel_middles(
    tmp_path_factory: pytest.TempPathFactory, pixel: float, shift: tuple[float, float], south_up: bool, seed: int
) -> None:
    grid = make_grid(30, 20)
    own = make_grid(25, 25, left=500_000 + shift[0], top=5_300_000 + shift[1], pixel=pixel)
    if south_up:
        flip = own.transform @ Affine(1, 0, 0, 0, -1, own.height)
        own = Grid(own.crs, flip, own.width, own.height)
    label = np.random.default_rng(seed).choice(np.array([0, 1, 255], dtype=np.uint8), own.shape)
    path = write_tif(tmp_path_factory.mktemp("label") / "label.tif", label[None], own)
    expected = looked_up(label, own, grid)
    with open_label(path, grid) as opened:
        whole = opened.read(Window(0, 0, 30, 20))
        pieces = [np.hstack([opened.read(Window(col, row, 10, 5)) for col in (0, 10, 20)]) for row in range(0, 20, 5)]
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(np.vstack(pieces), whole)


@pytest.mark.parametrize(("crs", "pixel"), [(UTM32, 20.0), (LON_LAT, 0.0002)])
def test_a_label_in_another_crs_is_aligned(tmp_path: Path, crs: CRS, pixel: float) -> None:
    grid = make_grid(40, 40)
    own = grid_around(grid, crs, pixel=pixel, size=24)
    label = np.random.default_rng(1).integers(0, 2, own.shape, dtype=np.uint8)
    path = write_tif(tmp_path / "label.tif", label[None], own)
    with open_label(path, grid) as opened:
        found = opened.read(Window(0, 0, 40, 40))
    np.testing.assert_array_equal(found, looked_up(label, own, grid))
    assert set(np.unique(found)) >= {0, 1}


def test_ties_between_label_pixels_do_not_depend_on_float_digits(tmp_path: Path) -> None:
    """Middles of 20 m pixels lie exactly on corners of 10 m pixels."""
    label = np.random.default_rng(2).integers(0, 2, (40, 40), dtype=np.uint8)
    path = write_tif(tmp_path / "label.tif", label[None], make_grid(40, 40))
    for jitter in (0.0, 1e-6, -1e-6):
        with open_label(path, make_grid(20, 20, pixel=20.0, left=500_000 + jitter)) as opened:
            np.testing.assert_array_equal(opened.read(Window(0, 0, 20, 20)), label[1::2, 1::2])


def test_no_data_becomes_unknown(tmp_path: Path) -> None:
    values = np.array([[-1, 0], [1, 1]], dtype=np.int16)
    grid = make_grid(2, 2)
    path = write_tif(tmp_path / "tagged.tif", values[None], grid, no_data=-1)
    with open_label(path, grid) as label:
        assert label.read(Window(0, 0, 2, 2)).tolist() == [[255, 0], [1, 1]]
    floats = np.array([[np.nan, 0], [1, 1]], dtype=np.float32)
    path = write_tif(tmp_path / "floats.tif", floats[None], grid)
    with open_label(path, grid) as label:
        assert label.read(Window(0, 0, 2, 2)).tolist() == [[255, 0], [1, 1]]
    path = write_tif(tmp_path / "zero.tif", np.array([[[0, 1]]], dtype=np.uint8), make_grid(2, 1), no_data=0)
    with open_label(path) as label:
        assert label.hides_land
        assert label.read(Window(0, 0, 2, 1)).tolist() == [[255, 1]]
    with open_label(path, codes={0: 0, 1: 1}) as label:  # the user knows better than the tag
        assert not label.hides_land
        assert label.read(Window(0, 0, 2, 1)).tolist() == [[0, 1]]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
@pytest.mark.parametrize("no_data", [None, 255, 1, 7])
@pytest.mark.parametrize("is_masked", [False, True])
@pytest.mark.parametrize("codes", [None, {0: 1, 1: 0, 7: 255, 255: 255}])
def test_any_type_mask_and_no_data_value_give_the_same_codes(
    tmp_path: Path, dtype: str, no_data: int | None, is_masked: bool, codes: dict[int, int] | None
) -> None:
    """Against a rule of one line a pixel: what the file hides is unknown, unless the user names a no-data value."""
    values = np.random.default_rng(0).choice(np.array([0, 1, 255], dtype), (20, 30))
    path = write_tif(tmp_path / "label.tif", values[None], make_grid(30, 20), no_data=no_data)
    mask = np.ones(values.shape, dtype=bool)
    if is_masked:
        mask[5:9, 3:20] = False
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
            dataset.write_mask(mask)
    hidden = ~mask
    if no_data is not None and not is_masked:  # a mask in the file stands for its no-data value too
        hidden = (values == no_data) & (codes is None)
    named = {0: 0, 1: 1, 255: 255} if codes is None else codes
    expected = [
        255 if is_hidden else named[int(value)] for value, is_hidden in zip(values.ravel(), hidden.ravel(), strict=True)
    ]
    with open_label(path, codes=codes) as label:
        assert label.read(Window(0, 0, 30, 20)).ravel().tolist() == expected
        np.testing.assert_array_equal(label.read(Window(4, 6, 9, 5)), np.reshape(expected, (20, 30))[6:11, 4:13])


def test_a_kind_of_raster_has_its_own_codes(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "change.tif", np.array([[[0, 1, 2, 255]]], dtype=np.uint8), make_grid(4, 1))
    kind = replace(WATER_RASTER, codes={0: 0, 1: 1, 2: 2, 255: 255})
    with open_label(path, kind=kind) as label:
        assert label.read(Window(0, 0, 4, 1)).tolist() == [[0, 1, 2, 255]]
        assert label.doubt is None
    with (
        pytest.raises(DataError, match=r"change\.tif: holds 2, but a water raster is 0"),
        open_label(path, kind=WATER_RASTER) as label,
    ):
        label.read(Window(0, 0, 4, 1))


def test_labels_that_do_not_fit_name_the_files(tmp_path: Path) -> None:
    grid = make_grid(8, 8)
    codes = write_tif(tmp_path / "codes.tif", np.full((1, 8, 8), 7, np.uint8), grid)
    with pytest.raises(DataError) as error, open_label(codes, grid) as label:
        label.read(Window(0, 0, 8, 8))
    assert "codes.tif: holds 7, but a label is 0 land, 1 water, 255 unknown" in one_line(error)
    assert "watermap scenes add --codes" in str(error.value)
    several = write_tif(tmp_path / "several.tif", np.zeros((2, 8, 8), np.uint8), grid)
    with pytest.raises(DataError) as error, open_label(several, grid):
        pass
    assert "has 2 bands" in one_line(error)
    for crs in (grid.crs, UTM32):
        far = write_tif(tmp_path / "far.tif", np.zeros((1, 8, 8), np.uint8), make_grid(8, 8, left=700_000, crs=crs))
        with pytest.raises(DataError) as error, open_label(far, grid, image_path=Path("image.tif")):
            pass
        assert "far.tif: does not fit image.tif" in one_line(error)


def test_a_damaged_label_is_one_line(tmp_path: Path) -> None:
    grid = make_grid(512, 512)
    noise = np.random.default_rng(0).integers(0, 2, (1, 512, 512), dtype=np.uint8)
    path = write_tif(tmp_path / "label.tif", noise, grid, tiled=True, compress="deflate")
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DataError) as error, open_label(path, grid) as label:
        label.read(Window(0, 0, 512, 512))
    assert "label.tif: rows 0 to 511 cannot be read, the file is truncated or damaged" in one_line(error)
