"""Predictions that are not made twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundles import make_bundle
from tests.rasters import make_grid, write_scene
from watermap.bundle import Bundle
from watermap.config import PredictConfig
from watermap.predicted import RECORD_SUFFIX, predict_once
from watermap.prediction import Predictor, predict_scene

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
