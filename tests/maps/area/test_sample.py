"""Samples of a water raster: how many of each stratum, drawn alike by the same seed and fairly by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS

from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid
from watermap.maps.area.sample import Sample, allotted, choose_pixels
from watermap.maps.area.strata import stratify
from watermap.scenes.label import WATER_RASTER, open_label


def sample(path: Path, total: int, *, seed: int = 0, least: int = 10) -> Sample:
    with open_label(path, kind=WATER_RASTER) as label:
        return choose_pixels(label, total, shore_px=2, least=least, seed=seed)


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    made = np.zeros((600, 300), np.uint8)
    made[100:200, 50:120] = 1
    made[500:, 200:] = 255
    return made


@pytest.fixture(scope="module")
def water(codes: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_water(tmp_path_factory.mktemp("map") / "a_water.tif", codes, make_grid(300, 600))


def test_samples_lie_in_their_strata_each_once(water: Path, codes: np.ndarray) -> None:
    found = sample(water, 200)
    np.testing.assert_array_equal(stratify(codes, 2)[found.rows, found.cols], found.stratum)
    assert len(set(zip(found.rows.tolist(), found.cols.tolist(), strict=True))) == 200
    assert found.pixels == (7000, 104 * 74 - 7000, 600 * 300 - 104 * 74 - 100 * 100)
    assert np.array(found.areas_m2) == pytest.approx(np.array(found.pixels) * 100, rel=2e-3)
    assert (np.diff(found.stratum) < 0).any()  # in no order that would give it away


def test_the_same_seed_draws_the_same(water: Path) -> None:
    one, again, other = sample(water, 50), sample(water, 50), sample(water, 50, seed=1)
    np.testing.assert_array_equal(one.rows, again.rows)
    np.testing.assert_array_equal(one.cols, again.cols)
    assert not np.array_equal(one.rows, other.rows)


def test_chances_are_in_proportion_to_areas(tmp_path: Path) -> None:
    """A raster of degrees from the equator to 75 degrees: pixels in the north are a quarter as large."""
    grid = make_grid(10, 76, left=0, top=75.5, pixel=1.0, crs=CRS.from_epsg(4326))
    path = write_water(tmp_path / "a_water.tif", np.zeros((76, 10), np.uint8), grid)
    rows = np.concatenate([sample(path, 40, seed=seed, least=0).rows for seed in range(60)])
    north = float((rows < 38).mean())
    latitudes = np.deg2rad(75 - np.arange(76))
    expected = float(np.cos(latitudes[:38]).sum() / np.cos(latitudes).sum())
    assert north == pytest.approx(expected, abs=0.03)


def test_strata_get_what_makes_water_most_certain() -> None:
    assert allotted(300, [10, 10, 80], [1000, 1000, 8000], least=50) == [51, 60, 189]
    assert allotted(100, [10, 10, 80], [1000, 1000, 8000], least=30)[0] == 30
    assert allotted(100, [1, 1, 8], [5, 0, 1000], least=30) == [5, 0, 95]
    assert sum(allotted(5000, [1, 1, 8], [5, 5, 100], least=3)) == 110
    with pytest.raises(UsageError, match="too few"):
        allotted(50, [1, 1, 1], [100, 100, 100], least=30)


def test_without_land_or_water_there_is_nothing_to_sample(tmp_path: Path) -> None:
    grid: Grid = make_grid(8, 8)
    path = write_water(tmp_path / "a_water.tif", np.full((8, 8), 255, np.uint8), grid)
    with pytest.raises(DataError, match="nothing to sample"):
        sample(path, 10)
