import csv
import itertools
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from rasterio.windows import Window

from tests.support.folders import listing
from tests.support.rasters import LON_LAT, UTM32, make_grid, write_tif
from tests.support.waters import water_arrays, write_water
from tests.support.web import Web
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid
from watermap.geo.pixel_area import pixel_area_m2
from watermap.io.paths import location
from watermap.maps import two_rasters
from watermap.maps.change import (
    CHANGE,
    CHANGE_NAMES,
    GAINED,
    LOST,
    PERMANENT,
    UNKNOWN,
    Change,
    compare,
    short_names,
)

GRID = make_grid(60, 40)


def known_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    table = {(0, 0): 0, (1, 1): PERMANENT, (0, 1): GAINED, (1, 0): LOST}
    pairs = zip(before.ravel().tolist(), after.ravel().tolist(), strict=True)
    return np.array([table.get(pair, UNKNOWN) for pair in pairs], np.uint8).reshape(before.shape)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        values: np.ndarray = dataset.read(1)
    return values


def compared(folder: Path, before: np.ndarray, after: np.ndarray, grid: Grid = GRID) -> Change:
    first = write_water(folder / "lake_20230601_water.tif", before, grid)
    return compare(first, write_water(folder / "lake_20240601_water.tif", after, grid), folder / "out")


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_change_equals_numpy_on_whole_arrays(tmp_path: Path, data: st.DataObject) -> None:
    before, after = data.draw(water_arrays()), data.draw(water_arrays())
    row, col = data.draw(st.integers(-20, 20)), data.draw(st.integers(-20, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_rasters, "_BLOCK_ROWS", data.draw(st.integers(1, 40)))
        patch.setattr(two_rasters, "_SIDE_PIXELS", data.draw(st.integers(1, 40)))
        one = write_water(tmp_path / "a_water.tif", before, GRID)
        other = write_water(tmp_path / "b_water.tif", after, GRID.crop(Window(col, row, 1, 1)))
        rows = range(max(0, row), min(before.shape[0], row + after.shape[0]))
        cols = range(max(0, col), min(before.shape[1], col + after.shape[1]))
        if not rows or not cols:
            with pytest.raises(DataError, match="share no ground"):
                compare(one, other, tmp_path / "out")
            return
        made = compare(one, other, tmp_path / "out")
    was = before[rows.start : rows.stop, cols.start : cols.stop]
    has_become = after[rows.start - row : rows.stop - row, cols.start - col : cols.stop - col]
    known = known_change(was, has_become)
    np.testing.assert_array_equal(read(made.raster), known)
    window = Window(cols.start, rows.start, len(cols), len(rows))
    assert made.grid.same_as(GRID.crop(window))
    areas = pixel_area_m2(made.grid, Window(0, 0, len(cols), len(rows)))
    for code in CHANGE_NAMES:
        assert made.pixels[code] == (known == code).sum()
        assert made.areas_m2[code] == pytest.approx(areas[known == code].sum(), rel=1e-9, abs=1e-6)
    step = made.views.step
    for view, whole in zip(
        (made.views.first, made.views.second, made.views.combined), (was, has_become, known), strict=True
    ):
        np.testing.assert_array_equal(view, whole[::step, ::step])


def test_a_picture_s_pixels_are_evenly_spaced_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_rasters, "_BLOCK_ROWS", 4)
    monkeypatch.setattr(two_rasters, "_SIDE_PIXELS", 10)
    before = np.random.default_rng(0).integers(0, 2, (30, 20))
    views = compared(tmp_path, before, 1 - before).views
    assert views.step == 3
    np.testing.assert_array_equal(views.first, before[::3, ::3])
    np.testing.assert_array_equal(views.combined, np.where(before == 1, LOST, GAINED)[::3, ::3])


