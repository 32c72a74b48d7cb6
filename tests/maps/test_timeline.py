"""Water area by date."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import rasterize
from rasterio.windows import Window
from shapely import affinity

from tests.maps.test_known_bodies import write_outlines
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import make_grid, write_tif
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_area_m2
from watermap.legend import NO_DATA, WATER
from watermap.maps.timeline import measure, write_tables

Codes = npt.NDArray[np.uint8]

GRID = make_grid(30, 20)
CODES = arrays(np.uint8, (6, 8), elements=st.sampled_from([0, 1, 255]))


def write_water(folder: Path, name: str, codes: Codes, grid: Grid = GRID, **tags: str) -> Path:
    """Write a water raster NAME_water.tif."""
    path = write_tif(folder / f"{name}_water.tif", codes[None], grid, no_data=255)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(**tags)
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[tuple[str, Window, Codes]], int]:
    """Rasters of three dates that lie about a grid, and rows of a block."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        window = Window(
            draw(st.integers(0, 20)), draw(st.integers(0, 12)), draw(st.integers(1, 10)), draw(st.integers(1, 8))
        )
        shape = (window.height, window.width)
        codes = draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 255])))
        found.append((f"{number}_{draw(st.sampled_from(['20230101', '20230201', '20230301']))}", window, codes))
    return found, draw(st.integers(4, 25))


@settings(max_examples=30, deadline=None)
@given(runs())
def test_areas_are_those_of_whole_arrays(
    tmp_path_factory: pytest.TempPathFactory, run: tuple[list[tuple[str, Window, Codes]], int]
) -> None:
    rasters, rows = run
    folder = tmp_path_factory.mktemp("run")
    area = pixel_area_m2(GRID, Window(0, 0, 30, 20))
    body = shapely.Polygon([GRID.transform @ point for point in ((3.2, 2.1), (25.7, 4.3), (19.1, 17.9), (6.4, 15.2))])
    inside = rasterize([body], out_shape=GRID.shape, transform=GRID.transform) == 1
    covered = np.zeros(GRID.shape, dtype=bool)
    maps: dict[date, Any] = {}
    for name, window, codes in rasters:
        write_water(folder, name, codes, GRID.crop(window))
        covered[window.toslices()] = True
        shown = date.fromisoformat(f"{name[2:6]}-{name[6:8]}-{name[8:]}")
        here = maps.setdefault(shown, np.full(GRID.shape, NO_DATA))[window.toslices()]
        here[(codes == 0) & (here == NO_DATA)] = 0
        here[codes == WATER] = WATER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watermap.maps.timeline._BLOCK_ROWS", rows)
        found = measure(folder, outlines=write_outlines(folder / "b.gpkg", [body]))
    assert found.dates == tuple(sorted(maps))
    places = [(found.whole, covered)]
    if (inside & covered).any():
        places.append((found.bodies, inside & covered))
    else:
        assert found.ids == ()
    for series, place in places:
        assert series.area_m2[0] == pytest.approx(area[place].sum())
        for number, shown in enumerate(found.dates):
            codes = maps[shown]
            assert series.water_m2[number, 0] == pytest.approx(area[place & (codes == WATER)].sum())
            assert series.valid_m2[number, 0] == pytest.approx(area[place & (codes != NO_DATA)].sum())
    assert (found.whole.low_km2 <= found.whole.high_km2 + 1e-12).all()


