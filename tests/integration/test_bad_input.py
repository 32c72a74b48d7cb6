"""Each bad input ends with one line that names the file, the documented exit code, and nothing written."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.bundles import make_bundle
from tests.support.folders import listing, maps_of
from tests.support.rasters import lake_image, make_grid, shore_label, write_scene, write_tif
from watermap.bands import STANDARD_BANDS
from watermap.cli.main import run

GRID = make_grid(64, 64)


@pytest.fixture
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("models") / "b").folder


def good(path: Path, bands: int = 6, names: tuple[str, ...] | None = STANDARD_BANDS, **options: object) -> Path:
    return write_tif(path, lake_image(shore_label(GRID.shape), bands), GRID, names=names, **options)  # type: ignore[arg-type]  # mixed options


def no_raster(path: Path) -> None:
    path.write_text("no raster")


def truncated(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[:20_000])


def missing_bands(path: Path) -> None:
    good(path, 2, ("B3", "B8"))


def undescribed(path: Path) -> None:
    good(path, 4, None)


def no_crs(path: Path) -> None:
    values = lake_image(shore_label(GRID.shape), 6)
    write_tif(path, values, dataclasses.replace(GRID, crs=None), names=STANDARD_BANDS)


def all_no_data(path: Path) -> None:
    write_tif(path, np.full((6, 64, 64), 65535, np.uint16), GRID, names=STANDARD_BANDS, no_data=65535)


def offset_left_in(path: Path) -> None:
    write_tif(path, lake_image(shore_label(GRID.shape), 6) + 1000, GRID, names=STANDARD_BANDS)


def ended(arguments: list[str | Path], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(argument) for argument in arguments]) == code
    shown = capsys.readouterr()
    line = shown.err.splitlines()[-1]
    assert line.startswith("watermap: ")
    assert words in line
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_raster, "not a raster"),
        (truncated, "truncated"),
        (missing_bands, "bands B2, B4, B11, B12 are missing"),
        (undescribed, "have no names"),
        (no_crs, "no coordinate reference system"),
        (all_no_data, "no valid pixel"),
        (offset_left_in, "--offset -1000"),
    ],
)
def test_predict_refuses_a_bad_scene(
    spoil: Callable[[Path], None], words: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(tmp_path / "scene.tif")
    ended(["predict", "scene.tif", "--bundle", bundle, "--out", "out", "--probability"], 3, words, capsys)
    assert listing(tmp_path) == ["scene.tif"]


def test_predict_names_what_is_not_there(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    ended(["predict", "absent.tif", "--bundle", bundle, "--out", "out"], 3, "absent.tif: no such file", capsys)
    ended(["predict", "empty", "--bundle", bundle, "--out", "out"], 3, "empty: no image there", capsys)
    good(tmp_path / "scene.tif")
    ended(["predict", "scene.tif", "--out", "out"], 5, "no bundle was given", capsys)
    ended(["predict", "scene.tif", "--bundle", "empty", "--out", "out"], 5, "not a bundle", capsys)
    ended(["predict", "scene.tif", "--bundle", bundle, "--bands", "B4,B3"], 3, "has 6 bands, but 2 were named", capsys)
    assert listing(tmp_path) == ["empty", "scene.tif"]


def test_predict_refuses_bundles_of_another_version_and_damaged_ones(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "scene.tif")
    contract = bundle / "bundle.json"
    text = contract.read_text()
    contract.write_text(text.replace('"format_version": 1', '"format_version": 2'))
    ended(["predict", "scene.tif", "--bundle", bundle, "--out", "out"], 5, "a bundle of version 2", capsys)
    contract.write_text(text[:200])
    ended(["predict", "scene.tif", "--bundle", bundle, "--out", "out"], 5, "damaged", capsys)
    contract.write_text(text)
    weights = next(bundle.glob("*.keras"))
    weights.write_bytes(weights.read_bytes()[:-1])
    ended(["predict", "scene.tif", "--bundle", bundle, "--out", "out"], 5, "not the file that was saved", capsys)
    assert listing(tmp_path) == ["scene.tif"]


def test_an_output_that_cannot_be_written_is_one_line(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "scene.tif")
    (tmp_path / "taken").write_text("a file")
    ended(["predict", "scene.tif", "--bundle", bundle, "--out", "taken"], 3, "cannot be written", capsys)
    (tmp_path / "out" / "scene_water.tif").mkdir(parents=True)
    ended(["predict", "scene.tif", "--bundle", bundle, "--out", "out", "--probability"], 3, "cannot be written", capsys)
    assert listing(tmp_path / "out") == ["scene_water.tif"]
    ended(["sample", "--out", "taken", "--scenes", "1", "--size", "128"], 3, "cannot be written", capsys)


def test_some_bad_scenes_of_many_give_exit_6_and_the_good_maps(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path / "a.tif")
    no_raster(tmp_path / "b.tif")
    good(tmp_path / "c.tif")
    ended(["predict", tmp_path, "--bundle", bundle, "--out", "out"], 6, "1 of 3 scenes failed", capsys)
    assert listing(tmp_path / "out") == maps_of("a", "c")


def far_label(folder: Path) -> None:
    write_scene(folder, "a", GRID, label_grid=make_grid(64, 64, left=900_000))


def odd_codes(folder: Path) -> None:
    write_scene(folder, "a", GRID, label=np.full(GRID.shape, 7, np.uint8), image=lake_image(np.zeros(GRID.shape), 6))


def no_label(folder: Path) -> None:
    (write_scene(folder, "a", GRID) / "label.tif").unlink()


def only_land(folder: Path) -> None:
    write_scene(folder, "a", GRID, label=np.zeros(GRID.shape, np.uint8))


def without_valid_pixels(folder: Path) -> None:
    write_scene(folder, "a", GRID, label=np.full(GRID.shape, 255, np.uint8))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (far_label, "share no ground"),
        (odd_codes, "holds 7"),
        (no_label, "label.tif"),
        (only_land, "water"),
        (without_valid_pixels, "valid"),
        (lambda folder: folder.mkdir(), "no scene"),
        (lambda _: None, "no such folder"),
        (lambda folder: truncated(write_scene(folder, "a", GRID) / "image.tif"), "truncated"),
        (lambda folder: no_crs(write_scene(folder, "a", GRID) / "image.tif"), "no coordinate reference system"),
    ],
)
def test_tile_refuses_bad_scenes(
    spoil: Callable[[Path], None], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(tmp_path / "scenes")
    ended(["tile", "scenes", "--out", "patches", "--patch-size", "32"], 3, words, capsys)
    assert set(listing(tmp_path)) <= {"scenes"}


def test_label_and_image_that_do_not_overlap_are_both_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    far_label(tmp_path / "scenes")
    run(["tile", "scenes", "--out", "patches", "--patch-size", "32"])
    line = capsys.readouterr().err.splitlines()[-1]
    assert "scenes/a/image.tif" in line
    assert "scenes/a/label.tif" in line


def test_train_and_evaluate_refuse_folders_that_are_not_theirs(
    bundle: Path, small_patches: Path, small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "absent"):
        ended(["train", folder, "--out", "b", "--encoder", "compact"], 3, folder, capsys)
    ended(["evaluate", "empty", small_patches], 5, "not a bundle", capsys)
    ended(["evaluate", bundle, "absent"], 3, "absent", capsys)
    ended(["train", small_patches, "--out", "b", "--weights", "absent.h5"], 5, "absent.h5", capsys)
    assert listing(tmp_path) == ["empty"]


def test_imagenet_weights_that_cannot_be_fetched_are_one_line_with_the_ways_out(
    small_patches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("URL fetch failure")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("keras.utils.get_file", unreachable)
    ended(["train", small_patches, "--out", "b"], 5, "--encoder compact", capsys)
    assert not (tmp_path / "b").exists()
