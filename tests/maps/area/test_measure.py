"""What a water raster shows as a whole, and when two show the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.rasters import make_grid, write_tif
from tests.support.waters import write_water
from watermap.errors import DataError
from watermap.maps.area.measure import Mapped, measure
from watermap.scenes.label import WATER_RASTER, open_label

CODES = np.zeros((40, 60), np.uint8)
CODES[:10] = 1
CODES[30:, 30:] = 255
GRID = make_grid(60, 40)


def measured(path: Path, *, shore_px: int = 0) -> Mapped:
    with open_label(path, kind=WATER_RASTER) as label:
        return measure(label, shore_px=shore_px)


def test_areas_are_those_of_strata_and_of_what_was_not_seen(tmp_path: Path) -> None:
    path = write_water(tmp_path / "a.tif", CODES, GRID)
    found, shored = measured(path), measured(path, shore_px=3)
    assert found.pixels == (600, 0, 1500)
    assert shored.pixels == (600, 180, 1320)
    assert np.array(shored.areas_m2) == pytest.approx(np.array(shored.pixels) * 100, rel=2e-3)
    assert found.water_m2 == shored.water_m2 == shored.areas_m2[0]
    assert found.no_data_m2 == shored.no_data_m2 == pytest.approx(300 * 100, rel=2e-3)


def test_the_digest_is_of_what_the_raster_shows_and_not_of_its_file(tmp_path: Path) -> None:
    one = measured(write_water(tmp_path / "a.tif", CODES, GRID))
    again = measured(write_tif(tmp_path / "b.tif", CODES[None], GRID, no_data=255, compress="DEFLATE"), shore_px=4)
    assert one.digest == again.digest
    tagged = write_water(tmp_path / "c.tif", CODES, GRID, DATE="2023-06-01")
    assert measured(tagged).digest == one.digest


@pytest.mark.parametrize("change", ["pixel", "no data", "place", "size"])
def test_another_raster_has_another_digest(change: str, tmp_path: Path) -> None:
    codes, grid = CODES.copy(), GRID
    if change == "pixel":
        codes[20, 20] = 1
    if change == "no data":
        codes[20, 20] = 255
    if change == "place":
        grid = make_grid(60, 40, left=500_010)
    if change == "size":
        codes = codes.reshape(20, 120)
    one, other = write_water(tmp_path / "a.tif", CODES, GRID), write_water(tmp_path / "b.tif", codes, grid)
    assert measured(one).digest != measured(other).digest


def test_without_land_or_water_there_is_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to sample"):
        measured(write_water(tmp_path / "a.tif", np.full((4, 4), 255), GRID))
