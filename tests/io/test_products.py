"""Scenes whose bands lie in a file each."""

from __future__ import annotations

import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.warp import reproject
from rasterio.windows import Window

from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import UTM32, make_grid, write_scene, write_tif
from tests.support.s3 import Bucket
from tests.support.safes import (
    FINE,
    NAME,
    SIZE,
    TILE,
    Bands,
    band_file,
    band_values,
    code_of,
    metadata_text,
    transform_of,
    write_band,
    write_safe,
)
from watermap.bands import SENTINEL2, STANDARD_BANDS, Radiometry
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import DataError, UsageError
from watermap.geo.grid import Grid
from watermap.io.gdal import open_dataset, raster_files
from watermap.io.paths import location
from watermap.io.products import band_of
from watermap.io.raster import Pixels, open_raster
from watermap.prediction.many import predict_scenes
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.prediction.skip import predict_once
from watermap.scenes.find import find_images, output_name

GRID = Grid(UTM32, transform_of(10), SIZE, SIZE)
CONFIG = PredictConfig(window=64, overlap=16, probability="float")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.fixture
def bands() -> Bands:
    return band_values()


@pytest.fixture
def safe(tmp_path: Path, bands: Bands) -> Path:
    return write_safe(tmp_path, bands)


def at_10_m(values: npt.NDArray[Any], pixel: float) -> npt.NDArray[Any]:
    """What GDAL's warper makes of a band on the grid of 10 m."""
    found = np.zeros(GRID.shape, values.dtype)
    reproject(
        values,
        found,
        src_transform=transform_of(pixel),
        dst_transform=transform_of(10),
        src_crs=UTM32,
        dst_crs=UTM32,
        resampling=Resampling.bilinear,
    )
    return found


def stacked(bands: Bands) -> npt.NDArray[Any]:
    """(bands, rows, cols) at 10 m."""
    return np.stack([at_10_m(values, SENTINEL2[band].pixel_size_m) for band, values in bands.items()])


def one_tif(path: Path, bands: Bands) -> Path:
    """The same data as one GeoTIFF that states the offset."""
    write_tif(path, stacked(bands), GRID, names=tuple(bands), no_data=65535)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4,) * len(bands), (-0.1,) * len(bands)
    return path


def read(path: Path) -> Pixels:
    with open_raster(path) as raster:
        return raster.read()


def names_of(path: Path) -> tuple[str | None, ...]:
    with open_raster(path) as raster:
        return raster.names


def write_folder(folder: Path, bands: Bands, suffix: str = ".tif", **options: Any) -> Path:
    """A plain folder of band files; returns it."""
    for band, values in bands.items():
        write_band(folder / f"{code_of(band)}{suffix}", values, SENTINEL2[band].pixel_size_m, **options)
    return folder


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("B02", "B2"),
        ("B2", "B2"),
        (f"{TILE}_B8A_20m", "B8A"),
        (f"{TILE}_B11", "B11"),
        ("HLS.S30.T32TPT.2023158T101559.v2.0.B12", "B12"),
        ("red", "B4"),
        ("S2A_32TPT_20230607_0_L2A_nir", "B8"),
        ("swir16", "B11"),
        ("rededge1", "B5"),
        (f"{TILE}_SCL_20m", None),
        (f"{TILE}_TCI_10m", None),
        (f"{TILE}_AOT_10m", None),
        (f"MSK_DETFOO_{TILE}_B02", None),
        ("B02_mask", None),
        ("B02_water", None),
        ("ndwi_B3_B8", None),
        ("near_infra_red", None),
        ("LC08_L2SP_193027_20230607_20230614_02_T1_SR_B2", None),
        ("HLS.L30.T32TPT.2023158T101559.v2.0.B05", None),
        ("image", None),
    ],
)
def test_a_band_is_told_by_the_name_of_its_file(name: str, band: str | None) -> None:
    assert band_of(name) == band


