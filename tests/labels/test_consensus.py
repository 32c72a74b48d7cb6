from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rasters import make_grid
from tests.support.waters import CODES, write_water
from watermap.arrays import Codes
from watermap.config import ConsensusConfig
from watermap.errors import DataError, UsageError
from watermap.labels import consensus as module
from watermap.labels.consensus import LabelSource, agreed, make_consensus
from watermap.labels.shores import beside_shores
from watermap.scenes.label import LABEL_TAG

GRID = make_grid(60, 60)

several = st.lists(
    st.lists(st.sampled_from(CODES), min_size=12, max_size=12).map(lambda codes: np.array([codes], np.uint8)),
    min_size=2,
    max_size=5,
)


def half(col: int) -> npt.NDArray[np.uint8]:
    """Water in the west, up to a column."""
    codes = np.zeros(GRID.shape, np.uint8)
    codes[:, :col] = 1
    return codes


def read(path: Path) -> Codes:
    with rasterio.open(path) as raster:
        found: Codes = raster.read(1)
    return found


@given(several)
def test_all_agree_or_nobody_knows(said: list[npt.NDArray[np.uint8]]) -> None:
    found = agreed(said, len(said))
    stacked = np.stack(said)
    for code in (0, 1):
        np.testing.assert_array_equal(found == code, (stacked == code).all(axis=0))


@given(several, st.integers(1, 5))
def test_a_majority_of_enough_decides(said: list[npt.NDArray[np.uint8]], agree: int) -> None:
    found = agreed(said, agree)
    water, land = (np.stack(said) == 1).sum(axis=0), (np.stack(said) == 0).sum(axis=0)
    np.testing.assert_array_equal(found == 1, (water >= agree) & (water > land))
    np.testing.assert_array_equal(found == 0, (land >= agree) & (land > water))
    np.testing.assert_array_equal(agreed(said[::-1], agree), found)


def test_pixels_are_unknown_where_sources_differ(tmp_path: Path) -> None:
    codes = half(25)
    codes[:5] = 255
    sources = [write_water(tmp_path / "a.tif", half(30), GRID), write_water(tmp_path / "b.tif", codes, GRID)]
    made = make_consensus([LabelSource(path) for path in sources], tmp_path / "out.tif")
    found = read(made.path)
    assert (found[5:, :25] == 1).all()
    assert (found[5:, 25:30] == 255).all()
    assert (found[5:, 30:] == 0).all()
    assert (found[:5] == 255).all()
    assert made.pixels == {0: 30 * 55, 1: 25 * 55, 255: 60 * 5 + 5 * 55}
    assert (made.differ, made.by_shores, made.too_few) == (5 * 55, 0, 60 * 5)
    assert made.areas_m2[1] == pytest.approx(25 * 55 * 100, rel=1e-2)
    assert (tmp_path / "out.qml").is_file()
    with rasterio.open(made.path) as raster:
        assert raster.tags()["WATERMAP_AGREE"] == "2 of 2"
        assert raster.tags()[LABEL_TAG] == "consensus"
        assert raster.tags()["WATERMAP_SOURCE_2"] == "b.tif"


def test_a_coarse_source_says_nothing_beside_its_shorelines(tmp_path: Path) -> None:
    fine = write_water(tmp_path / "fine.tif", half(30), GRID)
    coarse = write_water(tmp_path / "coarse.tif", half(30)[1::3, 1::3], make_grid(20, 20, pixel=30))
    made = make_consensus([LabelSource(fine), LabelSource(coarse)], tmp_path / "out.tif")
    assert made.bands_px == (0, 3)
    expected = half(30)
    expected[:, 27:33] = 255
    np.testing.assert_array_equal(read(made.path), expected)
    assert (made.differ, made.by_shores, made.too_few) == (0, 6 * 60, 0)


