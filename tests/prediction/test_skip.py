"""Predictions that are not made twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_scene
from tests.support.s3 import Bucket
from tests.support.web import Web
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig
from watermap.errors import StorageError, UsageError
from watermap.io.paths import location
from watermap.prediction.predictor import Predictor
from watermap.prediction.scene import predict_scene
from watermap.prediction.skip import RECORD_SUFFIX, predict_once

CONFIG = PredictConfig(window=64, overlap=16, probability="percent")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "scenes", "lake", make_grid(70, 50)) / "image.tif"


def test_the_same_again_is_not_made_again(bundle: Bundle, image: Path, tmp_path: Path) -> None:
    predictor = Predictor(bundle, CONFIG)
    first, is_new = predict_once(image, predictor, tmp_path / "out")
    assert is_new
    made = first.water.stat().st_mtime_ns
    again, is_new = predict_once(image, predictor, tmp_path / "out")
    assert not is_new
    assert again == first
    assert first.water.stat().st_mtime_ns == made
    plain = predict_scene(image, predictor, tmp_path / "plain")
    assert plain.water.read_bytes() == first.water.read_bytes()


@pytest.mark.parametrize("what", ["scene", "mask", "settings", "bundle", "water", "probability", "deleted", "record"])
def test_whatever_changed_is_noticed(what: str, bundle: Bundle, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first, _ = predict_once(image, Predictor(bundle, CONFIG), out)
    assert first.probability is not None
    before = first.water.read_bytes()
    if what == "scene":
        write_scene(tmp_path / "scenes", "lake", make_grid(70, 50), seed=3)
    elif what == "mask":
        (image.parent / "image.tif.aux.xml").write_text("<PAMDataset/>")
    elif what == "settings":
        predictor = Predictor(bundle, CONFIG.model_copy(update={"threshold": 0.7}))
        assert predict_once(image, predictor, out)[1]
        return
    elif what == "bundle":
        bundle = make_bundle(tmp_path / "models" / "other", radius=1)
    elif what == "deleted":
        first.water.unlink()
    elif what == "record":
        (out / f"lake{RECORD_SUFFIX}").write_text("{")
    else:
        path = first.water if what == "water" else first.probability
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert predict_once(image, Predictor(bundle, CONFIG), out)[1]
    if what in ("water", "deleted", "record", "probability", "mask"):
        assert first.water.read_bytes() == before


def test_a_source_of_a_vrt_that_changed_is_noticed(bundle: Bundle, image: Path, tmp_path: Path) -> None:
    vrt, predictor = image.with_name("lake.vrt"), Predictor(bundle, CONFIG)
    rasterio.shutil.copy(image, vrt, driver="VRT")
    assert predict_once(vrt, predictor, tmp_path / "out")[1]
    assert not predict_once(vrt, predictor, tmp_path / "out")[1]
    write_scene(tmp_path / "scenes", "lake", make_grid(70, 50), seed=3)
    assert predict_once(vrt, predictor, tmp_path / "out")[1]


@pytest.mark.parametrize("store", ["web", "web without tags", "s3"])
def test_a_scene_elsewhere_gives_the_same_pixels_and_is_kept(
    store: str, bundle: Bundle, web: Web, bucket: Bucket, tmp_path: Path
) -> None:
    predictor = Predictor(bundle, CONFIG)
    if store == "web without tags":
        web.tag(None)

    def put(seed: int) -> tuple[Path, Path]:
        image = write_scene(web.folder, "lake", make_grid(70, 50), seed=seed) / "image.tif"
        if store == "s3":
            return image, location(f"{bucket.put_folder(image.parent, 'lake')}/image.tif")
        return image, location(f"{web.url}/lake/image.tif")

    for seed in (0, 3):
        image, place = put(seed)
        made, is_new = predict_once(place, predictor, tmp_path / "out")
        assert is_new
        web.asked()
        assert predict_once(place, predictor, tmp_path / "out") == (made, False)
        if store == "web":
            assert {method for method, path in web.asked() if path.endswith("image.tif")} == {"HEAD"}
        here = predict_scene(image, predictor, tmp_path / "here")
        for found, expected in ((made.water, here.water), (made.probability, here.probability)):
            assert found is not None
            assert expected is not None
            with rasterio.open(found) as one, rasterio.open(expected) as other:
                assert one.read().tobytes() == other.read().tobytes()
                assert one.profile == other.profile
                said = {name for name in one.tags() if name.startswith("WATERMAP_SCENE_")}
        assert said == {"WATERMAP_SCENE_SHA256" if store == "web without tags" else "WATERMAP_SCENE_ETAG"}


def test_a_mask_elsewhere_that_comes_or_goes_is_noticed(bundle: Bundle, web: Web, tmp_path: Path) -> None:
    image = write_scene(web.folder, "lake", make_grid(70, 50)) / "image.tif"
    place, predictor = location(f"{web.url}/lake/image.tif"), Predictor(bundle, CONFIG)
    assert predict_once(place, predictor, tmp_path / "out")[0].valid_pixels == 70 * 50
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(image, "r+") as dataset:
        dataset.write_mask(np.eye(50, 70, dtype=np.uint8) * 255)
    assert predict_once(place, predictor, tmp_path / "out")[0].valid_pixels == 50


def test_an_outage_keeps_what_was_predicted(bundle: Bundle, web: Web, tmp_path: Path) -> None:
    write_scene(web.folder, "lake", make_grid(70, 50))
    place, predictor = location(f"{web.url}/lake/image.tif"), Predictor(bundle, CONFIG)
    made, _ = predict_once(place, predictor, tmp_path / "out")
    web.fail(status=503)
    with pytest.raises(StorageError):
        predict_once(place, predictor, tmp_path / "out")
    web.mend()
    assert predict_once(place, predictor, tmp_path / "out") == (made, False)
    with pytest.raises(UsageError, match="outputs go to local folders"):
        predict_once(place, predictor, location(web.url))


def test_an_older_probability_does_not_stay_beside_a_newer_map(bundle: Bundle, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with_probability, _ = predict_once(image, Predictor(bundle, CONFIG), out)
    assert with_probability.probability is not None
    assert predict_once(image, Predictor(bundle, CONFIG.model_copy(update={"probability": "none"})), out)[1]
    assert not with_probability.probability.exists()


def test_no_record_vouches_for_what_another_run_put_there(bundle: Bundle, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other = make_bundle(tmp_path / "other", threshold=0.6)

    def replaced(*given: Any, **more: Any) -> Any:
        made = predict_scene(*given, **more)
        predict_scene(image, Predictor(other, CONFIG), out)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watermap.prediction.skip.predict_scene", replaced)
        predict_once(image, Predictor(bundle, CONFIG), out)
    made, is_new = predict_once(image, Predictor(bundle, CONFIG), out)
    assert is_new
    with rasterio.open(made.water) as dataset:
        assert dataset.tags()["WATERMAP_BUNDLE_ID"] == bundle.id
