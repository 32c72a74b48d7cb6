"""Layouts are what files of that kind have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.support.rasters import make_grid
from watermap.io.cog import write_raster
from watermap.io.layouts import LABEL_LAYOUT, RasterLayout, image_layout
from watermap.legend import WATER_COLORS


@pytest.mark.parametrize("layout", [LABEL_LAYOUT, image_layout(("B2", "B3"))])
def test_a_file_has_its_layout(layout: RasterLayout, tmp_path: Path) -> None:
    values = np.ones((len(layout.bands), 8, 8), layout.dtype)
    with rasterio.open(write_raster(tmp_path / "a.tif", values, make_grid(8, 8), layout)) as dataset:
        assert dataset.descriptions == layout.bands
        assert set(dataset.dtypes) == {layout.dtype}
        assert dataset.nodata == layout.no_data


def test_images_are_digital_numbers_whose_no_data_is_no_dark_lake() -> None:
    layout = image_layout(("B2", "B3"))
    assert (layout.dtype, layout.bands, layout.no_data, layout.overviews) == ("uint16", ("B2", "B3"), 65535, "average")
    assert LABEL_LAYOUT.overviews == "nearest"  # a mean of codes is no code


def test_layouts_of_the_same_bands_are_one_key() -> None:
    assert len({image_layout(("B2",)), image_layout(("B2",)), image_layout(("B3",)), LABEL_LAYOUT}) == 3


def test_every_class_of_a_label_has_a_colour_and_no_data_is_in_no_legend() -> None:
    assert set(LABEL_LAYOUT.classes) == set(WATER_COLORS) - {LABEL_LAYOUT.no_data}
