"""Products are mapped like the same data in one file, and never in part."""

from __future__ import annotations

import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.io.products import GRID, read, stacked
from tests.support.bundles import make_bundle
from tests.support.failures import one_line
from tests.support.folders import listing
from tests.support.rasters import write_tif
from tests.support.s3 import Bucket
from tests.support.safes import (
    NAME,
    Bands,
    band_file,
    band_values,
    write_band,
    write_safe,
)
from tests.support.scenes import paths_of_found
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import DataError
from watermap.io.gdal import open_dataset, raster_files
from watermap.io.paths import location
from watermap.io.raster import open_raster
from watermap.prediction.many import predict_scenes
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.prediction.skip import predict_once
from watermap.scenes.find import find_images, output_name

CONFIG = PredictConfig(window=64, overlap=16, probability="float")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


def one_tif(path: Path, bands: Bands) -> Path:
    """The same data as one GeoTIFF that states the offset."""
    write_tif(path, stacked(bands), GRID, names=tuple(bands), no_data=65535)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4,) * len(bands), (-0.1,) * len(bands)
    return path


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
    assert [scene.path for scene in scenes] == [safe, broken]
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


def test_an_archive_of_a_product_is_read_as_it_is(safe: Path, tmp_path: Path, bundle: Bundle) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "zips" / NAME), "zip", tmp_path, safe.name))
    assert paths_of_found([archive.parent]) == paths_of_found([archive]) == [archive]
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
    assert paths_of_found([archive.parent]) == [archive]


def test_a_product_in_a_bucket_is_read_there(safe: Path, bundle: Bundle, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put_folder(safe, f"products/{safe.name}")
    place = location(f"{bucket.url}/products/{safe.name}")
    assert paths_of_found([f"{bucket.url}/products"]) == paths_of_found([str(place)]) == [place]
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