def test_a_product_is_one_raster_on_the_grid_of_its_finest_bands(safe: Path, bands: Bands) -> None:
    with open_raster(safe) as raster:
        assert raster.path == safe
        assert raster.grid.same_as(GRID)
        assert raster.names == STANDARD_BANDS
        assert raster.dtype == np.uint16
        assert raster.find(["B11", "B3"]) == (4, 1)
        assert raster.radiometry(range(6)) == Radiometry(1e-4, -1000)
        pixels = raster.read()
        assert raster.notes == []
    for band in FINE:
        np.testing.assert_array_equal(pixels.values[STANDARD_BANDS.index(band)], bands[band])
    np.testing.assert_array_equal(pixels.values, stacked(bands))
    assert pixels.valid.all()


def test_all_bands_are_there_with_the_standard_ones_first(tmp_path: Path) -> None:
    bands = band_values(bands=tuple(band for band in SENTINEL2 if band != "B10"))
    safe = write_safe(tmp_path, bands)
    with open_raster(safe) as raster:
        assert raster.names == (*STANDARD_BANDS, "B5", "B6", "B7", "B8A", "B1", "B9")
        values = raster.read().values
        for band in ("B5", "B1", "B9"):
            expected = at_10_m(bands[band], SENTINEL2[band].pixel_size_m)
            rounding = 1 if band in ("B1", "B9") else 0  # of what lies half-way between two numbers
            np.testing.assert_allclose(values[raster.names.index(band)].astype(int), expected, atol=rounding)


def test_windows_are_pieces_of_the_whole(tmp_path: Path) -> None:
    bands = band_values(bands=("B2", "B11", "B1"))
    bands["B11"][10:14, 20:30] = 0
    bands["B1"][:3] = 0
    rng = np.random.default_rng(0)
    with open_raster(write_safe(tmp_path, bands)) as raster:
        whole = raster.read()
        for _ in range(50):
            left, top = rng.integers(0, SIZE - 1, 2)
            window = Window(left, top, rng.integers(1, SIZE - left + 1), rng.integers(1, SIZE - top + 1))
            piece = raster.read(window=window)
            rows, cols = window.toslices()
            np.testing.assert_array_equal(piece.values, whole.values[:, rows, cols])
            np.testing.assert_array_equal(piece.valid, whole.valid[rows, cols])


def test_a_product_of_level_1c_is_read_too(tmp_path: Path) -> None:
    bands = band_values(bands=("B2", "B3", "B11", "B10"))
    safe = write_safe(tmp_path, bands, level="1C")
    with open_raster(safe) as raster:
        assert raster.names == ("B2", "B3", "B11", "B10")
        assert raster.radiometry((0, 2)) == Radiometry(1e-4, -1000)
        np.testing.assert_array_equal(raster.read((0, 1, 2)).values, stacked(bands)[:3])
    images = band_file(safe, "B2").parent
    with open_raster(images) as raster:  # its metadata lie above
        assert raster.radiometry((0, 2)) == Radiometry(1e-4, -1000)


