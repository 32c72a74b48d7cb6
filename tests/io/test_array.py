import numpy as np
import pytest
from rasterio.windows import Window

from tests.support.failures import one_line
from watermap.errors import DataError
from watermap.io.array import array_raster

VALUES = np.arange(1, 41, dtype=np.uint16).reshape(2, 4, 5)


def test_a_window_of_an_array_is_read_in_the_order_asked_for() -> None:
    raster = array_raster(VALUES, ["B3", "B8"])
    assert raster.grid.shape == (4, 5)
    assert raster.dtype == np.uint16
    pixels = raster.read((1, 0), Window(1, 2, 3, 2))
    np.testing.assert_array_equal(pixels.values, VALUES[[1, 0], 2:4, 1:4])
    assert pixels.valid.all()
    pixels.values[:] = 0
    assert VALUES.all()  # what was read is a copy


def test_reading_into_the_same_memory_gives_the_same() -> None:
    raster = array_raster(VALUES, ["B3", "B8"])
    read = raster.reader((1,))
    for row in range(4):
        np.testing.assert_array_equal(read(Window(0, row, 5, 1)).values, VALUES[1:, row : row + 1])


def test_no_data_is_told_as_of_a_file() -> None:
    values = VALUES.copy()
    values[:, 0, 0] = 0  # no data: 0 in every band
    values[0, 0, 1] = 0  # a dark lake
    values[1, 1, 1] = 9999
    mask = np.ones((4, 5), bool)
    mask[3, 4] = False
    raster = array_raster(values, ["B3", "B8"], no_data=[9999, 9999], mask=mask)
    valid = raster.read().valid
    assert sorted(zip(*np.nonzero(~valid), strict=True)) == [(0, 0), (1, 1), (3, 4)]
    assert raster.read((0,)).valid[1, 1]  # of the bands in use
    assert raster.notes == ["the array: pixels that are 0 in every band carry no no-data tag; taken as no data"]


def test_numbers_that_are_not_finite_are_no_data() -> None:
    values = VALUES.astype(np.float64)
    values[0, 1, 2], values[1, 2, 3] = np.nan, np.inf
    valid = array_raster(values, ["B3", "B8"]).read().valid
    assert sorted(zip(*np.nonzero(~valid), strict=True)) == [(1, 2), (2, 3)]


def test_scale_and_offset_are_what_a_file_would_state() -> None:
    raster = array_raster(VALUES, ["B3", "B8"], scales=[1e-4, 1e-4], offsets=[-0.1, -0.1])
    found = raster.radiometry((0, 1))
    assert found is not None
    assert found.scale == 1e-4
    assert found.offset == pytest.approx(-1000)
    assert array_raster(VALUES, ["B3", "B8"]).radiometry((0, 1)) is None


@pytest.mark.parametrize(
    ("values", "names", "mask", "told"),
    [
        (VALUES[0], ["B3"], None, r"has the shape \(4, 5\)"),
        (VALUES[:, :0], ["B3", "B8"], None, r"has the shape \(2, 0, 5\)"),
        (VALUES.astype(complex), ["B3", "B8"], None, "holds complex128"),
        (VALUES > 3, ["B3", "B8"], None, "holds bool"),
        (VALUES, ["B3"], None, r"it has 2 bands, but 1 were named \(B3\)"),
        (VALUES, ["B3", "B8"], np.ones((5, 4), bool), r"has \(4, 5\) rows and columns, but \(5, 4\)"),
    ],
)
def test_what_cannot_be_an_image_is_refused(values: np.ndarray, names: list[str], mask: np.ndarray, told: str) -> None:
    with pytest.raises(DataError, match=told) as error:
        array_raster(values, names, mask=mask)
    assert one_line(error).startswith("the array: ")
