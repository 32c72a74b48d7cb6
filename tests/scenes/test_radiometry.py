from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bundles import STATISTICS
from tests.support.rasters import make_grid, write_tif
from watermap.bands import SENSORS, Radiometry
from watermap.errors import DataError
from watermap.io.products import find_scene
from watermap.io.raster import open_raster
from watermap.scenes.radiometry import Statistics, scene_radiometry, to_expected, to_reflectance, usual_statistics

PLAIN = Radiometry(scale=1e-4, offset=0)
NAMES = ("B2", "B3", "B4", "B8", "B11", "B12")


def check(
    path: Path, *, expected: Radiometry = PLAIN, offset: float | None = None, scale: float | None = None
) -> Radiometry:
    with open_raster(path) as raster:
        return scene_radiometry(raster, range(6), expected=expected, statistics=STATISTICS, offset=offset, scale=scale)


def scene(path: Path, values: np.ndarray, no_data: float | None = None) -> Path:
    return write_tif(path, values, make_grid(values.shape[2], values.shape[1]), names=NAMES, no_data=no_data)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).integers(100, 3000, (6, 40, 50)).astype(np.uint16)


def test_statistics_equal_numpy() -> None:
    pixels = np.random.default_rng(0).normal(1000, 300, (5000, 3))
    found = Statistics.of(pixels)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0))
    np.testing.assert_allclose(found.std, pixels.std(axis=0))
    np.testing.assert_allclose(found.low, np.percentile(pixels, 0.1, axis=0))
    np.testing.assert_allclose(found.bright, np.percentile(pixels, 99, axis=0))


@given(
    st.floats(1, 10_000),
    st.sampled_from([1e-4, 1.0, 1 / 255]),
    st.sampled_from([0, -1000, 12.5]),
    st.sampled_from([1e-4, 1.0]),
    st.sampled_from([0, -1000]),
)
def test_numbers_keep_their_reflectance(
    value: float, scale: float, offset: float, scale2: float, offset2: float
) -> None:
    there = Radiometry(scale2, offset2)
    moved = to_expected(np.array([value]), Radiometry(scale, offset), there)
    np.testing.assert_allclose(to_reflectance(moved, there), (value + offset) * scale, rtol=1e-4, atol=1e-4)


def test_a_scene_like_training_passes(values: np.ndarray, tmp_path: Path) -> None:
    assert check(scene(tmp_path / "x.tif", values)) == PLAIN


def test_an_offset_left_in_is_noticed_and_the_remedy_named(values: np.ndarray, tmp_path: Path) -> None:
    path = scene(tmp_path / "x.tif", values + 1000)
    with pytest.raises(DataError, match="left in: state it with --offset -1000, or --offset 0 if"):
        check(path)
    assert check(path, offset=-1000) == Radiometry(1e-4, -1000)
    assert check(path, offset=0) == PLAIN  # the user's word


def test_landsats_own_numbers_are_not_taken_for_an_offset(values: np.ndarray, tmp_path: Path) -> None:
    landsat = np.rint((values / 1e4 + 0.2) / 2.75e-5).astype(np.uint16)
    with pytest.raises(DataError, match=r"seem to be Landsat's own numbers.* give the product's folder with its MTL"):
        check(scene(tmp_path / "x.tif", landsat))
    assert check(scene(tmp_path / "x.tif", landsat), scale=2.75e-5, offset=-7272.7) == Radiometry(2.75e-5, -7272.7)


def test_plain_numbers_are_not_those_of_the_sensor_that_is_stated(values: np.ndarray, tmp_path: Path) -> None:
    path = scene(tmp_path / "x.tif", values)
    with open_raster(find_scene(path, sensor=SENSORS["landsat-8-9"])) as raster:
        with pytest.raises(DataError, match=r"not the numbers of Landsat 8 or 9: state what they are, e.g. --scale"):
            scene_radiometry(raster, range(6), expected=PLAIN, statistics=STATISTICS)
        assert scene_radiometry(raster, range(6), expected=PLAIN, statistics=STATISTICS, scale=1e-4, offset=0) == PLAIN