def test_of_each_band_the_finest_file_is_taken(safe: Path, bands: Bands) -> None:
    coarse = np.full((SIZE // 2, SIZE // 2), 7, np.uint16)
    for band in FINE:
        write_band(band_file(safe, band).parents[1] / "R20m" / f"{TILE}_{code_of(band)}_20m.jp2", coarse, 20)
    write_band(band_file(safe, "B11").parents[1] / "R60m" / f"{TILE}_B11_60m.jp2", coarse[::3, ::3], 60)
    np.testing.assert_array_equal(read(safe).values, stacked(bands))


def test_the_offset_is_the_metadatas(tmp_path: Path, bands: Bands) -> None:
    old = write_safe(tmp_path / "old", bands, offset=None)
    with open_raster(old) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, 0)
    text = metadata_text([], level="2A", offset=-500, quantification=20_000)
    (old / "MTD_MSIL2A.xml").write_text(text.replace('band_id="3">-500', 'band_id="3">-600'))
    with open_raster(old) as raster:
        assert raster.radiometry((0,)) == Radiometry(5e-5, -500)
        assert raster.radiometry((2,)) == Radiometry(5e-5, -600)
        with pytest.raises(DataError, match="different scales and offsets"):
            raster.radiometry((0, 2))


def test_zero_in_one_band_of_a_product_is_no_data_where_that_band_is_in_use(tmp_path: Path, bands: Bands) -> None:
    bands["B2"][:10, :30] = 0
    bands["B11"][40:50, 20:23] = 0
    with open_raster(write_safe(tmp_path, bands)) as raster:
        for positions, hidden in (((0,), np.s_[:10, :30]), ((4, 1), np.s_[80:100, 40:46])):
            expected = np.ones(GRID.shape, bool)
            expected[hidden] = False
            np.testing.assert_array_equal(raster.read(positions).valid, expected)
        assert raster.read((1, 5)).valid.all()
        values = raster.read((4,)).values[0]
    shown = bands["B11"][bands["B11"] > 0]
    assert values[values != 65535].min() >= shown.min()  # no zero was mixed in


@pytest.mark.parametrize("no_data", [0, 65535, None])
def test_a_plain_folder_keeps_the_no_data_of_its_files(no_data: int | None, tmp_path: Path, bands: Bands) -> None:
    for band, values in bands.items():
        values[: 10 if band in FINE else 5] = 0 if no_data is None else no_data
    bands["B2"][50, 50] = 0  # a dark lake
    with open_raster(write_folder(tmp_path / "lake", bands, nodata=no_data)) as raster:
        assert raster.no_data == no_data
        assert raster.radiometry(range(6)) is None
        pixels = raster.read()
    np.testing.assert_array_equal(pixels.valid, np.broadcast_to(np.arange(SIZE)[:, None] >= 10, GRID.shape))
    values = pixels.values[4, 10:]
    assert 1100 <= values.min() <= values.max() < 4000


def test_numbers_with_fractions_are_stacked(tmp_path: Path, bands: Bands) -> None:
    fractions = {band: (values / 10_000).astype(np.float32) for band, values in bands.items()}
    fractions["B11"][30:40] = np.nan
    pixels = read(write_folder(tmp_path / "lake", fractions, nodata=np.nan))
    np.testing.assert_array_equal(pixels.values[0], fractions["B2"])
    assert not pixels.valid[60:80].any()
    inner = np.s_[:58]
    np.testing.assert_allclose(pixels.values[4][inner], at_10_m(fractions["B11"], 20)[inner], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_a_plain_folder_of_bands_is_one_scene(suffix: str, tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake.2023", bands, suffix)
    write_band(folder / f"SCL{suffix}", np.full((60, 60), 6, np.uint8), 20)
    write_band(folder / f"TCI{suffix}", np.full((3, SIZE, SIZE), 6, np.uint8), 10)
    (folder / "metadata.json").write_text("{}")
    assert find_images([folder]) == [folder]
    assert output_name(folder) == "lake.2023"
    assert names_of(folder) == STANDARD_BANDS
    np.testing.assert_array_equal(read(folder).values, stacked(bands))


def test_what_the_files_of_a_plain_folder_state_counts(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands)
    for path in folder.iterdir():
        with rasterio.open(path, "r+") as dataset:
            dataset.scales, dataset.offsets = (1e-4,), (-0.1,)
    with open_raster(folder) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, -1000)


def test_metadata_in_a_plain_folder_count(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands, ".jp2")
    (folder / "MTD_MSIL2A.xml").write_text(metadata_text([], level="2A", offset=-1000))
    with open_raster(folder) as raster:
        assert raster.radiometry(range(6)) == Radiometry(1e-4, -1000)


def test_a_folder_of_images_stays_one(tmp_path: Path) -> None:
    grid = make_grid(20, 20)
    image = np.ones((6, 20, 20), np.uint16)
    write_tif(tmp_path / "several" / "lake_b2.tif", image, grid)
    write_tif(tmp_path / "several" / "lake_b3.tif", image, grid)
    write_tif(tmp_path / "single" / "lake.tif", image[:1], grid)
    write_tif(tmp_path / "single" / "red.tif", image[:1], grid)
    write_tif(tmp_path / "mixed" / "lake.tif", image, grid)
    for code in ("B02", "B03"):
        write_tif(tmp_path / "mixed" / f"{code}.tif", image[:1], grid)
    for folder in ("several", "single", "mixed"):
        found = find_images([tmp_path / folder])
        assert [path.name for path in found] == listing(tmp_path / folder)


def test_a_folder_of_products_means_all_of_them(safe: Path, bands: Bands, tmp_path: Path) -> None:
    second = write_safe(tmp_path, bands, name=NAME.replace("20230607", "20230612"))
    plain = write_folder(tmp_path / "plain", bands)
    assert find_images([tmp_path]) == [safe, second, plain]
    assert find_images([f"{tmp_path}/*.SAFE"]) == [safe, second]
    assert [output_name(path) for path in find_images([safe, plain])] == [NAME, "plain"]
    write_scene(tmp_path, "lake", make_grid(20, 20))
    write_tif(tmp_path / "passed_over.tif", np.ones((1, 9, 9), np.uint8), make_grid(9, 9))
    assert find_images([tmp_path]) == [safe, second, tmp_path / "lake" / "image.tif", plain]
    with pytest.raises(UsageError, match="would both give"):
        find_images([safe, write_safe(tmp_path / "again", bands)])


def test_the_map_of_a_product_is_that_of_the_same_data_in_one_file(
    safe: Path, bands: Bands, bundle: Bundle, tmp_path: Path
) -> None:
    image = one_tif(tmp_path / "image" / f"{NAME}.tif", bands)
    predictor = Predictor(bundle, CONFIG)
    found, expected = (predict_scene(scene, predictor, tmp_path / name) for scene, name in ((safe, "a"), (image, "b")))
    assert found.water == tmp_path / "a" / f"{NAME}_water.tif"
    assert 0 < found.water_pixels < found.pixels
    for mine, other in ((found.water, expected.water), (found.probability, expected.probability)):
        assert mine is not None
        assert other is not None
        with rasterio.open(mine) as first, rasterio.open(other) as second:
            np.testing.assert_array_equal(first.read(), second.read())
            assert str(first.profile) == str(second.profile)  # nan is not nan
            assert len(first.tags()["WATERMAP_SCENE_SHA256"]) == 64
    assert not list(safe.rglob("*.xml.part")) + list(safe.rglob("*.vrt")) + list(safe.rglob("*.aux.xml"))


def test_an_offset_in_the_metadata_needs_no_stating(tmp_path: Path) -> None:
    sensitive = Predictor(make_bundle(tmp_path / "models" / "green", green_above=1200), CONFIG)
    raw = band_values()
    plain = {band: values - np.uint16(1000) for band, values in raw.items()}
    scenes = [
        write_safe(tmp_path / "plain", plain, offset=None, name="plain"),
        write_safe(tmp_path / "raw", raw, offset=-1000, name="raw"),
    ]
    first, second = (predict_scene(scene, sensitive, tmp_path / "out") for scene in scenes)
    assert 0 < first.water_pixels < first.pixels
    with rasterio.open(first.water) as one, rasterio.open(second.water) as other:
        np.testing.assert_array_equal(one.read(), other.read())


def test_one_broken_product_does_not_stop_the_others(safe: Path, bands: Bands, bundle: Bundle, tmp_path: Path) -> None:
    broken = write_safe(tmp_path, bands, name="broken")
    band_file(broken, "B12").unlink()
    scenes = find_images([tmp_path])
    assert scenes == [safe, broken]
    done, failed = predict_scenes(scenes, Predictor(bundle, CONFIG), tmp_path / "out")
    assert not isinstance(done[1], Exception)
    assert isinstance(failed[1], DataError)


@pytest.mark.parametrize("what", ["band", "metadata", "beside"])
def test_a_changed_file_is_noticed(what: str, safe: Path, bands: Bands, bundle: Bundle, tmp_path: Path) -> None:
    predictor = Predictor(bundle, CONFIG)
    assert predict_once(safe, predictor, tmp_path / "out")[1]
    assert not predict_once(safe, predictor, tmp_path / "out")[1]
    if what == "band":
        write_band(band_file(safe, "B12"), bands["B12"] + np.uint16(1), 20)
    elif what == "metadata":
        text = (safe / "MTD_MSIL2A.xml").read_text().replace(">-1000<", ">-900<")
        (safe / "MTD_MSIL2A.xml").write_text(text)
    else:
        band_file(safe, "B12").with_name(f"{band_file(safe, 'B12').name}.aux.xml").write_text("<PAMDataset/>")
    assert predict_once(safe, predictor, tmp_path / "out")[1]


def test_the_files_of_a_product_are_those_that_decide_its_pixels(safe: Path) -> None:
    write_band(band_file(safe, "B2").parents[1] / "R20m" / f"{TILE}_B02_20m.jp2", np.ones((60, 60), np.uint16), 20)
    assert [path.name for path in raster_files(safe)] == [
        *(f"{TILE}_{code_of(band)}_{'10m' if band in FINE else '20m'}.jp2" for band in STANDARD_BANDS),
        "MTD_MSIL2A.xml",
    ]


def test_an_archive_of_a_product_is_read_as_it_is(safe: Path, tmp_path: Path, bundle: Bundle) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "zips" / NAME), "zip", tmp_path, safe.name))
    assert find_images([archive.parent]) == find_images([archive]) == [archive]
    assert output_name(archive) == output_name(archive.with_name(f"{NAME}.SAFE.zip")) == NAME
    with open_raster(safe) as mine, open_raster(archive) as zipped:
        assert zipped.names == mine.names
        assert zipped.radiometry((0,)) == mine.radiometry((0,))
        np.testing.assert_array_equal(zipped.read().values, mine.read().values)
    assert raster_files(archive) == [archive]
    assert predict_once(archive, Predictor(bundle, CONFIG), tmp_path / "out")[1]
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(DataError, match="truncated or damaged zip") as error:
        read(archive)
    one_line(error)
    with zipfile.ZipFile(archive.with_name("other.zip"), "w") as other:
        other.writestr("a.txt", "hello")
    assert find_images([archive.parent]) == [archive]


