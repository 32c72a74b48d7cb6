from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from tests.labels.scenes import GRID, coarse, seen, shares, write_lake
from tests.support.rasters import make_grid, write_tif
from tests.support.waters import water_arrays, write_water
from watermap.bands import STANDARD_BANDS
from watermap.config import RefineConfig
from watermap.errors import DataError, UsageError
from watermap.evaluation.scores import Confusion
from watermap.labels import refine as module
from watermap.labels.index_rule import IndexRule
from watermap.labels.refine import (
    CONFIRMED,
    DRY_WATER,
    KEPT,
    MOVED,
    NO_IMAGE,
    OUTCOMES,
    UNCLEAR,
    UNKNOWN,
    WET_LAND,
    Distances,
    Refinement,
    refine,
    refined,
)
from watermap.labels.shores import beside_shores
from watermap.scenes.indices import MNDWI
from watermap.scenes.label import LABEL_TAG

RULE = IndexRule(MNDWI, wet_from=0.2, damp_from=0.05, dry_below=-0.2, agreement=1.0)
REACH = Distances(shore=2, ring=5, fringe=1)


def read(path: Path) -> Any:
    with rasterio.open(path) as raster:
        return raster.read(1)


def bands_of(value: Any) -> tuple[Any, Any]:
    """Reflectance in both bands that gives an index its value."""
    value = np.asarray(value, np.float32)
    return 0.1 * (1 + value), 0.1 * (1 - value)


def iou(truth: Path, label: Path) -> float:
    confusion = Confusion()
    confusion.add(read(truth), read(label))
    return confusion.scores().water_iou or 0.0


def test_each_fate() -> None:
    codes = np.array([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 255]], np.uint8)
    value = [[0.9, -0.9, 0.9, 0.9, 0, -0.9, 0.9, 0, -0.9, -0.9, 0.9, -0.9, -0.9, 0.9]]
    valid = np.ones(codes.shape, bool)
    valid[0, 8] = False
    label, outcomes = refined(codes, *bands_of(value), valid, RULE, REACH)
    k, c = KEPT, CONFIRMED
    assert outcomes.tolist() == [[k, DRY_WATER, k, c, UNCLEAR, c, MOVED, k, NO_IMAGE, *[WET_LAND] * 3, k, UNKNOWN]]
    assert label.tolist() == [[1, 255, 1, 1, 255, 0, 1, 0, 255, 255, 255, 255, 0, 255]]
    assert set(OUTCOMES) == set(range(len(OUTCOMES)))


def test_damp_pixels_are_water_beside_wet_ones_only() -> None:
    codes = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]], np.uint8)
    value = [[0.9, 0.9, 0.9, 0.9, 0.1, 0.1, -0.9, -0.9, 0.1, 0.1, -0.9, -0.9]]
    label, _ = refined(codes, *bands_of(value), np.ones(codes.shape, bool), RULE, Distances(3, 5, 1))
    assert label.tolist() == [[1, 1, 1, 1, 1, 255, 0, 0, 0, 0, 0, 0]]  # damp land far from a shore is land


values = st.floats(-1, 1, width=32)


@given(st.data())
def test_nothing_far_from_a_shore_changes_sides_and_sure_pixels_stay(data: st.DataObject) -> None:
    codes = data.draw(water_arrays(max_side=12))
    value = data.draw(numpy_st.arrays(np.float32, codes.shape, elements=values))
    valid = data.draw(numpy_st.arrays(bool, codes.shape))
    label, outcomes = refined(codes, *bands_of(value), valid, RULE, REACH)
    far = ~beside_shores(codes, REACH.shore)
    assert ((label[far] == 255) | (label[far] == codes[far])).all()
    sure = far & valid & (codes == 1) & (value > 0.21)
    assert (label[sure] == 1).all()
    assert (label[~valid | (codes == 255)] == 255).all()
    assert (label[valid & ~far & (codes != 255) & (value > 0.21)] == 1).all()
    assert (label[valid & ~far & (codes != 255) & (value < -0.21)] == 0).all()
    changed = (label != codes) & (label != 255)
    np.testing.assert_array_equal(changed, (outcomes == MOVED))


def test_a_coarse_lake_gets_its_own_shore(tmp_path: Path) -> None:
    image, label, truth = write_lake(tmp_path)
    made = refine(label, image, tmp_path / "out.tif")
    assert made.rule.index is MNDWI
    assert made.shore_px == 4
    assert iou(truth, label) < 0.96
    assert iou(truth, made.path) > 0.999
    found = read(made.path)
    assert (found[5:15, 5:15] == 255).all()  # the pond: nobody knows
    assert (found[3:17, 3:17] == 255).all()  # and its shore
    assert found[1, 1] == 0
    assert made.pixels[1] + made.pixels[0] > 0.97 * found.size
    assert sum(made.outcomes.values()) == found.size == sum(made.pixels.values())
    assert made.outcomes[WET_LAND] == 14 * 14
    assert made.outcomes[MOVED] > 100
    assert made.notes == ()
    with rasterio.open(made.path) as raster:
        tags = raster.tags()
        assert tags[LABEL_TAG] == "refined"
        assert raster.nodata == 255
    assert tags["WATERMAP_COARSE_LABEL"] == "coarse.tif"
    assert float(tags["WATERMAP_WET_FROM"]) == pytest.approx(made.rule.wet_from, abs=1e-3)


