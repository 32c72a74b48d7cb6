"""`watermap predict` and `watermap bundles convert`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.prediction.engines.conftest import bundle, patches, samples
from tests.support.bundles import make_bundle
from tests.support.folders import listing, maps_of
from tests.support.processes import loaded_by
from tests.support.rasters import make_grid, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.cli.main import run

__all__ = ["bundle", "patches", "samples"]
from watermap.patches.store import PatchStore


def test_several_scenes_at_once_give_the_same_maps(bundle: Bundle, small_scenes: Path, tmp_path: Path) -> None:
    for jobs in ("1", "3"):
        words = ["predict", str(small_scenes), "--bundle", str(bundle.folder), "--out", str(tmp_path / jobs)]
        assert run([*words, "--jobs", jobs]) == 0
    assert listing(tmp_path / "1") == listing(tmp_path / "3")
    for name in (name for name in listing(tmp_path / "1") if name.endswith(".tif")):
        with rasterio.open(tmp_path / "1" / name) as one, rasterio.open(tmp_path / "3" / name) as three:
            np.testing.assert_array_equal(one.read(), three.read())


def test_a_scene_that_fails_does_not_stop_the_others(bundle: Bundle, small_scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"II*")
    scene = str(next(small_scenes.glob("*/image.tif")))
    words = ["predict", scene, str(tmp_path / "bad.tif"), "--bundle", str(bundle.folder), "--out", str(tmp_path / "o")]
    assert run([*words, "--jobs", "2"]) == 6
    assert listing(tmp_path / "o") == maps_of(Path(scene).parent.name)


def test_an_error_that_nobody_foresaw_is_shown_with_its_trace(
    bundle: Bundle,
    small_scenes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TypeError("contour of a line")

    monkeypatch.setattr("watermap.maps.quicklook.plot_quicklook", fail)
    scenes = [str(path) for path in sorted(small_scenes.glob("*/image.tif"))]
    words = ["--bundle", str(bundle.folder), "--out", str(tmp_path / "o")]
    assert run(["predict", scenes[0], *words]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.splitlines()[-1].startswith(f"watermap: {scenes[0]}: unexpected TypeError: contour of a line: a defect")
    assert run(["predict", *scenes, *words]) == 6
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count("unexpected TypeError") == len(scenes)


def test_a_dry_run_tells_and_makes_nothing(
    bundle: Bundle, small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(small_scenes), "--bundle", str(bundle.folder), "--out", str(tmp_path / "maps")]
    assert run([*words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "Nothing was mapped; openvino" in said
    assert all(word in said for word in ("place_0", "128 x 128", "1 of 144 x 144", "1.266", "TFLOP", "MiB"))
    assert not (tmp_path / "maps").exists()


def test_a_dry_run_tells_of_every_scene(
    bundle: Bundle, small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged.tif").write_bytes(b"II*")
    words = ["predict", str(tmp_path / "damaged.tif"), "--bundle", str(bundle.folder), "--dry-run"]
    assert run([*words, str(small_scenes)]) == 6
    said = capsys.readouterr()
    assert "place_0" in said.out
    assert "damaged.tif" in said.err
    assert run(words) == 3


def test_what_an_engine_cannot_heed_is_told(
    bundle: Bundle, small_scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(small_scenes), "--bundle", str(bundle.folder), "--dry-run", "--batch-size", "4"]
    assert run(words) == 0
    assert "batch_size changes nothing" in capsys.readouterr().err
    assert run([*words, "--engine", "openvino"]) == 2
    assert "batch_size is for keras" in capsys.readouterr().err


def test_who_could_be_faster_is_told(small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_bundle(tmp_path / "bundle")
    scene = str(next(small_scenes.glob("*/image.tif")))
    words = ["predict", scene, "--bundle", str(tmp_path / "bundle"), "--out", str(tmp_path / "maps")]
    assert run(words) == 0
    assert "watermap bundles convert" in capsys.readouterr().err
    assert run([*words, "--engine", "keras"]) == 0
    assert "watermap bundles convert" not in capsys.readouterr().err
    assert run([*words, "--precision", "int8"]) == 5
    assert run([*words, "--precision", "int8", "--engine", "keras"]) == 2


def test_conversion_shows_how_far_it_agrees(
    bundle: Bundle, patches: PatchStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bundles", "convert", str(bundle.folder), "--patches", str(patches.folder), "--int8"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("float32", "int8", "same class", "largest difference", "can be used"))
    assert "Keras in float32: water IoU" in said


def test_uncertainty_reasons_and_several_bundles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = np.random.default_rng(0).integers(900, 1300, (6, 64, 64)).astype(np.uint16)
    scene = write_tif(tmp_path / "lake.tif", image, make_grid(64, 64), names=STANDARD_BANDS)
    bundles = [make_bundle(tmp_path / "m" / "one"), make_bundle(tmp_path / "m" / "two", green_above=1100)]
    given = [word for bundle in bundles for word in ("--bundle", str(bundle.folder))]
    assert run(["predict", str(scene), *given, "--out", "maps", "--uncertainty", "--sure-from", "0.9"]) == 0
    out = capsys.readouterr().out
    assert "unsure of valid" in out
    assert f"{bundles[0].id}+{bundles[1].id}" in out.replace("\n", "")
    for name in ("lake_uncertainty.tif", "lake_uncertainty.qml", "lake_reason.tif", "lake_reason.qml"):
        assert (tmp_path / "maps" / name).is_file()
    assets = json.loads((tmp_path / "maps" / "lake_item.json").read_text())["assets"]
    assert [each["name"] for each in assets["reason"]["classification:classes"]] == [
        "sure",
        "low_confidence",
        "cloud",
        "no_data",
    ]
    assert "disagreement" in assets["uncertainty"]["description"]
    write_tif(tmp_path / "other.tif", image, make_grid(64, 64), names=STANDARD_BANDS)
    assert run(["predict", str(scene), str(tmp_path / "other.tif"), *given, "--clouds", str(scene)]) == 2
    assert "--clouds is of one scene" in capsys.readouterr().err


def test_openvino_is_not_loaded_for_a_scene_without_the_bands(bundle: Bundle, tmp_path: Path) -> None:
    values = np.full((4, 64, 64), 500, dtype=np.uint16)
    scene = write_tif(tmp_path / "lake.tif", values, make_grid(64, 64), names=STANDARD_BANDS[:4])
    loaded, told = loaded_by(["predict", scene, "--bundle", bundle.folder, "--out", tmp_path / "out"])
    assert loaded == ["3 []"]
    assert "bands B11, B12 are missing" in told
