"""What there is to tell of a run."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.image import imread
from rasterio.windows import Window

from tests.maps.test_timeline import GRID, write_water
from tests.support.failures import one_line
from tests.support.rasters import make_grid
from watermap.errors import DataError
from watermap.geo.pixel_area import pixel_area_m2
from watermap.maps.quicklook import water_picture
from watermap.maps.report_facts import gather

PNG = b"\x89PNG\r\n\x1a\n"
ONES = np.ones(GRID.shape, np.uint8)


@settings(max_examples=20, deadline=None)
@given(arrays(np.uint8, (9, 7), elements=st.sampled_from([0, 1, 255])), st.integers(3, 10))
def test_areas_are_those_of_whole_arrays(
    tmp_path_factory: pytest.TempPathFactory, codes: np.ndarray, rows: int
) -> None:
    folder, grid = tmp_path_factory.mktemp("run"), make_grid(7, 9)
    write_water(folder, "lake", codes, grid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watermap.maps.water_rasters._BLOCK_ROWS", rows)
        (scene,) = gather(folder).scenes
    area = pixel_area_m2(grid, Window(0, 0, 7, 9))
    assert scene.water_km2 == pytest.approx(area[codes == 1].sum() / 1e6)
    assert scene.valid_fraction == pytest.approx(area[codes != 255].sum() / area.sum())
    assert scene.pixel_m == pytest.approx(10, rel=1e-3)


def test_scenes_come_by_date_and_those_without_one_last(tmp_path: Path) -> None:
    for name in ("a", "b_20230301", "c_20230101"):
        write_water(tmp_path, name, ONES)
    assert [scene.raster.name for scene in gather(tmp_path).scenes] == ["c_20230101", "b_20230301", "a"]


def test_quicklooks_are_shown_and_maps_drawn_where_there_are_none(tmp_path: Path) -> None:
    codes = np.array([[1, 0], [255, 1]], np.uint8)
    for name in ("a", "b", "c", "d", "e"):
        write_water(tmp_path, name, codes, make_grid(2, 2))
    (tmp_path / "a_quicklook.png").write_bytes(PNG + b"of a")
    scenes = gather(tmp_path, most_pictures=3).scenes
    assert [scene.picture is not None for scene in scenes] == [True, False, True, False, True]
    assert [scene.is_quicklook for scene in scenes] == [True, False, False, False, False]
    assert scenes[0].picture == PNG + b"of a"
    picture = imread(BytesIO(water_picture(scenes[1].raster.path)))[..., :3]
    blue, sand, grey = (np.array(color) / 255 for color in ((31, 119, 200), (236, 226, 198), (191, 191, 191)))
    np.testing.assert_allclose(picture, [[blue, sand], [grey, blue]], atol=0.01)


def test_pictures_of_large_maps_are_small(tmp_path: Path) -> None:
    path = write_water(tmp_path, "lake", np.ones((30, 3000), np.uint8), make_grid(3000, 30))
    assert imread(BytesIO(water_picture(path))).shape[:2] == (6, 640)


def test_tables_beside_the_maps_are_found_and_long_ones_cut(tmp_path: Path) -> None:
    write_water(tmp_path, "a", ONES)
    (tmp_path / "timeline.csv").write_text("date,water_km2\n" + "2023-01-01,1\n" * 100)
    (tmp_path / "timeline.png").write_bytes(PNG)
    (tmp_path / "a_to_b_change.csv").write_text('class,km2\n"gained, seen",2\n\n')
    (tmp_path / "other.csv").write_text("a,b\n")
    timeline, change = gather(tmp_path).tables
    assert (timeline.columns, len(timeline.rows), timeline.left_out) == (("date", "water_km2"), 30, 70)
    assert timeline.picture == PNG
    assert change.rows == (("gained, seen", "2"),)
    assert change.picture is None
    (tmp_path / "timeline.csv").write_text("")
    assert gather(tmp_path).tables[0].columns == ()


def test_what_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \*_water.tif there"):
        gather(tmp_path)
    write_water(tmp_path, "a", ONES)
    (tmp_path / "a_quicklook.png").write_bytes(b"GIF")
    with pytest.raises(DataError) as error:
        gather(tmp_path)
    assert "a_quicklook.png: not a PNG" in one_line(error)
    (tmp_path / "a_quicklook.png").unlink()
    (tmp_path / "timeline.csv").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError) as error:
        gather(tmp_path)
    assert "timeline.csv: not a table" in one_line(error)
