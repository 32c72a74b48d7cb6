"""How certain a water raster is, by the probability beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window

from tests.support.failures import one_line
from tests.support.rasters import make_grid, write_tif
from tests.support.waters import write_water
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.maps.confidence import check_origin, open_confidence, probability_path
from watermap.scenes.label import WATER_RASTER, open_label

GRID = make_grid(3, 2)
PERCENT = np.array([[[0, 50, 70], [80, 100, 255]]], np.uint8)
FLOAT = np.array([[[0, 0.5, 0.7], [0.8, 1, np.nan]]], np.float32)
CODES = np.array([[0, 0, 1], [1, 1, 255]])


def test_the_probability_lies_beside_the_map() -> None:
    assert probability_path(Path("maps/lake_water.tif")) == Path("maps/lake_probability.tif")
    assert probability_path(Path("maps/lake.tif")) == Path("maps/lake_probability.tif")


@pytest.mark.parametrize("values", [PERCENT, FLOAT])
def test_it_is_the_distance_from_the_threshold(values: np.ndarray, tmp_path: Path) -> None:
    water = write_water(tmp_path / "a_water.tif", CODES, GRID, WATERMAP_THRESHOLD="0.7")
    write_tif(tmp_path / "a_probability.tif", values, GRID)
    notes: list[str] = []
    with open_label(water, kind=WATER_RASTER) as label, open_confidence(label, notes) as read:
        found = read(Window(0, 0, 3, 2))
        np.testing.assert_array_equal(read(Window(1, 0, 2, 1)), found[:1, 1:])
    np.testing.assert_allclose(found, [[0.7, 0.2, 0], [0.1, 0.3, 0]], atol=1e-6)
    assert found.dtype == np.float32
    assert notes == []


def test_an_unstated_threshold_is_told(tmp_path: Path) -> None:
    water = write_water(tmp_path / "a_water.tif", CODES, GRID)
    write_tif(tmp_path / "a_probability.tif", PERCENT, GRID)
    notes: list[str] = []
    with open_label(water, kind=WATER_RASTER) as label, open_confidence(label, notes) as read:
        assert read(Window(1, 0, 1, 1)) == 0
    assert notes == [f"{water}: its tags say no threshold; 0.5 is taken"]


@pytest.mark.parametrize(
    ("grid", "bands", "threshold", "words"),
    [
        (None, 1, "0.5", "a_probability.tif: no such file"),
        (make_grid(3, 2, left=600_000), 1, "0.5", "its grid or number of bands is another"),
        (GRID, 2, "0.5", "its grid or number of bands is another"),
        (GRID, 1, "half", "WATERMAP_THRESHOLD is 'half', which is no number"),
    ],
)
def test_what_tells_nothing_of_this_map_is_one_line(
    grid: Grid | None, bands: int, threshold: str, words: str, tmp_path: Path
) -> None:
    water = write_water(tmp_path / "a_water.tif", CODES, GRID, WATERMAP_THRESHOLD=threshold)
    if grid is not None:
        write_tif(tmp_path / "a_probability.tif", np.repeat(PERCENT, bands, axis=0), grid)
    with open_label(water, kind=WATER_RASTER) as label, pytest.raises(DataError) as error, open_confidence(label, []):
        pass
    assert words in one_line(error)


def test_a_probability_of_unknown_origin_is_taken_and_anothers_is_not() -> None:
    probability, water = Path("a_probability.tif"), Path("a_water.tif")
    check_origin(probability, {}, water, {"WATERMAP_BUNDLE_ID": "one"})
    check_origin(probability, {"WATERMAP_BUNDLE_ID": "one"}, water, {"WATERMAP_BUNDLE_ID": "one"})
    with pytest.raises(DataError, match=r"is not the probability of a_water\.tif, another bundle made it"):
        check_origin(probability, {"WATERMAP_BUNDLE_ID": "two"}, water, {"WATERMAP_BUNDLE_ID": "one"})
