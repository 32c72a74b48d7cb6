"""Areas from interpreted samples: the truth lies where they say, and what is doubtful is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window

from tests.support.failures import one_line
from tests.support.interpreters import answer_by, edit
from tests.support.rasters import LON_LAT, make_grid
from tests.support.waters import write_water
from watermap.config import DesignConfig
from watermap.errors import DataError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import code_areas_m2
from watermap.legend import WATER
from watermap.maps.area.design import design_sample
from watermap.maps.area.estimate import estimate, estimate_areas, interval_text
from watermap.maps.area.sample import choose_pixels
from watermap.maps.area.samples import Interpreted
from watermap.maps.area.strata import MAPPED_AS, NAMES
from watermap.scenes.label import WATER_RASTER, open_label

FOUND = Interpreted(
    counts=np.array([[5, 45], [40, 10], [95, 5]]),
    pixels=(100_000, 50_000, 850_000),
    areas_m2=(10e6, 5e6, 85e6),
    mapped_as=MAPPED_AS,
    names=NAMES,
    raster="digest",
    shore_px=2,
    seed=0,
    unclear=(0, 0, 0),
    open=(0, 0, 0),
    in_order=True,
)
ROWS, COLS = 300, 200
GRIDS = {
    "UTM": make_grid(COLS, ROWS),
    "degrees": make_grid(COLS, ROWS, left=10, top=88, pixel=0.01, crs=LON_LAT),
}
"""The second from 85 to 88 degrees north, where pixels are 2.5 times as large in the south."""


def truth_and_map() -> tuple[np.ndarray, np.ndarray]:
    """A lake, and a map of it that shifts its shore, misses ponds in the north and sees shadows as water."""
    rng = np.random.default_rng(3)
    row, col = np.mgrid[:ROWS, :COLS]
    truth = ((row - 170) ** 2 / 90**2 + (col - 100) ** 2 / 60**2 < 1).astype(np.uint8)
    mapped = np.roll(truth, 2, axis=1)
    truth[(rng.random(truth.shape) < 0.06) & (row < 90)] = 1
    mapped[(rng.random(truth.shape) < 0.06) & (row > 60)] = 1
    mapped[:20, :50] = 255
    return truth, mapped


@pytest.mark.parametrize("name", GRIDS)
def test_intervals_hold_the_true_area_as_often_as_they_say(name: str, tmp_path: Path) -> None:
    grid = GRIDS[name]
    truth, mapped = truth_and_map()
    seen = np.where(mapped == 255, 255, truth).astype(np.uint8)
    true_m2 = code_areas_m2(seen, grid, Window(0, 0, COLS, ROWS))[WATER]
    path = write_water(tmp_path / "a_water.tif", mapped, grid)
    hits, values = 0, []
    with open_label(path, kind=WATER_RASTER) as label:
        for seed in range(200):
            sample = choose_pixels(label, 400, shore_px=2, least=60, seed=seed)
            found = truth[sample.rows, sample.cols]
            counts = [[np.sum((sample.stratum == one) & (found == code)) for code in (0, 1)] for one in range(3)]
            interpreted = replace(FOUND, counts=np.array(counts), areas_m2=sample.areas_m2, pixels=sample.pixels)
            area = estimate(interpreted).areas_m2[WATER]
            hits += area.low <= true_m2 <= area.high
            values.append(area.value)
    assert hits >= 186
    assert np.mean(values) == pytest.approx(true_m2, rel=0.01)
    assert sample.areas_m2[0] > 1.03 * true_m2  # counting pixels is further off


@pytest.mark.parametrize("name", GRIDS)
def test_from_the_raster_to_the_estimate(name: str, tmp_path: Path) -> None:
    grid = GRIDS[name]
    truth, mapped = truth_and_map()
    path = write_water(tmp_path / "a_20230601_water.tif", mapped, grid)
    design = design_sample(path, tmp_path / "a.gpkg", DesignConfig(error=12, seed=4))
    answer_by(design.path, truth, grid)
    found, sources = estimate_areas(path, design.path)
    by_code = code_areas_m2(mapped, grid, Window(0, 0, COLS, ROWS))
    assert found.mapped_m2 == pytest.approx(tuple(by_code[:2]))
    assert found.no_data_m2 == pytest.approx(by_code[255])
    assert sum(area.value for area in found.areas_m2) == pytest.approx(found.valid_m2)
    seen = np.where(mapped == 255, 255, truth).astype(np.uint8)
    area = found.areas_m2[WATER]
    assert area.low < code_areas_m2(seen, grid, Window(0, 0, COLS, ROWS))[WATER] < area.high
    assert (sources.name, str(sources.day)) == ("a_20230601", "2023-06-01")
    assert "hold no data: nothing is said of them" in found.notes[0]


def test_a_sample_of_another_raster_is_refused(tmp_path: Path) -> None:
    grid: Grid = GRIDS["UTM"]
    truth, mapped = truth_and_map()
    path = write_water(tmp_path / "a_water.tif", mapped, grid)
    design = design_sample(path, tmp_path / "a.gpkg", DesignConfig(n=300))
    answer_by(design.path, truth, grid)
    write_water(path, mapped, grid, DATE="2023-06-01")  # the same in another file
    assert estimate_areas(path, design.path)[0].areas_m2
    mapped[150, 100] = 0
    write_water(path, mapped, grid)
    with pytest.raises(DataError) as error:
        estimate_areas(path, design.path)
    assert f"{design.path}: was not drawn from {path} as it is now: give the water raster" in one_line(error)


def test_figures_are_those_of_the_estimator() -> None:
    found = estimate(FOUND, no_data_m2=4e6)
    assert found.areas_m2[WATER].value == pytest.approx(10e6 * 0.9 + 5e6 * 0.2 + 85e6 * 0.05)
    error = (10**2 * 0.09 / 49 + 5**2 * 0.16 / 49 + 85**2 * 0.0475 / 99) ** 0.5 * 1e6
    assert found.areas_m2[WATER].standard_error == pytest.approx(error, rel=1e-3)
    assert found.mapped_m2 == (90e6, 10e6)
    assert found.decimals == 1
    assert found.notes == ("4.000 km2, 3.8% of the raster, hold no data: nothing is said of them",)
    assert estimate(FOUND).notes == ()


def test_a_stratum_with_too_few_answers_is_named() -> None:
    with pytest.raises(DataError) as error:
        estimate(replace(FOUND, counts=np.array([[5, 45], [1, 0], [95, 5]])))
    assert "of land beside water 1 sample has an answer of water or land, too few" in one_line(error)
    with pytest.raises(DataError, match="of other land no samples have an answer"):
        estimate(replace(FOUND, counts=np.array([[5, 45], [40, 10], [0, 0]])))
    empty = replace(
        FOUND, counts=np.array([[5, 45], [0, 0], [95, 5]]), areas_m2=(10e6, 0.0, 85e6), pixels=(1000, 0, 8500)
    )
    assert estimate(empty).notes == ()


def test_strata_whose_standard_error_tells_too_little_are_told() -> None:
    found = estimate(replace(FOUND, counts=np.array([[5, 45], [40, 10], [100, 0]])))
    assert found.notes == (
        "all 100 samples of other land agree: it adds nothing to the standard errors, but to the intervals",
    )
    few = estimate(replace(FOUND, counts=np.array([[0, 2], [40, 10], [95, 5]])))
    assert few.notes == (
        "only 2 samples of water tell water or land: the standard errors are rough, use the intervals",
    )


def test_a_stratum_that_was_looked_at_whole_is_known() -> None:
    counts = np.array([[0, 1], [7, 0], [95, 5]])
    found = estimate(replace(FOUND, counts=counts, pixels=(1, 7, 850_000)))
    assert found.notes == ()
    users = found.assessment.users[WATER]
    assert users is not None
    assert interval_text(users, ".1%") == "known exactly"
    with pytest.raises(DataError, match="of water 1 sample has an answer"):
        estimate(replace(FOUND, counts=counts, pixels=(2, 7, 850_000)))


def test_what_is_open_is_told_and_whether_the_rest_is_random() -> None:
    first = estimate(replace(FOUND, open=(1, 2, 30)))
    assert first.notes == (
        "33 samples have no answer; the others are the first by id, so that they are a random sample too",
    )
    chosen = estimate(replace(FOUND, open=(1, 0, 0), in_order=False))
    assert "1 sample has no answer; the others are not the first by id" in chosen.notes[0]
    assert "biased" in chosen.notes[0]


def test_what_nobody_could_tell_is_bounded() -> None:
    found = estimate(replace(FOUND, unclear=(0, 10, 0)))
    as_land = 9 + 5 * 10 / 60 + 85 * 0.05
    as_water = 9 + 5 * 20 / 60 + 85 * 0.05
    told = f"all land, they would make water {as_land:,.4g} km2, all water {as_water:,.4g} km2"
    assert found.notes == (f"of 10 samples nobody could tell, left out as if like the others: {told}",)
    assert found.areas_m2 == estimate(FOUND).areas_m2


def test_intervals_end_where_there_can_be_nothing() -> None:
    counts, areas = np.array([[25, 5], [30, 1], [99, 1]]), (0.1e6, 0.1e6, 99.8e6)
    found = estimate(replace(FOUND, counts=counts, areas_m2=areas))
    water, land = found.areas_m2[WATER], found.areas_m2[0]
    assert water.value - water.margin < 0 < water.low < water.value
    assert water.high - water.value > 3 * (water.value - water.low)
    assert (land.low, land.high) == pytest.approx((found.valid_m2 - water.high, found.valid_m2 - water.low))
    assert interval_text(water.scaled(1e-6), ".2f") == f"{water.low / 1e6:.2f} to {water.high / 1e6:.2f}"


def test_areas_are_told_to_digits_that_say_something() -> None:
    assert estimate(FOUND).decimals == 1
    agree = replace(FOUND, counts=np.array([[0, 50], [50, 0], [100, 0]]))
    assert estimate(agree).decimals == 2  # 9.29 to 13.16
    assert estimate(replace(agree, counts=np.array([[0, 2], [2, 0], [4, 0]]))).decimals == 0  # 9 to 52
    assert estimate(replace(agree, pixels=(50, 50, 100))).decimals == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE strata SET area_m2 = area_m2 * 2",
        "UPDATE strata SET area_m2 = area_m2 * 1.001 WHERE stratum = 2",
        "UPDATE strata SET mapped_as = 7 WHERE stratum = 1",
        "UPDATE strata SET pixels = pixels + 1",
        "UPDATE strata SET shore_px = 3",
    ],
)
def test_strata_that_the_raster_does_not_have_are_refused(change: str, tmp_path: Path) -> None:
    grid: Grid = GRIDS["UTM"]
    truth, mapped = truth_and_map()
    path = write_water(tmp_path / "a_water.tif", mapped, grid)
    design = design_sample(path, tmp_path / "a.gpkg", DesignConfig(n=300))
    answer_by(design.path, truth, grid)
    edit(design.path, change)
    with pytest.raises(DataError) as error:
        estimate_areas(path, design.path)
    assert f"{design.path}: its table strata is not that of {path}: take the file as" in one_line(error)
