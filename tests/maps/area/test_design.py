"""Samples that are drawn for an interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest

from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.config import DesignConfig
from watermap.errors import UsageError
from watermap.maps.area.design import design_sample

GRID = make_grid(120, 100)


def lake() -> np.ndarray:
    codes = np.zeros(GRID.shape, np.uint8)
    codes[20:70, 30:90] = 1
    return codes


@pytest.fixture
def water(tmp_path: Path) -> Path:
    return write_water(tmp_path / "lake_water.tif", lake(), GRID)


def test_as_many_samples_as_wanted_with_a_style_and_what_to_expect(water: Path, tmp_path: Path) -> None:
    design = design_sample(water, tmp_path / "s.gpkg", DesignConfig(n=300))
    assert listing(tmp_path) == ["lake_water.tif", "s.gpkg", "s.qml"]
    assert pyogrio.read_info(design.path, layer="samples")["features"] == len(design.sample.rows) == 300
    assert design.mapped.water_m2 == pytest.approx(50 * 60 * 100, rel=1e-2)
    assert 0 < design.margin_m2 < design.mapped.water_m2
    assert design.notes == ()


def test_a_smaller_error_takes_more_samples(water: Path, tmp_path: Path) -> None:
    margins = []
    sizes = []
    for error in (20, 10):
        design = design_sample(water, tmp_path / f"{error}.gpkg", DesignConfig(error=error))
        margins.append(design.margin_m2 / design.mapped.water_m2)
        sizes.append(sum(design.sample.sizes))
    assert margins[0] <= 0.2
    assert margins[1] <= 0.1
    assert sizes[0] < sizes[1]


def test_a_share_of_no_water_is_refused_and_nothing_written(tmp_path: Path) -> None:
    dry = write_water(tmp_path / "dry_water.tif", np.zeros(GRID.shape), GRID)
    with pytest.raises(UsageError) as error:
        design_sample(dry, tmp_path / "s.gpkg", DesignConfig(error=10))
    assert "no water is mapped, so that --error is a share of nothing: give --n 300" in one_line(error)
    assert listing(tmp_path) == ["dry_water.tif"]


def test_a_raster_smaller_than_its_sample_is_drawn_whole(tmp_path: Path) -> None:
    small = write_water(tmp_path / "small_water.tif", lake()[18:26, 28:36], GRID)
    design = design_sample(small, tmp_path / "s.gpkg", DesignConfig(n=300))
    assert len(design.sample.rows) == 64
    assert design.notes == (f"{small}: shows 64 pixels of water and land, all of which are drawn",)