@pytest.mark.parametrize(
    "grid",
    [make_grid(200, 200, pixel=10), make_grid(200, 200, left=10, top=62, pixel=1e-4, crs=LON_LAT)],
)
def test_a_lake_that_shrinks_loses_the_known_area(tmp_path: Path, grid: Grid) -> None:
    rows, cols = np.mgrid[:200, :200] + 0.5
    width, height = (10.0, 10.0) if grid.crs != LON_LAT else (5.247, 11.143)  # of a pixel on the ground, 61.99 north
    far = np.hypot((cols - 100) * width, (rows - 100) * height)
    large, small = 480.0, 300.0
    made = compared(tmp_path, far < large, far < small, grid)
    known = np.pi * (large**2 - small**2)
    shore = 2 * np.pi * large * max(width, height)  # a row of pixels along it
    assert made.areas_m2[LOST] == pytest.approx(known, abs=shore)
    assert made.areas_m2[LOST] == pytest.approx(known, rel=0.02)
    assert made.areas_m2[PERMANENT] == pytest.approx(np.pi * small**2, rel=0.02)
    assert made.areas_m2[GAINED] == 0
    assert made.water_before_m2 - made.water_after_m2 == pytest.approx(made.areas_m2[LOST])
    assert (made.before, made.after) == ("2023-06-01", "2024-06-01")


def test_polygons_of_each_class_cover_its_pixels(tmp_path: Path) -> None:
    before, after = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    before[5:20, 5:40], after[10:30, 5:40] = 1, 1
    before[30:], after[12, 12] = 255, 255
    made = compared(tmp_path, before, after)
    meta, _, shapes, columns = pyogrio.raw.read(made.polygons)
    fields = dict(zip(meta["fields"], columns, strict=True))
    names = {CHANGE_NAMES[code]: code for code in (PERMANENT, GAINED, LOST)}
    drawn = zip(shapely.from_wkb(shapes), (names[name] for name in fields["class"]), strict=True)
    codes = read(made.raster)
    found = rasterize(drawn, codes.shape, transform=made.grid.transform, dtype="uint8")
    np.testing.assert_array_equal(found, np.where(codes == UNKNOWN, 0, codes))
    for name, code in names.items():
        assert fields["area_m2"][fields["class"] == name].sum() == pytest.approx(made.areas_m2[code], rel=1e-6)
    assert fields["id"].tolist() == list(range(1, len(shapes) + 1))