@settings(max_examples=30, deadline=None)
@given(CODES, arrays(np.bool_, (6, 8)))
def test_what_is_not_seen_is_never_dry(
    tmp_path_factory: pytest.TempPathFactory, codes: Codes, hidden: npt.NDArray[np.bool_]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_water(folder, "20230101", codes, make_grid(8, 6))
    write_water(folder, "20230201", np.where(hidden, np.uint8(NO_DATA), codes), make_grid(8, 6))
    found = measure(folder)
    (low_before, low_after), (high_before, high_after) = found.whole.low_km2[:, 0], found.whole.high_km2[:, 0]
    assert low_after <= low_before + 1e-9
    assert high_after >= high_before - 1e-9


def test_a_lake_that_shrinks_has_the_areas_it_was_drawn_with(tmp_path: Path) -> None:
    grid = make_grid(200, 160)
    rows, cols = np.mgrid[:160, :200]
    radii = (60, 45, 30, 15)
    for month, radius in enumerate(radii, start=1):
        codes = ((rows + 0.5 - 80) ** 2 + (cols + 0.5 - 100) ** 2 < radius**2).astype(np.uint8)
        write_water(tmp_path, f"lake_20230{month}01", codes, grid)
    middle = shapely.Point(grid.transform @ (100, 80))
    outlines = write_outlines(tmp_path / "b.gpkg", [middle.buffer(650), affinity.translate(middle, 950).buffer(20)])
    found = measure(tmp_path, outlines=outlines)
    for series in (found.whole, found.bodies):
        for radius, water in zip(radii, series.water_m2[:, 0], strict=True):
            assert abs(water - np.pi * (10 * radius) ** 2) < 10 * 2 * 10 * radius  # a row of pixels across the lake
    assert (found.bodies.water_m2[:, 1] == 0).all()
    assert (found.bodies.valid_fraction == 1).all()


def test_a_date_with_too_little_seen_is_marked_and_kept(tmp_path: Path) -> None:
    for month, rows in (("01", 0), ("02", 4), ("03", 5)):
        codes = np.ones(GRID.shape, np.uint8)
        codes[:rows] = NO_DATA
        write_water(tmp_path, f"2023{month}01", codes)
    left, top = GRID.transform @ (0, 0)
    outlines = write_outlines(tmp_path / "b.gpkg", [shapely.box(left, top - 50, left + 300, top)], ["north"])
    found = measure(tmp_path, outlines=outlines, min_valid=0.79)
    write_tables(found, tmp_path / "out")
    whole = table(tmp_path / "out" / "timeline.csv")
    assert [row["date"] for row in whole] == ["2023-01-01", "2023-02-01", "2023-03-01"]
    assert [row["valid_fraction"] for row in whole] == ["1.0000", "0.8000", "0.7500"]
    assert [row["enough"] for row in whole] == ["true", "true", "false"]
    assert {row["water_high_km2"] for row in whole} == {whole[0]["water_km2"]}
    assert whole[1]["water_km2"] == whole[1]["water_low_km2"] == whole[1]["valid_km2"] < whole[1]["water_high_km2"]
    bodies = table(tmp_path / "out" / "timeline_bodies.csv")
    assert list(bodies[0]) == ["date", "id", *list(whole[0])[1:]]
    assert [(row["id"], row["valid_fraction"], row["enough"]) for row in bodies] == [
        ("north", "1.0000", "true"),
        ("north", "0.2000", "false"),
        ("north", "0.0000", "false"),
    ]
    assert bodies[2]["water_high_km2"] == bodies[0]["water_km2"]
    assert listing(tmp_path / "out") == ["timeline.csv", "timeline_bodies.csv"]


def test_the_ground_is_what_the_rasters_cover_and_not_the_box_around_them(tmp_path: Path) -> None:
    codes = np.zeros((10, 10), np.uint8)
    write_water(tmp_path, "a_20230101", codes, GRID.crop(Window(0, 0, 10, 10)))
    write_water(tmp_path, "b_20230101", codes, GRID.crop(Window(20, 10, 10, 10)))
    found = measure(tmp_path)
    assert found.whole.valid_fraction[0, 0] == pytest.approx(1)
    assert found.whole.area_m2[0] == pytest.approx(200 * 100, rel=1e-3)


def test_what_a_mask_hides_is_not_seen(tmp_path: Path) -> None:
    path = write_water(tmp_path, "20230101", np.ones(GRID.shape, np.uint8))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(np.repeat([[0], [255]], 10, axis=0).repeat(30, axis=1).astype(np.uint8))
    assert measure(tmp_path).whole.valid_fraction[0, 0] == pytest.approx(0.5, rel=1e-4)


def test_bodies_at_the_edge_and_elsewhere_are_told(tmp_path: Path) -> None:
    write_water(tmp_path, "20230101", np.ones(GRID.shape, np.uint8))
    left, top = GRID.transform @ (0, 0)
    shapes = [shapely.box(left + shift, top - 100, left + shift + 100, top) for shift in (5000, 0, -50)]
    found = measure(tmp_path, outlines=write_outlines(tmp_path / "b.gpkg", shapes, ["far", "in", "edge"]))
    assert found.ids == ("in", "edge")
    np.testing.assert_allclose(found.bodies.water_m2, [[10_000, 5_000]], rtol=1e-3)
    assert found.notes == (
        "body edge reaches beyond the rasters: only the part within counts",
        "no pixel's centre lies in body far: left out",
    )


def _undated(folder: Path) -> None:
    write_water(folder, "lake", np.ones(GRID.shape, np.uint8))
    write_water(folder, "pond", np.ones(GRID.shape, np.uint8))


def _strange(folder: Path) -> None:
    write_water(folder, "20230101", np.full(GRID.shape, 2, np.uint8))


def _float(folder: Path) -> None:
    write_tif(folder / "20230101_water.tif", np.ones((1, *GRID.shape), np.float32), GRID)


def _land_is_no_data(folder: Path) -> None:
    write_tif(folder / "20230101_water.tif", np.ones((1, *GRID.shape), np.uint8), GRID, no_data=0)


def _shifted(folder: Path) -> None:
    write_water(folder, "20230101", np.ones(GRID.shape, np.uint8))
    write_water(folder, "20230201", np.ones(GRID.shape, np.uint8), make_grid(30, 20, left=500_005))


def _empty(folder: Path) -> None:
    folder.mkdir()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_undated, "lake_water.tif: tells no date, and 1 more"),
        (_strange, "20230101_water.tif: holds 2, but a water raster is 0 land, 1 water, 255 no data: give a"),
        (_float, "no water raster (1 bands of float32"),
        (_land_is_no_data, "no data 0.0"),
        (_shifted, "its pixels lie 0.50 columns"),
        (_shifted, "20230201_aligned_water.tif, and put what it makes in the place of the original"),
        (lambda _: None, "run: no such folder: give the folder that watermap predict wrote to"),
        (lambda folder: folder.touch(), "run: is no folder: give the folder that watermap predict wrote to"),
        (_empty, "no *_water.tif there"),
    ],
)
def test_folders_that_cannot_be_used_are_one_line(make: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    make(tmp_path / "run")
    with pytest.raises(DataError) as error:
        measure(tmp_path / "run")
    assert said in one_line(error)


def test_what_was_seen_is_not_rounded_up_to_what_is_wanted(tmp_path: Path) -> None:
    codes = np.ones((100, 100), np.uint8)
    codes.ravel()[:2004] = 255
    write_water(tmp_path, "20230101", codes, make_grid(100, 100))
    (note,) = measure(tmp_path, min_valid=0.8).notes
    assert note.startswith("no date shows 80% of the ground, the best 79%")
