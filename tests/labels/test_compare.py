import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from hypothesis import given

from tests.support.rasters import UTM32, grid_around, make_grid
from tests.support.waters import water_arrays, write_water
from watermap.errors import DataError, UsageError
from watermap.io.qgis_style import style_path
from watermap.labels.compare import (
    BOTH_WATER,
    DISAGREEMENT,
    DISAGREEMENT_NAMES,
    EITHER_UNKNOWN,
    ONLY_FIRST,
    ONLY_SECOND,
    compare_labels,
)
from watermap.maps import two_rasters

GRID = make_grid(60, 40)


def made(folder: Path) -> tuple[Path, Path]:
    """A lake in the west, which the second label has one column too small, and a pond that only the second has."""
    first, second = np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8)
    first[:, :20], second[:, :19] = 1, 1
    second[10:14, 50:55] = 1
    first[30:, 40:] = 255
    second[:, 58:] = 255
    return write_water(folder / "one.tif", first, GRID), write_water(folder / "two.tif", second, GRID)


def test_what_two_labels_say_is_counted_by_case(tmp_path: Path) -> None:
    found = compare_labels(*made(tmp_path), tmp_path / "out")
    assert found.names == ("one", "two")
    assert found.pixels[0, 1] == 20
    assert found.pixels[1, 0] == 40
    assert found.pixels[1, 1] == 19 * 40
    assert found.pixels[255, 0] == 18 * 10
    assert found.pixels[255, 255] == 20
    assert found.pixels[0, 255] == 2 * 30
    assert sum(found.pixels.values()) == 2400
    assert found.areas_m2[0, 1] == pytest.approx(20 * 100, rel=1e-2)
    assert found.scores.water_iou == pytest.approx(760 / 820)
    assert found.scores.pixels == 2400 - 260
    assert found.differing == 60
    assert DISAGREEMENT.sums(found.pixels)[EITHER_UNKNOWN] == 260
    assert dict(found.near_shore) == {1: 40, 2: 40, 3: 40}  # the pond is no matter of shores


def test_a_raster_its_style_and_a_table_are_written(tmp_path: Path) -> None:
    first, second = made(tmp_path)
    found = compare_labels(first, second, tmp_path / "out")
    assert found.raster == tmp_path / "out" / "one_vs_two_disagreement.tif"
    with rasterio.open(found.raster) as raster:
        codes = raster.read(1)
        assert raster.colormap(1)[ONLY_SECOND] == DISAGREEMENT.colors[ONLY_SECOND]
        assert raster.nodata == 255
        assert raster.tags()["WATERMAP_FIRST"] == "one.tif"
        assert len(raster.tags()["WATERMAP_SECOND_SHA256"]) == 64
    assert (codes[12, 52], codes[5, 19], codes[5, 5], codes[5, 30], codes[35, 45]) == (
        ONLY_SECOND,
        ONLY_FIRST,
        BOTH_WATER,
        0,
        255,
    )
    style = style_path(found.raster).read_text(encoding="utf-8")
    assert all(name in style for code, name in DISAGREEMENT_NAMES.items() if code != 255)
    with found.table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert {"first": "water", "second": "land", "code": "2", "pixels": "40", "km2": "0.004003"} in rows


@given(water_arrays())
def test_a_label_agrees_with_itself_and_cases_turn_round(codes: npt.NDArray[np.uint8]) -> None:
    own = DISAGREEMENT.combine(codes, codes)
    np.testing.assert_array_equal(own, codes)  # 0, 1 and 255 mean the same in both
    other = np.roll(codes, 1)
    there, back = DISAGREEMENT.combine(codes, other), DISAGREEMENT.combine(other, codes)
    np.testing.assert_array_equal(there == ONLY_FIRST, back == ONLY_SECOND)


def test_blocks_of_rows_give_what_the_whole_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = made(tmp_path)
    rows, cols = np.mgrid[:40, :60]
    write_water(first, (np.hypot(rows - 20, cols - 20) < 12).astype(np.uint8), GRID)  # shores that cross the blocks
    whole = compare_labels(first, second, tmp_path / "whole")
    monkeypatch.setattr(two_rasters, "_BLOCK_ROWS", 3)
    pieces = compare_labels(first, second, tmp_path / "pieces")
    assert pieces.pixels == whole.pixels
    assert pieces.near_shore == whole.near_shore
    assert pieces.areas_m2 == pytest.approx(whole.areas_m2)
    np.testing.assert_array_equal(pieces.views.combined, whole.views.combined)


def test_the_second_is_seen_on_the_firsts_grid(tmp_path: Path) -> None:
    fine = np.zeros((60, 60), np.uint8)
    fine[:, :30] = 1
    first = write_water(tmp_path / "fine.tif", fine, make_grid(60, 60))
    second = write_water(tmp_path / "coarse.tif", fine[1::3, 1::3], make_grid(20, 20, pixel=30))
    found = compare_labels(first, second, tmp_path / "out")
    assert found.scores.accuracy == 1
    assert found.grid.shape == (60, 60)
    elsewhere = write_water(tmp_path / "warped.tif", np.ones((80, 80)), grid_around(make_grid(60, 60), UTM32, size=80))
    assert compare_labels(first, elsewhere, tmp_path / "out").pixels[1, 1] == 1800
    part = write_water(tmp_path / "part.tif", np.ones((30, 60)), make_grid(60, 30))
    assert compare_labels(first, part, tmp_path / "out").pixels[1, 255] == 900


def test_what_cannot_be_compared_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    first, _ = made(tmp_path)
    far = write_water(tmp_path / "far.tif", np.ones((4, 4)), make_grid(left=900_000))
    with pytest.raises(UsageError, match="given twice"):
        compare_labels(first, first, tmp_path / "out")
    same = [write_water(tmp_path / name / "a_vs_b_disagreement.tif", np.ones((4, 4)), make_grid()) for name in "ab"]
    with pytest.raises(UsageError, match=r"a_vs_b_disagreement\.tif: is one of the files that are read"):
        compare_labels(same[0], same[1], tmp_path / "b")
    with pytest.raises(DataError, match=r"far\.tif: does not fit .*one\.tif, they share no ground"):
        compare_labels(first, far, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    codes = np.ones((4, 4), np.uint8)
    paths = [write_water(tmp_path / name / "label.tif", codes, GRID) for name in ("hansen", "jrc")]
    found = compare_labels(paths[0], paths[1], tmp_path / "out")
    assert found.raster.name == "hansen_vs_jrc_disagreement.tif"