def test_what_was_not_seen_is_neither_lost_nor_gained(tmp_path: Path) -> None:
    before, after = np.ones((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    before[:10], after[:, 50:] = 255, 255
    made = compared(tmp_path, before, after)
    codes = read(made.raster)
    assert (codes[:10] == UNKNOWN).all()
    assert (codes[:, 50:] == UNKNOWN).all()
    assert (codes[10:, :50] == LOST).all()


def test_the_files_carry_what_they_are_and_what_made_them(tmp_path: Path) -> None:
    before = np.zeros((40, 60), np.uint8)
    before[:20] = 1
    made = compared(tmp_path, before, 1 - before)
    name = "lake_20230601_to_lake_20240601_change"
    ends = (".csv", ".qml", ".tif", "_bodies.gpkg", "_bodies.qml")
    assert listing(tmp_path / "out") == [f"{name}{end}" for end in ends]
    with rasterio.open(made.raster) as dataset:
        assert dataset.nodata == UNKNOWN
        assert {code: dataset.colormap(1)[code] for code in CHANGE.colors} == CHANGE.colors
        assert dataset.profile["driver"] == "GTiff"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        tags = dataset.tags()
    assert (tags["WATERMAP_BEFORE"], tags["WATERMAP_AFTER_DATE"]) == ("lake_20230601_water.tif", "2024-06-01")
    assert len(tags["WATERMAP_BEFORE_SHA256"]) == 64
    entries = ElementTree.parse(made.raster.with_suffix(".qml")).iter("paletteEntry")  # noqa: S314 (our own)
    assert [entry.get("label") for entry in entries] == ["land", "permanent water", "gained", "lost"]
    with made.table.open() as file:
        table = {row["class"]: row for row in csv.DictReader(file)}
    assert list(table) == ["land", "permanent water", "gained", "lost", "unknown"]
    assert (table["gained"]["code"], table["gained"]["pixels"]) == ("2", "1200")
    assert float(table["lost"]["km2"]) == pytest.approx(1200 * 100 / 0.9996**2 / 1e6, rel=1e-4)


def test_what_lies_outside_of_the_common_ground_is_said(tmp_path: Path) -> None:
    one = write_water(tmp_path / "a_water.tif", np.ones((40, 60)), GRID)
    other = write_water(tmp_path / "b_water.tif", np.ones((40, 30)), GRID.crop(Window(30, 10, 1, 1)))
    made = compare(one, other, tmp_path)
    assert made.notes == (
        f"{one}: 62.5% of it lies where the other does not, and is left out",
        f"{other}: 25.0% of it lies where the other does not, and is left out",
    )
    assert (made.before, made.after, made.raster.name) == ("a", "b", "a_to_b_change.tif")


def test_another_lattice_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    one = write_water(tmp_path / "a_water.tif", np.ones((4, 6)), GRID)
    for number, grid in enumerate((make_grid(crs=UTM32), make_grid(pixel=20), make_grid(left=500_003))):
        other = write_water(tmp_path / f"b{number}_water.tif", np.ones((4, 6)), grid)
        with pytest.raises(DataError, match=r"does not fit .*: gdalwarp -t_srs EPSG:32633 -tr 10 10"):
            compare(one, other, tmp_path / "out")
    with pytest.raises(UsageError, match="given twice"):
        compare(one, one, tmp_path / "out")
    same = [write_water(tmp_path / name / "a_to_b_change.tif", np.ones((4, 6)), GRID) for name in "ab"]
    with pytest.raises(UsageError, match=r"a_to_b_change\.tif: is one of the files that are read"):
        compare(same[0], same[1], tmp_path / "a")
    assert not (tmp_path / "out").exists()


def test_what_is_no_water_raster_is_refused(tmp_path: Path) -> None:
    one = write_water(tmp_path / "a_water.tif", np.ones((4, 6)), GRID)
    percent = write_tif(tmp_path / "p.tif", np.full((1, 4, 6), 57, np.uint8), make_grid(6, 4), no_data=255)
    with pytest.raises(DataError, match="holds 57"):
        compare(one, percent, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_doubts_are_said(tmp_path: Path) -> None:
    late = write_water(tmp_path / "lake_20240601_water.tif", np.ones((4, 6)), GRID)
    early = write_water(tmp_path / "lake_20230601_water.tif", np.ones((4, 6)), GRID)
    assert any("later than" in note for note in compare(late, early, tmp_path).notes)
    hiding = write_tif(tmp_path / "h.tif", np.ones((1, 4, 6), np.uint8), make_grid(6, 4), no_data=0)
    assert any("its no-data value is 0" in note for note in compare(early, hiding, tmp_path).notes)


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [write_water(tmp_path / year / "water.tif", np.ones((4, 6)), GRID) for year in ("wet", "dry")]
    made = compare(paths[0], paths[1], tmp_path)
    assert (made.before, made.after, made.raster.name) == ("wet", "dry", "wet_to_dry_change.tif")


def test_and_by_the_folders_above_where_these_have_one_name(tmp_path: Path) -> None:
    paths = [write_water(tmp_path / year / "maps" / "x_water.tif", np.ones((4, 6)), GRID) for year in ("wet", "dry")]
    assert short_names(*paths) == ("wet", "dry")


def test_water_rasters_may_lie_elsewhere(web: Web, tmp_path: Path) -> None:
    for day in (20230601, 20240601):
        write_water(web.folder / f"lake_{day}_water.tif", np.ones((4, 6)), GRID)
    urls = [location(f"{web.url}/lake_{day}_water.tif?signature=secret") for day in (20230601, 20240601)]
    made = compare(urls[0], urls[1], tmp_path / "out")
    assert made.raster.name == "lake_20230601_to_lake_20240601_change.tif"
    assert made.pixels[PERMANENT] == 24
    assert b"secret" not in made.raster.read_bytes()


def test_the_colours_are_told_apart_by_the_colour_blind_too() -> None:
    """Simulated by Machado et al. 2009, at full severity; distances in CIELAB, 1976."""
    ground_of_bundle = {
        "all cones": np.eye(3),
        "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "no middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    }
    for name, cones in ground_of_bundle.items():
        shown = {code: _lab(color[:3], np.array(cones)) for code, color in CHANGE.colors.items() if color[3]}
        for one, other in itertools.combinations(shown, 2):
            assert np.linalg.norm(shown[one] - shown[other]) > 20, (name, one, other)
    assert set(CHANGE.layout.classes) == {0, PERMANENT, GAINED, LOST}


def _lab(color: tuple[int, ...], cones: np.ndarray) -> np.ndarray:
    part = np.array(color) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    xyz = to_xyz @ np.clip(cones @ linear, 0, 1) / to_xyz.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
