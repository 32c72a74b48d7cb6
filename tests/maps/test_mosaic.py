from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from tests.support.failures import one_line
from tests.support.rasters import UTM32, make_grid, write_tif
from tests.support.waters import water_arrays, write_water
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid
from watermap.maps import mosaic as module
from watermap.maps.mosaic import Rule, mosaic

GRID = make_grid(60, 40)
RULES = ("newest", "majority", "most-certain")


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        values: np.ndarray = dataset.read(1)
    return values


def write_probability(water: Path, values: np.ndarray, grid: Grid = GRID) -> Path:
    path = water.with_name(water.name.replace("_water", "_probability"))
    fitting = Grid(grid.crs, grid.transform, values.shape[1], values.shape[0])
    no_data = 255 if values.dtype == np.uint8 else float("nan")
    return write_tif(path, values[None], fitting, no_data=no_data)


def known_pixel(rule: str, seen: list[tuple[int, float]]) -> int:
    """What a pixel is, of (code, certainty) by raster, the newest first."""
    seen = [each for each in seen if each[0] != 255]
    if not seen:
        return 255
    if rule == "most-certain":
        return max(seen, key=lambda each: each[1])[0]
    counted = Counter(code for code, _ in seen)
    return seen[0][0] if rule == "newest" or counted[0] == counted[1] else counted.most_common(1)[0][0]