@pytest.mark.parametrize(("added", "offset"), [(2000, -1000.0), (0, -1000.0)])
def test_what_the_user_states_wins_but_a_doubt_is_remarked(
    added: int, offset: float, values: np.ndarray, tmp_path: Path
) -> None:
    with open_raster(scene(tmp_path / "x.tif", values + added)) as raster:
        for _ in range(2):
            assert scene_radiometry(
                raster, range(6), expected=PLAIN, statistics=STATISTICS, offset=offset
            ) == Radiometry(1e-4, offset)
        assert len(raster.notes) == 1
        assert f"with --offset {offset:g} its darkest pixels" in raster.notes[0]


def test_numbers_far_darker_than_training_are_remarked(values: np.ndarray, tmp_path: Path) -> None:
    with open_raster(scene(tmp_path / "x.tif", values // 10)) as raster:
        scene_radiometry(raster, range(6), expected=PLAIN, statistics=STATISTICS)
        assert "if this is not open water, state the right --scale" in raster.notes[0]


def test_a_scene_without_the_offset_that_training_had_is_noticed(values: np.ndarray, tmp_path: Path) -> None:
    shifted = Statistics(**{name: tuple(v + 1000 for v in value) for name, value in STATISTICS.model_dump().items()})
    raw = Radiometry(1e-4, -1000)
    with open_raster(scene(tmp_path / "x.tif", values)) as raster, pytest.raises(DataError, match="--offset 0, or"):
        scene_radiometry(raster, range(6), expected=raw, statistics=shifted)
    with open_raster(scene(tmp_path / "y.tif", values + 1000)) as raster:
        assert scene_radiometry(raster, range(6), expected=raw, statistics=shifted) == raw


@pytest.mark.parametrize("number", [1, 1000, 9000])
def test_a_uniform_scene_has_no_dark_end_to_judge(number: int, tmp_path: Path) -> None:
    values = np.full((6, 40, 40), number, dtype=np.uint16)
    values[:, 0, 0] = 3
    assert check(scene(tmp_path / "x.tif", values)) == PLAIN


def test_open_sea_is_dark_and_fine(tmp_path: Path) -> None:
    assert (
        check(scene(tmp_path / "x.tif", np.random.default_rng(0).integers(1, 300, (6, 40, 40)).astype(np.uint16)))
        == PLAIN
    )


@pytest.mark.parametrize(
    ("factor", "dtype", "remedy"),
    [(1e-4, "float32", "--scale 1"), (255 / 3000, "uint8", "8-bit"), (20, "uint16", "reach")],
)
def test_numbers_of_another_scale_are_noticed(
    factor: float, dtype: str, remedy: str, values: np.ndarray, tmp_path: Path
) -> None:
    path = scene(tmp_path / "x.tif", (values * factor).astype(dtype))
    with pytest.raises(DataError, match=remedy):
        check(path)


def test_a_scene_without_data_is_refused(values: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no valid pixel"):
        check(scene(tmp_path / "x.tif", np.full_like(values, 65535), no_data=65535))


def test_the_few_valid_pixels_of_a_large_scene_are_found(tmp_path: Path) -> None:
    values = np.zeros((6, 1700, 1800), dtype=np.uint16)
    values[:, 300:310, 300:310] = np.random.default_rng(0).integers(100, 3000, (6, 10, 10))
    assert check(scene(tmp_path / "x.tif", values, no_data=0)) == PLAIN


def test_without_training_numbers_are_held_against_what_is_usual(tmp_path: Path) -> None:
    values = np.full((6, 40, 40), 2500, dtype=np.uint16)
    values[:, :20] = 1100  # water, with the offset left in
    path = scene(tmp_path / "raw.tif", values)
    with open_raster(path) as raster, pytest.raises(DataError, match="offset seems to be left in"):
        scene_radiometry(raster, (1, 3), expected=PLAIN, statistics=usual_statistics(2))
    values[:, :20] = 100
    with open_raster(scene(tmp_path / "right.tif", values)) as raster:
        assert scene_radiometry(raster, (1, 3), expected=PLAIN, statistics=usual_statistics(2)) == PLAIN
