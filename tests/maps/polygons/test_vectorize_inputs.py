"""What polygons are made from: probability, dates, masks, and what is refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import rasterio

from tests.maps.polygons.layers import PLAIN, made, read, speckled, water_tif
from tests.support.bodies import drawn
from tests.support.rasters import make_grid, write_tif
from watermap.errors import DataError, UsageError
from watermap.io.cog import write_raster
from watermap.maps.polygons.vectorize import vectorize
from watermap.prediction.outputs import FLOAT_LAYOUT, PERCENT_LAYOUT


@pytest.mark.parametrize("kind", ["percent", "float"])
def test_mean_probability_is_of_the_body_s_known_pixels(tmp_path: Path, kind: str) -> None:
    codes = drawn("##.# ##.# ...# .#..")
    values = np.array([[80, 90, 3, 0], [70, 100, 3, 0], [9, 9, 9, 0], [9, 255, 9, 9]], dtype=np.uint8)
    grid = make_grid(4, 4)
    layout, stored = PERCENT_LAYOUT, values
    if kind == "float":
        layout, stored = FLOAT_LAYOUT, np.where(values == 255, np.nan, values / 100).astype(np.float32)
    probability = write_raster(tmp_path / "p.tif", stored[None], grid, layout)
    vectorize(water_tif(tmp_path, codes), tmp_path / "lake.gpkg", PLAIN, probability=probability, rows=1)
    means = read(tmp_path / "lake.gpkg").fields["mean_probability"]
    np.testing.assert_allclose(means, [0.85, 0.0, np.nan], atol=1e-6)


def test_without_probability_the_mean_is_null(tmp_path: Path) -> None:
    made(tmp_path, drawn("#.#"))
    where = "mean_probability IS NULL"
    assert len(pyogrio.raw.read(tmp_path / "lake.gpkg", where=where)[2]) == 2


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("T33_20230601_water.tif", {}, "2023-06-01"),
        ("S2A_MSIL2A_20230601T101031_N0509_R022_T33UUP_20230602T000000_water.tif", {}, "2023-06-01"),
        ("lake_water.tif", {"WATERMAP_SCENE": "chiemsee_20230207"}, "2023-02-07"),
        ("lake_20230601.tif", {"WATERMAP_DATE": "2022-05-04"}, "2022-05-04"),
        ("lake_20230601.tif", {"ACQUISITION_DATE": "2022-05-04T10:10:31Z"}, "2022-05-04"),
        ("lake.tif", {"TIFFTAG_DATETIME": "2021:03:02 10:00:00"}, None),  # when the file was written, mostly
        ("lake_20230601.tif", {"TIFFTAG_DATETIME": "2025:03:02 10:00:00"}, "2023-06-01"),
        ("lake_20231399.tif", {}, None),
        ("lake_123456789.tif", {}, None),
    ],
)
def test_the_date_is_what_tags_or_the_name_say(
    tmp_path: Path, name: str, tags: dict[str, str], expected: str | None
) -> None:
    water = water_tif(tmp_path, drawn("#.#"), name=name)
    with rasterio.open(water, "r+") as dataset:
        dataset.update_tags(**tags)
    vectorize(water, tmp_path / "lake.gpkg", PLAIN)
    (one, other) = read(tmp_path / "lake.gpkg").fields["date"].tolist()
    assert one == other == (None if expected is None else datetime.date.fromisoformat(expected))


def test_probability_on_another_grid_is_refused(tmp_path: Path) -> None:
    water = water_tif(tmp_path, drawn("#.#"))
    probability = write_raster(
        tmp_path / "p.tif", np.zeros((1, 1, 3), np.uint8), make_grid(3, 1, left=500_010), PERCENT_LAYOUT
    )
    with pytest.raises(DataError, match=r"p\.tif: is not on the grid of .*lake_water\.tif .*500010"):
        vectorize(water, tmp_path / "lake.gpkg", PLAIN, probability=probability)
    assert not (tmp_path / "lake.gpkg").exists()


@pytest.mark.parametrize(
    ("values", "layout"),
    [(np.full((1, 1, 3), 120, np.uint8), PERCENT_LAYOUT), (np.full((1, 1, 3), 1.5, np.float32), FLOAT_LAYOUT)],
)
def test_what_is_no_probability_is_refused(tmp_path: Path, values: Any, layout: Any) -> None:
    probability = write_raster(tmp_path / "p.tif", values, make_grid(3, 1), layout)
    with pytest.raises(DataError, match=r"p\.tif: holds 1.*, but probabilities go from 0"):
        vectorize(water_tif(tmp_path, drawn("#.#")), tmp_path / "lake.gpkg", PLAIN, probability=probability)


def test_what_is_no_water_raster_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    codes = np.zeros((60, 3), dtype=np.uint8)
    codes[50, 1] = 7
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lake.gpkg").write_text("as it was")
    with pytest.raises(DataError, match=r"lake_water\.tif: holds 7, but a water raster is 0 land, 1 water"):
        vectorize(water_tif(tmp_path, codes), tmp_path / "out" / "lake.gpkg", PLAIN, rows=7)
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["lake.gpkg"]
    assert (tmp_path / "out" / "lake.gpkg").read_text() == "as it was"
    two = write_tif(tmp_path / "two.tif", np.zeros((2, 3, 3), np.uint8), make_grid(3, 3))
    with pytest.raises(DataError, match="has 2 bands, but a water raster has one"):
        vectorize(two, tmp_path / "two.gpkg", PLAIN)
    with pytest.raises(UsageError, match=r"lake\.shp: polygons are written as a GeoPackage"):
        vectorize(two, tmp_path / "lake.shp", PLAIN)


def test_a_mask_hides_water_and_makes_no_land_of_it(tmp_path: Path) -> None:
    grid = make_grid(5, 1)
    water = write_tif(tmp_path / "lake.tif", drawn("##..#")[None], grid)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(water, "r+") as dataset:
        dataset.write_mask(np.array([[255, 0, 255, 255, 255]], dtype=np.uint8))
    vectorize(water, tmp_path / "lake.gpkg", PLAIN)
    assert read(tmp_path / "lake.gpkg").fields["area_m2"] == pytest.approx([100.08] * 2, rel=1e-3)


def test_what_is_no_number_is_no_data(tmp_path: Path) -> None:
    values = np.array([[[1, np.nan, 1, 0]]], dtype=np.float32)
    made = vectorize(write_tif(tmp_path / "lake.tif", values, make_grid(4, 1)), tmp_path / "lake.gpkg", PLAIN)
    assert made.count == 2


def test_an_older_result_is_replaced(tmp_path: Path) -> None:
    made(tmp_path, speckled((20, 20)))
    assert len(made(tmp_path, drawn("#.#")).polygons) == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lake.gpkg", "lake_water.tif"]


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    water = water_tif(tmp_path, speckled((30, 30)))
    count = vectorize(water, tmp_path / "lake.gpkg", PLAIN, rows=7, progress=lambda *each: told.append(each)).count
    assert [each[1:] for each in told if each[0].startswith("rows")] == [
        (7, 30),
        (14, 30),
        (21, 30),
        (28, 30),
        (30, 30),
    ]
    assert told[-1] == ("water bodies written", count, count)