def test_blocks_of_rows_give_what_the_whole_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, label, _ = write_lake(tmp_path)
    whole = refine(label, image, tmp_path / "whole.tif")
    monkeypatch.setattr(module, "_BLOCK_ROWS", 11)
    pieces = refine(label, image, tmp_path / "pieces.tif")
    np.testing.assert_array_equal(read(pieces.path), read(whole.path))
    assert pieces.outcomes == whole.outcomes
    assert pieces.rule == whole.rule


def test_a_label_on_its_own_coarse_grid_is_refined_on_the_images(tmp_path: Path) -> None:
    image, label, _ = write_lake(tmp_path)
    own = write_water(tmp_path / "own.tif", read(label)[1::3, 1::3], make_grid(60, 60, pixel=30))
    made = refine(own, image, tmp_path / "out.tif")
    np.testing.assert_array_equal(read(made.path), read(refine(label, image, tmp_path / "same.tif").path))
    wide = write_water(tmp_path / "wide.tif", read(label)[1::6, 1::6], make_grid(30, 30, pixel=60))
    assert refine(wide, image, tmp_path / "wide_out.tif").shore_px == 6  # a pixel of its own


def test_a_dried_up_lake_and_a_cloud_are_unknown(tmp_path: Path) -> None:
    share = shares()
    label = write_water(tmp_path / "coarse.tif", coarse(share), GRID)
    share[80:100, 80:100] = 0
    cube = seen(share)
    cube[:, 60:70, 60:70] = 5000
    image = write_tif(tmp_path / "image.tif", cube, GRID, names=STANDARD_BANDS)
    made = refine(label, image, tmp_path / "out.tif")
    found = read(made.path)
    assert (found[80:100, 80:100] == 255).all()
    assert (found[60:70, 60:70] == 255).mean() > 0.95
    assert made.outcomes[DRY_WATER] > 450


@pytest.mark.parametrize(
    ("bands", "config", "name"),
    [
        (STANDARD_BANDS, RefineConfig(), "mndwi"),
        (STANDARD_BANDS, RefineConfig(index="ndwi"), "ndwi"),
        (STANDARD_BANDS[:4], RefineConfig(), "ndwi"),
    ],
)
def test_the_index_is_chosen_by_the_bands_that_there_are(
    tmp_path: Path, bands: tuple[str, ...], config: RefineConfig, name: str
) -> None:
    _, label, truth = write_lake(tmp_path)
    image = write_tif(tmp_path / "few.tif", seen(shares())[: len(bands)], GRID, names=bands)
    made = refine(label, image, tmp_path / "out.tif", config)
    assert made.rule.index.name == name
    assert iou(truth, made.path) > 0.999


def test_an_offset_left_in_is_refused_and_one_stated_is_taken_off(tmp_path: Path) -> None:
    image, label, truth = write_lake(tmp_path, offset=1000)
    with pytest.raises(DataError, match=r"Sentinel-2 scenes have 0\.01: an offset seems to be left in.*--offset -1000"):
        refine(label, image, tmp_path / "out" / "label.tif")
    assert not (tmp_path / "out").exists()
    made = refine(label, image, tmp_path / "out.tif", RefineConfig(offset=-1000))
    assert iou(truth, made.path) > 0.999


def refined_with(tmp_path: Path, label: Any, cube: Any) -> Refinement:
    image = write_tif(tmp_path / "image.tif", cube, GRID, names=STANDARD_BANDS)
    return refine(write_water(tmp_path / "coarse.tif", label, GRID), image, tmp_path / "out.tif")


def test_doubts_are_told(tmp_path: Path) -> None:
    share = shares()
    turned = np.zeros(GRID.shape, np.uint8)
    turned[120:, :60] = 1
    (elsewhere,) = refined_with(tmp_path, turned, seen(share)).notes
    assert "% of what" in elsewhere
    assert "do they show one place" in elsewhere
    (dry,) = refined_with(tmp_path, np.zeros(GRID.shape, np.uint8), seen(share)).notes
    assert "mndwi above 0 is taken for water" in dry
    assert (read(tmp_path / "out.tif")[70:110, 70:110] == 255).all()


def test_what_cannot_be_refined_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    image, label, _ = write_lake(tmp_path)
    out = tmp_path / "out" / "label.tif"
    blue = write_tif(tmp_path / "blue.tif", seen(shares())[:1], GRID, names=["B2"])
    with pytest.raises(DataError, match="has neither B3 and B11 nor B3 and B8"):
        refine(label, blue, out)
    with pytest.raises(DataError, match="B11"):
        refine(
            label,
            write_tif(tmp_path / "f.tif", seen(shares())[:4], GRID, names=STANDARD_BANDS[:4]),
            out,
            RefineConfig(index="mndwi"),
        )
    far = write_water(tmp_path / "far.tif", np.ones((4, 4)), make_grid(left=900_000))
    with pytest.raises(DataError, match="share no ground"):
        refine(far, image, out)
    with pytest.raises(UsageError, match="is one of the files that are read"):
        refine(label, image, label)
    assert not out.parent.exists()
    named = write_tif(tmp_path / "nameless.tif", seen(shares()), GRID)
    assert refine(label, named, out, names=STANDARD_BANDS).pixels[1] > 0


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_noise_does_not_move_a_lake(seed: int) -> None:
    share = shares()
    cube = seen(share, seed=seed).astype(np.float32) / 1e4
    codes = coarse(share)
    label, _ = refined(codes, cube[1], cube[4], np.ones(codes.shape, bool), RULE, Distances(4, 20, 2))
    known = label != 255
    assert ((label == 1) == (share >= 0.5))[known].mean() > 0.999