@given(st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mosaic_equals_numpy_on_whole_arrays(tmp_path: Path, data: st.DataObject) -> None:
    rule: Rule = data.draw(st.sampled_from(RULES))
    arrays = data.draw(st.lists(water_arrays(12), min_size=1, max_size=5))
    days = data.draw(st.permutations(range(10, 10 + len(arrays))))
    steps = st.integers(-8, 8)
    places = [(data.draw(steps), data.draw(steps)) for _ in arrays]
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    percents = [random.integers(0, 101, array.shape).astype(np.uint8) for array in arrays]
    paths = []
    for array, percent, day, (row, col) in zip(arrays, percents, days, places, strict=True):
        grid = GRID.crop(Window(col, row, 1, 1))
        path = write_water(tmp_path / f"lake_202306{day}_water.tif", array, grid, WATERMAP_THRESHOLD="0.3")
        write_probability(path, percent, grid)
        paths.append(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_ROWS", data.draw(st.integers(1, 30)))
        made = mosaic(paths, tmp_path / "m.tif", rule=rule)
    top, left = (min(place[axis] for place in places) for axis in (0, 1))
    bottom, right = (max(p[axis] + a.shape[axis] for p, a in zip(places, arrays, strict=True)) for axis in (0, 1))
    seen: list[list[list[tuple[int, float]]]] = [[[] for _ in range(left, right)] for _ in range(top, bottom)]
    for index in sorted(range(len(arrays)), key=lambda i: -days[i]):
        row, col = places[index]
        for (r, c), code in np.ndenumerate(arrays[index]):
            confidence = abs(np.float32(percents[index][r, c]) / 100 - np.float32(0.3))
            seen[r + row - top][c + col - left].append((int(code), float(confidence)))
    known = [[known_pixel(rule, pixel) for pixel in line] for line in seen]
    np.testing.assert_array_equal(read(made.path), known)
    assert made.grid.same_as(GRID.crop(Window(left, top, right - left, bottom - top)))
    assert made.water_pixels == np.count_nonzero(np.array(known) == 1)
    assert made.valid_pixels == np.count_nonzero(np.array(known) != 255)


@pytest.mark.parametrize("rule", RULES)
def test_there_are_no_seams_of_no_data(tmp_path: Path, rule: Rule) -> None:
    paths = []
    for number, col in enumerate((0, 25)):  # they overlap by five columns, each with a corner cut off
        codes = np.full((40, 30), number)
        codes[:5, :3] = codes[-5:, -3:] = 255
        grid = GRID.crop(Window(col, 0, 1, 1))
        paths.append(write_water(tmp_path / f"{20230601 + number}_water.tif", codes, grid, WATERMAP_THRESHOLD="0.5"))
        percent = np.full((40, 30), 80, np.uint8)
        percent[codes == 255] = 255
        write_probability(paths[-1], percent, grid)
    codes = read(mosaic(paths, tmp_path / "m.tif", rule=rule).path)
    assert (codes[:, 3:-3] != 255).all()
    assert (codes == 255).sum() == 2 * 15


def test_tags_name_the_inputs_and_what_they_agree_on(tmp_path: Path) -> None:
    paths = [
        write_water(
            tmp_path / f"{day}_water.tif",
            np.ones((3, 3)),
            GRID,
            WATERMAP_BUNDLE="lakes",
            WATERMAP_ENGINE=engine,
            WATERMAP_MIN_AREA_M2="500",
            WATERMAP_INDEX_THRESHOLD=engine,
        )
        for day, engine in ((20230601, "keras"), (20230701, "openvino"))
    ]
    with rasterio.open(mosaic(paths, tmp_path / "m.tif").path) as dataset:
        tags = dataset.tags()
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.nodata == 255
    assert tags["WATERMAP_INPUTS"] == "20230701_water.tif, 20230601_water.tif"
    assert tags["WATERMAP_INPUT_DIGESTS"].count("sha256:") == 2
    assert (tags["WATERMAP_MOSAIC"], tags["WATERMAP_BUNDLE"]) == ("newest", "lakes")
    assert tags["WATERMAP_MIN_AREA_M2"] == "500"
    assert not {"WATERMAP_ENGINE", "WATERMAP_INDEX_THRESHOLD"} & set(tags)
    assert tags["DATE"] == "2023-06-01/2023-07-01"


def test_the_newest_needs_a_day_and_the_majority_does_not(tmp_path: Path) -> None:
    first = write_water(tmp_path / "a_water.tif", np.ones((3, 3)), GRID)
    second = write_water(tmp_path / "b_water.tif", np.zeros((3, 3)), GRID)
    with pytest.raises(DataError, match=r"a_water.tif: nothing says on which day .*1 others.*DATE=2023-06-01"):
        mosaic([first, second], tmp_path / "m.tif")
    assert not (tmp_path / "m.tif").exists()
    made = mosaic([first, second], tmp_path / "m.tif", rule="majority")
    assert (read(made.path) == 1).all()
    assert "raster named first decides" in made.notes[0]


def test_certainty_is_measured_from_each_raster_s_own_threshold(tmp_path: Path) -> None:
    first = write_water(tmp_path / "a_20230601_water.tif", np.ones((1, 4)), GRID, WATERMAP_THRESHOLD="0.2")
    second = write_water(tmp_path / "b_20230602_water.tif", np.zeros((1, 4)), GRID)
    write_probability(first, np.array([[30, 60, 255, 255]], np.uint8))
    write_probability(second, np.array([[0.3, 0.2, 0.5, np.nan]], np.float32))
    made = mosaic([first, second], tmp_path / "m.tif", rule="most-certain")
    assert read(made.path).tolist() == [[0, 1, 0, 0]]  # 0.1 : 0.2, 0.4 : 0.3, of equal ones the newer
    assert made.notes == (f"{second}: its tags say no threshold; 0.5 is taken",)


def test_a_probability_that_is_missing_or_another_s_is_refused(tmp_path: Path) -> None:
    water = write_water(tmp_path / "a_20230601_water.tif", np.ones((2, 3)), GRID, WATERMAP_THRESHOLD="half")
    with pytest.raises(DataError, match=r"a_20230601_probability.tif: no such file.*--probability"):
        mosaic([water], tmp_path / "m.tif", rule="most-certain")
    path = write_probability(water, np.zeros((2, 3), np.uint8))
    with pytest.raises(DataError, match="'half', which is no number"):
        mosaic([water], tmp_path / "m.tif", rule="most-certain")
    path.unlink()
    write_water(water, np.ones((2, 3)), GRID)
    write_probability(water, np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError, match="its grid or number of bands is another"):
        mosaic([water], tmp_path / "m.tif", rule="most-certain")


def test_another_lattice_is_refused_with_the_remedy(tmp_path: Path) -> None:
    first = write_water(tmp_path / "20230601_water.tif", np.ones((3, 3)), GRID)
    second = write_water(tmp_path / "20230602_water.tif", np.ones((3, 3)), make_grid(crs=UTM32))
    with pytest.raises(
        DataError, match=r"EPSG:32632 and the other in EPSG:32633: gdalwarp .*20230602_aligned_water.tif"
    ):
        mosaic([first, second], tmp_path / "m.tif")


def test_what_makes_no_sense_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_water(tmp_path / "20230601_water.tif", np.ones((3, 3)), GRID)
    second = write_water(tmp_path / "20230602_water.tif", np.ones((3, 3)), GRID)
    with pytest.raises(UsageError, match="given twice"):
        mosaic([first, first], tmp_path / "m.tif")
    with pytest.raises(UsageError, match="is one of the files that are read"):
        mosaic([first, second], first)
    likely = write_probability(first, np.full((3, 3), 90, dtype=np.uint8))
    with pytest.raises(UsageError, match=r"20230601_probability\.tif: is one of the files that are read"):
        mosaic([first], likely, rule="most-certain")
    monkeypatch.setattr(module, "_MOST_RASTERS", 1)
    with pytest.raises(UsageError, match="2 rasters"):
        mosaic([first, second], tmp_path / "m.tif")


@pytest.mark.parametrize("name", ["m.gpkg", "m", "m.png"])
def test_a_mosaic_is_a_geotiff(name: str, tmp_path: Path) -> None:
    path = write_water(tmp_path / "lake_20230601_water.tif", np.ones((4, 4)), GRID)
    with pytest.raises(UsageError) as error:
        mosaic([path], tmp_path / name)
    assert f"{name}: a mosaic is written as a GeoTIFF: give a name that ends in .tif" in one_line(error)


def test_other_codes_are_told_as_elsewhere(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "lake_20230601_water.tif", np.full((1, 4, 4), 7, np.uint8), make_grid(4, 4))
    with pytest.raises(DataError) as error:
        mosaic([path], tmp_path / "m.tif")
    assert "holds 7, but a water raster is 0 land, 1 water, 255 no data: give a NAME_water.tif" in one_line(error)


def test_rasters_far_apart_are_said(tmp_path: Path) -> None:
    first = write_water(tmp_path / "20230601_water.tif", np.ones((3, 3)), GRID)
    far = write_water(tmp_path / "20230602_water.tif", np.ones((3, 3)), GRID.crop(Window(500, 500, 1, 1)))
    assert "only 0.01% of it holds data" in mosaic([first, far], tmp_path / "m.tif").notes[0]
