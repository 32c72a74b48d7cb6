from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tests.support.rasters import LON_LAT, make_grid, write_tif
from tests.support.waters import write_water
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_area_m2
from watermap.maps import water_rasters
from watermap.maps.water_rasters import find_water, ground_km2, read_codes, water_areas_m2

CODES = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), (40, 30))


def masked(path: Path) -> Path:
    """A water raster whose first rows a mask hides."""
    write_tif(path, CODES[None], make_grid(30, 40))
    mask = np.ones(CODES.shape, dtype=bool)
    mask[:10] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    return path


def test_water_rasters_of_a_folder_say_what_they_are(tmp_path: Path) -> None:
    for name in ("b", "a_20230607"):
        write_water(tmp_path / f"{name}_water.tif", CODES, make_grid(), WHY="a test")
    write_water(tmp_path / ".hidden_water.tif", CODES, make_grid())
    found = find_water(tmp_path)
    assert [(each.name, each.shown) for each in found] == [("a_20230607", date(2023, 6, 7)), ("b", None)]
    assert found[0].grid.same_as(make_grid(30, 40))
    assert found[0].tags["WHY"] == "a test"


@pytest.mark.parametrize(("bands", "dtype", "no_data"), [(2, "uint8", None), (1, "int16", None), (1, "uint8", 0)])
def test_what_is_no_water_raster_is_one_line(tmp_path: Path, bands: int, dtype: str, no_data: int | None) -> None:
    write_tif(tmp_path / "x_water.tif", np.zeros((bands, 4, 4), dtype), make_grid(4, 4), no_data=no_data)
    with pytest.raises(DataError, match=r"x_water\.tif: no water raster"):
        find_water(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        find_water(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no \*_water\.tif there"):
        find_water(tmp_path / "empty")


def test_what_a_mask_hides_is_no_data(tmp_path: Path) -> None:
    codes = read_codes(masked(tmp_path / "x_water.tif"), Window(5, 8, 20, 6))
    expected = CODES[8:14, 5:25].copy()
    expected[:2] = 255
    np.testing.assert_array_equal(codes, expected)
    strange = write_tif(tmp_path / "y_water.tif", np.full((1, 4, 4), 9, np.uint8), make_grid(4, 4))
    with pytest.raises(DataError, match=r"y_water\.tif: holds 9, but a water raster is 0 land"):
        read_codes(strange, Window(0, 0, 4, 4))


@pytest.mark.parametrize(
    "grid", [make_grid(30, 40), make_grid(30, 40, left=10, top=62, pixel=1e-3, crs=LON_LAT)], ids=["metres", "degrees"]
)
def test_areas_of_classes_are_sums_of_pixels(tmp_path: Path, grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(water_rasters, "_BLOCK_ROWS", 7)
    found = water_areas_m2(write_water(tmp_path / "x_water.tif", CODES, grid))
    areas = pixel_area_m2(grid, Window(0, 0, 30, 40))
    for code in (0, 1, 255):
        assert found[code] == pytest.approx(areas[code == CODES].sum())
    assert found.sum() == pytest.approx(areas.sum())
    assert len(found) == 256


def test_ground_is_told_in_km2_by_what_it_is(tmp_path: Path) -> None:
    water = write_water(tmp_path / "x_water.tif", CODES, make_grid(30, 40))
    areas = water_areas_m2(water)
    assert ground_km2(water) == {"water": areas[1] / 1e6, "land": areas[0] / 1e6, "no_data": areas[255] / 1e6}


def test_hidden_ground_has_the_area_of_no_data(tmp_path: Path) -> None:
    found = water_areas_m2(masked(tmp_path / "x_water.tif"))
    areas = pixel_area_m2(make_grid(30, 40), Window(0, 0, 30, 40))
    assert found[1] == pytest.approx(areas[10:][CODES[10:] == 1].sum())
