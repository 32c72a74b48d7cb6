"""Index and water rasters in strips, beside numpy on whole arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from scipy import ndimage

from tests.maps.lakes import COLS, ROWS, lake_values, reflectance, write_lakes
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import make_grid, write_tif
from tests.support.waters import write_water
from watermap.config import IndexConfig
from watermap.errors import DataError
from watermap.io.raster import open_raster
from watermap.maps import index_rasters
from watermap.maps.index_rasters import IndexRasters, write_index
from watermap.scenes import edges
from watermap.scenes.edges import HALO, beside_edges
from watermap.scenes.indices import INDICES
from watermap.scenes.thresholds import index_histogram, otsu_threshold


def _made(scene: Path, out: Path, clouds: Path | None = None, **settings: Any) -> IndexRasters:
    with open_raster(scene) as raster:
        return write_index(raster, out, IndexConfig.load(**settings), clouds=clouds)


def _read(path: Path) -> tuple[np.ndarray, dict[str, str]]:
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.tags()


@pytest.mark.parametrize("name", INDICES)
def test_an_index_raster_holds_the_index_on_the_scenes_grid(name: str, tmp_path: Path) -> None:
    values = lake_values()
    scene = write_lakes(tmp_path / "lakes_20230607.tif", values)
    made = _made(scene, tmp_path / "out", index=name)
    assert (made.water, made.threshold) == (None, None)
    assert listing(tmp_path / "out") == [f"lakes_20230607_{name}.tif"]
    assert cog_validate(made.index, strict=True)[0]
    with rasterio.open(made.index) as dataset, rasterio.open(scene) as source:
        assert (dataset.crs, dataset.transform, dataset.shape) == (source.crs, source.transform, source.shape)
        assert (dataset.dtypes, np.isnan(dataset.nodata)) == (("float32",), True)
        assert dataset.descriptions == (f"{INDICES[name].title} = {INDICES[name].formula}",)
        found, tags = dataset.read(1), dataset.tags()
    valid = (values != 0).any(axis=0)
    expected = INDICES[name](*reflectance(values, *INDICES[name].bands))
    np.testing.assert_array_equal(np.isnan(found), ~valid)
    np.testing.assert_allclose(found[valid], expected[valid], atol=1e-6)
    assert (tags["WATERMAP_INDEX"], tags["DATE"]) == (name, "2023-06-07")
    assert "WATERMAP_INDEX_THRESHOLD" not in tags
    assert (made.valid_pixels, made.pixels) == (valid.sum(), valid.size)


@pytest.mark.parametrize(("name", "threshold"), [("ndwi", 0), ("mndwi", 0.35), ("ndvi", 0), ("awei_sh", -0.05)])
def test_water_lies_beyond_a_stated_threshold(name: str, threshold: float, tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "lakes.tif")
    made = _made(scene, tmp_path / "out", index=name, threshold=threshold)
    assert made.water is not None
    assert listing(tmp_path / "out") == [f"lakes_{name}.tif", "lakes_water.tif"]
    values, _ = _read(made.index)
    codes, tags = _read(made.water.water)
    expected = (values < threshold) if name == "ndvi" else (values > threshold)
    np.testing.assert_array_equal(codes, np.where(np.isnan(values), 255, expected))
    assert tags["WATERMAP_INDEX"] == name
    assert (tags["WATERMAP_INDEX_THRESHOLD"], tags["WATERMAP_INDEX_RULE"]) == (f"{threshold:g}", "stated")
    assert made.water.water_pixels == (codes == 1).sum() > 1000
    assert cog_validate(made.water.water, strict=True)[0]


@pytest.mark.parametrize("rule", ["otsu", "edge-otsu"])
@pytest.mark.parametrize("name", ["ndwi", "mndwi", "ndvi"])
@pytest.mark.parametrize("strip", [1, 7, 100, ROWS])
def test_a_threshold_found_in_strips_is_that_of_the_whole(
    rule: str, name: str, strip: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_rasters, "_STRIP_PIXELS", strip * COLS)
    monkeypatch.setattr(edges, "_ROWS", 33)
    made = _made(write_lakes(tmp_path / "lakes.tif"), tmp_path / "out", index=name, threshold=rule)
    values, _ = _read(made.index)
    index = INDICES[name]
    wide = np.pad(values, ((HALO, HALO), (0, 0)), constant_values=np.nan)
    chosen = values[np.isfinite(values)] if rule == "otsu" else values[beside_edges(wide, index.value_range)]
    assert len(chosen) > 500
    assert made.threshold is not None
    assert made.threshold.value == pytest.approx(otsu_threshold(index_histogram(chosen)), abs=1e-4)
    assert (made.threshold.rule, made.threshold.note) == (rule, None)
    assert made.water is not None
    codes, tags = _read(made.water.water)
    beyond = index.is_water(values, float(tags["WATERMAP_INDEX_THRESHOLD"]))  # the tag tells all of it
    np.testing.assert_array_equal(codes, np.where(np.isnan(values), 255, beyond))
    assert tags["WATERMAP_INDEX_RULE"] == rule


@pytest.mark.parametrize(
    ("rule", "told"), [("otsu", "its histogram"), ("edge-otsu", "what lies beside its sharp edges")]
)
def test_a_scene_of_one_mode_is_told_and_zero_is_taken(rule: str, told: str, tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "land.tif", lake_values(water=0.0))
    made = _made(scene, tmp_path / "out", index="ndwi", threshold=rule)
    assert made.threshold is not None
    assert made.threshold.value == 0
    (note,) = made.notes
    assert note == f"{scene}: NDWI shows no two modes in {told}, so 0 is the threshold"
    assert made.water is not None
    assert made.water.notes == made.notes
    assert _read(made.water.water)[1]["WATERMAP_INDEX_THRESHOLD"] == "0"


def test_edges_find_water_that_is_too_rare_for_otsu(tmp_path: Path) -> None:
    values = lake_values(water=0.004)
    values[3] = np.where(values[3] > 1000, values[3] // np.linspace(1, 3, COLS).astype(int)[None], values[3])
    made = _made(write_lakes(tmp_path / "rare.tif", values), tmp_path / "out", index="ndwi", threshold="edge-otsu")
    assert made.threshold is not None
    assert made.threshold.note is None
    assert -0.3 < made.threshold.value < 0.4


def test_under_clouds_there_is_neither_index_nor_water_nor_a_say(tmp_path: Path) -> None:
    values = lake_values()
    values[:, 200:, :] = np.array([6000, 6000, 6000, 5000, 3000, 2000])[:, None, None]
    scene = write_lakes(tmp_path / "lakes.tif", values)
    cloudy = np.zeros((ROWS, COLS), dtype=np.uint8)
    cloudy[195:] = 1
    mask = write_water(tmp_path / "mask.tif", cloudy, make_grid(COLS, ROWS))
    made = _made(scene, tmp_path / "out", mask, index="ndwi", threshold="otsu")
    assert made.water is not None
    assert made.threshold is not None
    index, tags = _read(made.index)
    assert np.isnan(index[195:]).all()
    assert not np.isnan(index[50:195]).any()
    assert (_read(made.water.water)[0][195:] == 255).all()
    assert made.threshold.value == pytest.approx(otsu_threshold(index_histogram(index[np.isfinite(index)])), abs=1e-4)
    assert tags["WATERMAP_CLOUDS"].startswith("sha256:")


def test_small_bodies_become_land_and_the_index_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_rasters, "_STRIP_PIXELS", 20 * COLS)
    scene = write_lakes(tmp_path / "lakes.tif")
    one, other = (
        _made(scene, tmp_path / str(least), index="ndwi", threshold=0.3, min_area_m2=least) for least in (0, 20_000)
    )
    assert one.index.read_bytes() == other.index.read_bytes()
    assert one.water is not None
    assert other.water is not None
    (before, _), (after, tags) = _read(one.water.water), _read(other.water.water)
    bodies, _ = ndimage.label(before == 1)
    small = (np.bincount(bodies.ravel()) < 200)[bodies] & (before == 1)
    assert small.sum() > 100
    np.testing.assert_array_equal(after, np.where(small, 0, before))
    assert other.water.water_pixels == (after == 1).sum()
    assert tags["WATERMAP_MIN_AREA_M2"] == "20000"


def test_a_map_replaces_one_of_another_threshold_and_not_its_own_again(tmp_path: Path) -> None:
    scene = write_lakes(tmp_path / "lakes.tif")
    replaces = []
    for threshold in (0, 0, 0.1):
        made = _made(scene, tmp_path / "out", index="ndwi", threshold=threshold)
        assert made.water is not None
        replaces.append(made.water.replaces)
    assert replaces == [False, False, True]


def test_scale_and_offset_are_taken_and_wrong_numbers_refused(tmp_path: Path) -> None:
    values = lake_values()
    plain = _read(_made(write_lakes(tmp_path / "plain.tif", values), tmp_path / "out", index="awei_nsh").index)[0]
    shifted = np.where(values == 0, 0, values + 1000).astype(np.uint16)
    path = write_lakes(tmp_path / "shifted.tif", shifted)
    with pytest.raises(DataError, match="offset seems to be left in") as error:
        _made(path, tmp_path / "out", index="awei_nsh")
    assert "--offset -1000" in one_line(error)
    found = _read(_made(path, tmp_path / "out", index="awei_nsh", offset=-1000).index)[0]
    np.testing.assert_allclose(found, plain, atol=1e-5)
    with pytest.raises(DataError, match="state it with --scale 1"):
        _made(write_lakes(tmp_path / "unit.tif", (values / 1e4).astype(np.float32)), tmp_path / "out")
    assert listing(tmp_path / "out") == ["plain_awei_nsh.tif", "shifted_awei_nsh.tif"]


def test_a_scene_without_the_bands_is_told_what_it_has_the_bands_of(tmp_path: Path) -> None:
    scene = write_tif(tmp_path / "two.tif", lake_values()[[1, 3]], make_grid(COLS, ROWS), names=["green", "nir"])
    with pytest.raises(DataError) as error:
        _made(scene, tmp_path / "out", index="mndwi")
    assert one_line(error).endswith("band B11 is missing (it has B3, B8): it has the bands of --index ndwi")
    red = write_tif(tmp_path / "red.tif", lake_values()[[2]], make_grid(COLS, ROWS), names=["red"])
    with pytest.raises(DataError, match="bands B3, B8 are missing"):
        _made(red, tmp_path / "out", index="ndwi")
    assert not (tmp_path / "out").exists()


def test_what_ends_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_rasters, "_STRIP_PIXELS", 50 * COLS)
    scene = write_lakes(tmp_path / "lakes.tif")

    def interrupt(message: str, done: int, total: int) -> None:
        if message == "ndwi: rows" and done > 100:
            raise KeyboardInterrupt

    with open_raster(scene) as raster, pytest.raises(KeyboardInterrupt):
        write_index(raster, tmp_path / "out", IndexConfig(threshold=0.0), progress=interrupt)
    assert listing(tmp_path) == ["lakes.tif"]


@pytest.mark.parametrize("rows", [50, 150])
def test_strips_are_whole_blocks_of_the_file(rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_rasters, "_STRIP_PIXELS", rows * COLS)
    tiled = write_lakes(tmp_path / "tiled.tif", tiled=True, blockxsize=128, blockysize=128)
    ends: list[int] = []
    with open_raster(tiled) as raster:
        write_index(raster, tmp_path / "out", IndexConfig(), progress=lambda _, done, __: ends.append(done))
    assert ends == [128, 256, ROWS]
