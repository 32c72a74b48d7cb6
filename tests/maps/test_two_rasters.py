from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from rasterio.windows import Window

from tests.support.rasters import make_grid
from tests.support.waters import water_arrays
from watermap.arrays import Codes
from watermap.errors import UsageError
from watermap.geo.pixel_area import pixel_area_m2
from watermap.io.qgis_style import style_path
from watermap.legend import LAND, NO_DATA, WATER, WATER_COLORS
from watermap.maps import two_rasters
from watermap.maps.two_rasters import PAIRS, PairSums, pair_names, water_pairs, write_areas, write_comparison

NAMES = {0: "dry", 1: "both", 2: "mine", 3: "yours", 255: "unknown"}
CLASSES = water_pairs("mine and yours", NAMES, only_first=2, only_second=3)
GRID = make_grid(20, 30)


def written(path: Path, first: Codes, second: Codes, halo_px: int = 0) -> tuple[PairSums, list[tuple[int, int, int]]]:
    """What a comparison finds, and the rows that it asked for: the block's first and those of what is around it."""
    asked = []

    def read(block: Window, wide: Window, inner: slice) -> tuple[Codes, Codes]:
        asked.append((int(block.row_off), int(wide.row_off), int(wide.row_off + wide.height)))
        return first[wide.toslices()][inner], second[block.toslices()]

    progress: list[tuple[str, int, int]] = []
    found = write_comparison(
        path, GRID, read, CLASSES, tags={"WHY": "a test"}, halo_px=halo_px, progress=lambda *step: progress.append(step)
    )
    assert progress[-1] == ("rows", 30, 30)
    return found, asked


@given(water_arrays())
def test_a_pair_has_the_code_that_its_classes_give_it(first: Codes) -> None:
    second = np.roll(first, 1)
    combined = CLASSES.combine(first, second)
    meant = {(0, 0): 0, (1, 1): 1, (1, 0): 2, (0, 1): 3}
    pairs = zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
    assert combined.ravel().tolist() == [meant.get(pair, 255) for pair in pairs]


def test_every_pair_is_counted_and_measured_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_rasters, "_BLOCK_ROWS", 7)
    monkeypatch.setattr(two_rasters, "_SIDE_PIXELS", 10)
    random = np.random.default_rng(0)
    first, second = (random.choice(np.array([LAND, WATER, NO_DATA], np.uint8), (30, 20)) for _ in range(2))
    found, asked = written(tmp_path / "c.tif", first, second, halo_px=2)
    assert asked == [(0, 0, 9), (7, 5, 16), (14, 12, 23), (21, 19, 30), (28, 26, 30)]
    areas = pixel_area_m2(GRID, Window(0, 0, 20, 30))
    assert list(found.pixels) == list(PAIRS)
    for a, b in PAIRS:
        here = (first == a) & (second == b)
        assert found.pixels[a, b] == here.sum() > 0
        assert found.areas_m2[a, b] == pytest.approx(areas[here].sum())
    assert sum(CLASSES.sums(found.pixels).values()) == 600
    assert CLASSES.sums(found.pixels)[255] == ((first == NO_DATA) | (second == NO_DATA)).sum()
    known = (first != NO_DATA) & (second != NO_DATA)
    waters = [areas[known & (codes == WATER)].sum() for codes in (first, second)]
    assert CLASSES.water_m2(CLASSES.sums(found.areas_m2)) == pytest.approx(waters)
    assert found.views.step == 3
    np.testing.assert_array_equal(found.views.first, first[::3, ::3])
    np.testing.assert_array_equal(found.views.second, second[::3, ::3])
    np.testing.assert_array_equal(found.views.combined, CLASSES.combine(first, second)[::3, ::3])


def test_the_raster_says_what_its_codes_are(tmp_path: Path) -> None:
    first = np.ones((30, 20), np.uint8)
    second = np.tile(np.array([0, 1, 255, 0], np.uint8), (30, 5))
    written(tmp_path / "c.tif", first, second)
    with rasterio.open(tmp_path / "c.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), np.tile([2, 1, 255, 2], (30, 5)))
        assert (raster.nodata, raster.descriptions) == (255, ("mine and yours",))
        assert raster.tags()["WHY"] == "a test"
        assert "WATERMAP_VERSION" in raster.tags()
        assert raster.colormap(1)[1] == WATER_COLORS[WATER]
    style = style_path(tmp_path / "c.tif").read_text(encoding="utf-8")
    assert all(f'label="{name}"' in style for name in ("dry", "both", "mine", "yours"))
    assert "unknown" not in style


def test_names_tell_two_rasters_apart(tmp_path: Path) -> None:
    words = ("before", "after")
    one, other, same = (tmp_path / name for name in ("x/a_water.tif", "x/b_water.tif", "y/a_water.tif"))
    assert pair_names(one, other, suffix="_water", otherwise=words, hint="") == ("a", "b")
    assert pair_names(one, other, otherwise=words, hint="") == ("a_water", "b_water")
    assert pair_names(one, same, otherwise=words, hint="") == ("x", "y")
    assert pair_names(one, one.with_suffix(".tiff"), otherwise=words, hint="") == words
    with pytest.raises(UsageError, match=r"a_water\.tif: is given twice"):
        pair_names(one, one, otherwise=words, hint="give two")


def test_a_table_of_areas_is_in_km2(tmp_path: Path) -> None:
    table = write_areas(tmp_path / "c.csv", ("class", "code"), [(("gained, or so", 2), 12, 1234.5678)])
    assert table.read_text(encoding="utf-8") == 'class,code,pixels,km2\n"gained, or so",2,12,0.001235\n'