def test_a_product_in_a_bucket_is_read_there(safe: Path, bundle: Bundle, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put_folder(safe, f"products/{safe.name}")
    place = location(f"{bucket.url}/products/{safe.name}")
    assert find_images([f"{bucket.url}/products"]) == find_images([str(place)]) == [place]
    assert output_name(place) == NAME
    with open_raster(safe) as mine, open_raster(place) as there:
        assert there.names == mine.names
        assert there.radiometry((0,)) == mine.radiometry((0,))
        np.testing.assert_array_equal(there.read().values, mine.read().values)
    assert [path.name for path in raster_files(place)] == [path.name for path in raster_files(safe)]
    predictor = Predictor(bundle, CONFIG)
    assert predict_once(place, predictor, tmp_path / "out")[1]
    assert not predict_once(place, predictor, tmp_path / "out")[1]
    spoiled = band_file(safe, "B4")
    bucket.put(f"products/{spoiled.relative_to(safe.parent)}", spoiled.read_bytes()[:-9000])
    with pytest.raises(DataError, match="truncated or damaged") as error:
        read(place)
    assert not getattr(error.value, "transient", False)
    bucket.remove(f"products/{spoiled.relative_to(safe.parent)}")
    with pytest.raises(DataError, match="is missing"):
        read(place)


def test_a_file_that_the_metadata_name_must_be_there(safe: Path) -> None:
    band_file(safe, "B3").unlink()
    with pytest.raises(DataError, match=f"{TILE}_B03_10m.jp2, which its metadata name, is missing") as error:
        read(safe)
    assert one_line(error).startswith(str(safe))
    assert find_images([safe]) == [safe]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no metadata", "has no MTD_MSIL2A.xml"),
        ("half metadata", "truncated or damaged metadata"),
        ("no quantification", "does not say what the scene's numbers mean"),
        ("no granule", "band files of 0 granules"),
        ("two granules", "band files of 2 granules"),
        ("empty file", "not a raster"),
        ("half a header", "damaged JPEG 2000"),
        ("several bands", "holds 2 bands, not B3 alone"),
        ("another place", "B2 and B3 do not cover the same ground"),
        ("another CRS", "B2 and B3 have different coordinate reference systems"),
    ],
)
def test_what_is_wrong_with_a_product_is_one_line(what: str, words: str, safe: Path, bands: Bands) -> None:
    metadata, band = safe / "MTD_MSIL2A.xml", band_file(safe, "B3")
    text = metadata.read_text()
    if what == "no metadata":
        metadata.unlink()
    elif what == "half metadata":
        metadata.write_text(text[: len(text) // 2])
    elif what == "no quantification":
        metadata.write_text(text.replace("BOA_QUANTIFICATION_VALUE", "OTHER"))
    elif what == "no granule":
        shutil.rmtree(safe / "GRANULE")
    elif what == "two granules":
        granule = band.parents[2]
        shutil.copytree(granule, granule.with_name("another"))
    elif what == "empty file":
        band.write_bytes(b"")
    elif what == "half a header":
        band.write_bytes(band.read_bytes()[:100])
    elif what == "several bands":
        write_band(band, np.stack([bands["B3"]] * 2), 10)
    elif what == "another place":
        write_band(band, bands["B3"], 10, transform=transform_of(10).translation(300_000, 5_000_000) @ transform_of(10))
    else:
        write_band(band, bands["B3"], 10, crs="EPSG:32633")
    with pytest.raises(DataError, match=words) as error:
        read(safe)
    one_line(error)


def test_two_scenes_in_one_folder_are_told(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands)
    write_band(folder / "20230612_B02.tif", bands["B2"], 10)
    assert find_images([folder]) == [folder]
    with pytest.raises(DataError, match=r"several files hold B2 \(20230612_B02.tif, B02.tif\)") as error:
        read(folder)
    one_line(error)


def test_a_mask_that_would_be_lost_is_told(tmp_path: Path, bands: Bands) -> None:
    folder = write_folder(tmp_path / "lake", bands)
    with rasterio.open(folder / "B03.tif", "r+") as dataset:
        dataset.write_mask(np.ones(GRID.shape, bool))
    with pytest.raises(DataError, match="has a mask") as error:
        read(folder)
    one_line(error)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_never_read_as_if_it_were_whole(
    share: float, tmp_path: Path, bands: Bands, bundle: Bundle
) -> None:
    safe = write_safe(tmp_path, bands, blockxsize=40, blockysize=40)  # several tiles: GDAL decodes them in threads
    spoiled = band_file(safe, "B11")
    write_band(tmp_path / "single" / "scene.jp2", np.stack([bands["B3"]] * 3), 10, blockxsize=40, blockysize=40)
    for path in (spoiled, tmp_path / "single" / "scene.jp2"):
        content = path.read_bytes()
        path.write_bytes(content[: int(1000 + share * (len(content) - 1000))])
    for scene in (safe, tmp_path / "single" / "scene.jp2"):
        with pytest.raises(DataError, match="truncated or damaged") as error:
            read(scene)
        assert one_line(error).startswith(str(scene)) or str(spoiled) in one_line(error)
    fails = pytest.raises(DataError, match="truncated or damaged")
    with fails, open_raster(safe) as raster, ThreadPoolExecutor(1) as pool:
        pool.submit(raster.read).result()
    with pytest.raises(DataError, match="truncated or damaged"):
        predict_scene(safe, Predictor(bundle, CONFIG), tmp_path / "out")
    assert not (tmp_path / "out").exists() or listing(tmp_path / "out") == []


def test_a_single_jpeg_2000_file_and_a_vrt_are_scenes(tmp_path: Path, bands: Bands, bundle: Bundle) -> None:
    whole = stacked(bands)
    image = one_tif(tmp_path / "lake.tif", bands)
    rasterio.shutil.copy(image, tmp_path / "linked.vrt", driver="VRT")
    write_band(tmp_path / "packed.jp2", whole, 10)
    np.testing.assert_array_equal(read(tmp_path / "packed.jp2").values, whole)
    np.testing.assert_array_equal(read(tmp_path / "linked.vrt").values, whole)
    predictor = Predictor(bundle, CONFIG)
    maps = [
        predict_scene(image, predictor, tmp_path / "out").water,
        predict_scene(tmp_path / "linked.vrt", predictor, tmp_path / "out").water,
        predict_scene(
            tmp_path / "packed.jp2",
            Predictor(bundle, CONFIG.model_copy(update={"offset": -1000.0})),
            tmp_path / "out",
            names=tuple(bands),
        ).water,
    ]
    codes = []
    for path in maps:
        with open_dataset(path) as dataset:
            codes.append(dataset.read(1))
    np.testing.assert_array_equal(codes[0], codes[1])
    np.testing.assert_array_equal(codes[0], codes[2])