@pytest.mark.parametrize(
    ("content_m", "ignore", "bands"), [(None, 0, (0, 0)), (30.0, 0, (0, 3)), (25.0, 0, (0, 3)), (30.0, 5, (5, 5))]
)
def test_what_is_coarser_than_its_pixels_is_stated(
    tmp_path: Path, content_m: float | None, ignore: int, bands: tuple[int, int]
) -> None:
    paths = [write_water(tmp_path / f"{name}.tif", half(30), GRID) for name in "ab"]
    sources = [LabelSource(paths[0]), LabelSource(paths[1], content_m)]
    made = make_consensus(sources, tmp_path / "out.tif", ConsensusConfig(ignore_shore_px=ignore))
    assert made.bands_px == bands
    np.testing.assert_array_equal(read(made.path) == 255, beside_shores(half(30), max(bands)))


def test_silence_beside_a_shore_leaves_it_to_the_others(tmp_path: Path) -> None:
    paths = [
        write_water(tmp_path / f"{name}.tif", half(col), GRID) for name, col in zip("abc", (30, 30, 36), strict=True)
    ]
    sources = [LabelSource(paths[0]), LabelSource(paths[1]), LabelSource(paths[2], 30)]
    two = read(make_consensus(sources, tmp_path / "two.tif", ConsensusConfig(agree=2)).path)
    np.testing.assert_array_equal(two, half(30))
    every = read(make_consensus(sources, tmp_path / "all.tif").path)
    assert (every[:, 30:39] == 255).all()
    assert (every[:, :30] == 1).all()


def test_blocks_of_rows_give_what_the_whole_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes = [rng.choice(CODES, GRID.shape, p=(0.48, 0.48, 0.04)).astype(np.uint8).repeat(3, 0)[:60] for _ in range(2)]
    sources = [LabelSource(write_water(tmp_path / f"{n}.tif", c, GRID), 20 + 20 * n) for n, c in enumerate(codes)]
    whole = make_consensus(sources, tmp_path / "whole.tif", ConsensusConfig(agree=1))
    monkeypatch.setattr(module, "_BLOCK_ROWS", 7)
    pieces = make_consensus(sources, tmp_path / "pieces.tif", ConsensusConfig(agree=1))
    np.testing.assert_array_equal(read(pieces.path), read(whole.path))
    assert (pieces.differ, pieces.by_shores, pieces.too_few) == (whole.differ, whole.by_shores, whole.too_few)
    assert pieces.pixels == whole.pixels


def test_a_finer_source_that_is_not_named_first_is_told(tmp_path: Path) -> None:
    coarse = write_water(tmp_path / "coarse.tif", half(30)[1::3, 1::3], make_grid(20, 20, pixel=30))
    fine = write_water(tmp_path / "fine.tif", half(30), GRID)
    made = make_consensus([LabelSource(coarse), LabelSource(fine)], tmp_path / "out.tif")
    assert read(made.path).shape == (20, 20)
    assert "fine.tif: its pixels of 10 m are finer than the 30 m" in made.notes[0]


def test_what_makes_no_consensus_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    one, two = (write_water(tmp_path / f"{name}.tif", half(30), GRID) for name in "ab")
    far = write_water(tmp_path / "far.tif", half(30), make_grid(left=900_000))
    out = tmp_path / "out" / "label.tif"
    with pytest.raises(UsageError, match="two labels or more"):
        make_consensus([LabelSource(one)], out)
    with pytest.raises(UsageError, match="given twice"):
        make_consensus([LabelSource(one), LabelSource(one)], out)
    with pytest.raises(UsageError, match="3 of 2 sources"):
        make_consensus([LabelSource(one), LabelSource(two)], out, ConsensusConfig(agree=3))
    with pytest.raises(UsageError, match="is one of the files that are read"):
        make_consensus([LabelSource(one), LabelSource(two)], one)
    with pytest.raises(DataError, match="share no ground"):
        make_consensus([LabelSource(one), LabelSource(far)], out)
    assert not out.parent.exists()
