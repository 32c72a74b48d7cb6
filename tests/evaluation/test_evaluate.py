import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from tests.support.bundles import GAIN, known_probability, make_bundle
from tests.support.rasters import make_grid, write_scene
from tests.support.s3 import Bucket
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import Bundle
from watermap.config import PredictConfig, TileConfig
from watermap.errors import DataError, UsageError
from watermap.evaluation.blocks import ScoredBlock
from watermap.evaluation.evaluate import evaluate
from watermap.evaluation.labelled import patch_pieces
from watermap.geo.grid import Grid
from watermap.io.files import file_digest
from watermap.io.paths import location
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile

CONFIG = PredictConfig(window=64, overlap=16)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "known")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    rng = np.random.default_rng(0)
    for number in range(2):
        image = rng.integers(150, 3000, (6, 90, 120)).astype(np.uint16)
        image[:, :10, :10] = 65535
        label = rng.choice(np.array([0, 1, 255], np.uint8), (90, 120))
        grid = make_grid(120, 90, left=300_000 + 50_000 * number)
        write_scene(folder, f"s{number}", grid, image=image, label=label)
        with rasterio.open(folder / f"s{number}" / "image.tif", "r+") as dataset:
            dataset.nodata = 65535
    return folder


def truth(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with rasterio.open(folder / "image.tif") as dataset:
        image = dataset.read()
    with rasterio.open(folder / "label.tif") as dataset:
        label = dataset.read(1)
    valid = (image != 65535).all(axis=0)
    return np.where(valid, label, 255), known_probability(image, valid), image.astype(float)


def test_scores_of_scenes_equal_numpy(bundle: Bundle, scenes: Path) -> None:
    result = evaluate(bundle, scenes, CONFIG).as_dict()
    assert [scene["name"] for scene in result["scenes"]] == ["s0", "s1"]
    totals = np.zeros(2)
    baseline = np.zeros(2)
    for scene in result["scenes"]:
        label, probability, image = truth(scenes / scene["name"])
        known, water = label != 255, probability >= 0.5
        counts = np.array([(known & (label == 1) & water).sum(), (known & ((label == 1) | water)).sum()])
        totals += counts
        assert scene["water_iou"] == pytest.approx(counts[0] / counts[1], abs=1e-3)
        green, nir = (image[STANDARD_BANDS.index(band)] for band in ("B3", "B8"))
        wet = green > nir
        baseline += [(known & (label == 1) & wet).sum(), (known & ((label == 1) | wet)).sum()]
    kind_scores = result["labels"]["unstated"]
    assert kind_scores["scores"]["water_iou"] == pytest.approx(totals[0] / totals[1], abs=1e-3)
    assert kind_scores["baselines"]["ndwi"]["scores"]["water_iou"] == pytest.approx(baseline[0] / baseline[1], abs=1e-6)
    assert set(kind_scores["baselines"]) == {"ndwi", "ndwi_otsu", "mndwi", "mndwi_otsu"}
    assert {each["scores"]["pixels"] for each in kind_scores["baselines"].values()} == {kind_scores["scores"]["pixels"]}
    json.dumps(result)


def test_scores_of_patches_are_those_of_their_split(bundle: Bundle, small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    result = evaluate(bundle, small_patches, CONFIG, split="test").as_dict()
    patches = store.read("test", range(store.count("test")))
    assert result["labels"]["unstated"]["scores"]["pixels"] == (patches.label != 255).sum()
    assert {scene["name"] for scene in result["scenes"]} == {record.scene for record in store.records("test")}


def test_several_bundles_are_scored_as_their_mean(
    bundle: Bundle, scenes: Path, small_patches: Path, tmp_path: Path
) -> None:
    other = make_bundle(tmp_path / "green", green_above=900.0)
    label, probability, image = zip(*(truth(scenes / name) for name in ("s0", "s1")), strict=True)
    green = 1 / (1 + np.exp(-GAIN * (np.stack(image)[:, STANDARD_BANDS.index("B3")] - 900.0)))
    known, water = np.stack(label) != 255, (np.stack(probability) + green) / 2 >= 0.5
    wet = np.stack(label) == 1
    alone = evaluate(bundle, scenes, CONFIG).as_dict()
    both = evaluate(bundle, scenes, CONFIG, others=[other]).as_dict()
    assert both["bundles"] == [bundle.id, other.id]
    expected = (known & wet & water).sum() / (known & (wet | water)).sum()
    found = both["labels"]["unstated"]["scores"]["water_iou"]
    assert found == pytest.approx(expected, abs=1e-3)
    assert found != pytest.approx(alone["labels"]["unstated"]["scores"]["water_iou"], abs=5e-3)
    pair, first, second = (
        evaluate(one, small_patches, CONFIG, others=rest).pooled.reliability.predicted.sum()
        for one, rest in ((bundle, [other]), (bundle, []), (other, []))
    )
    assert pair == pytest.approx((first + second) / 2)


def test_what_any_of_several_bundles_has_seen_is_refused(
    bundle: Bundle, scenes: Path, small_patches: Path, tmp_path: Path
) -> None:
    digests = {"s1": file_digest(scenes / "s1" / "image.tif")}
    trained_on = {"patches": "0" * 64, "counts": {}, "scenes": digests}
    knows = make_bundle(tmp_path / "knows", trained_on=trained_on)
    with pytest.raises(DataError, match=r"s1 is one of the scenes that it learned from \(knows\)"):
        evaluate(bundle, scenes, CONFIG, others=[knows])
    stranger = make_bundle(tmp_path / "other_units", scale=1e-3)
    with pytest.raises(UsageError, match="other bands or units"):
        evaluate(bundle, small_patches, CONFIG, others=[stranger])


def test_panels_show_whole_scenes_thinned_out(bundle: Bundle, scenes: Path) -> None:
    result = evaluate(bundle, scenes, CONFIG, pictures=1)
    assert [panel.name for panel in result.panels] == ["s0"]
    label, probability, _ = truth(scenes / "s0")
    np.testing.assert_array_equal(result.panels[0].label, label)
    np.testing.assert_allclose(result.panels[0].probability[label != 255], probability[label != 255], atol=1e-4)


def test_panels_of_large_scenes_keep_every_nth_pixel(bundle: Bundle, tmp_path: Path) -> None:
    label = np.random.default_rng(0).choice(np.array([0, 1], np.uint8), (150, 2500))
    write_scene(tmp_path / "scenes", "wide", make_grid(2500, 150), label=label)
    panel = evaluate(bundle, tmp_path / "scenes", CONFIG).panels[0]
    np.testing.assert_array_equal(panel.label, label[::5, ::5])  # strips start at rows that five does not divide
    assert panel.rgb.shape == (30, 500, 3)


def test_a_score_on_training_ground_is_refused(scenes: Path, small_patches: Path, tmp_path: Path) -> None:
    seen = {"s1": file_digest(scenes / "s1" / "image.tif")}
    bundle = make_bundle(tmp_path / "b", trained_on={"patches": "0" * 64, "counts": {}, "scenes": seen})
    with pytest.raises(
        DataError, match=r"s1 is one of the scenes that it learned from \(b\): there is no honest score"
    ):
        evaluate(bundle, scenes, CONFIG)
    store = PatchStore.open(small_patches)
    trained_on = {"patches": store.digest, "counts": {}, "scenes": store.image_digests("train", "validation")}
    bundle = make_bundle(tmp_path / "b", trained_on=trained_on)
    assert "flatter" in evaluate(bundle, small_patches, CONFIG, split="train").notes[0]
    assert "flatter" not in str(evaluate(bundle, small_patches, CONFIG, split="test").notes)


def test_a_bad_scene_is_told_and_the_others_scored(bundle: Bundle, scenes: Path, tmp_path: Path) -> None:
    for name in ("s0", "s1"):
        (tmp_path / "scenes" / name).mkdir(parents=True)
        for file in ("image.tif", "label.tif"):
            (tmp_path / "scenes" / name / file).write_bytes((scenes / name / file).read_bytes())
    (tmp_path / "scenes" / "s0" / "label.tif").unlink()
    result = evaluate(bundle, tmp_path / "scenes", CONFIG)
    assert list(result.scenes) == ["s1"]
    assert result.failures[0][0] == "s0"
    (tmp_path / "scenes" / "s1" / "image.tif").write_text("no raster")
    with pytest.raises(DataError):
        evaluate(bundle, tmp_path / "scenes", CONFIG)


def test_blocks_of_ground_do_not_depend_on_how_it_is_cut_into_scenes(bundle: Bundle, tmp_path: Path) -> None:
    whole = make_grid(256, 384)
    cuts = {
        "whole": [(0, 0, 256, 384)],
        "halves": [(0, 0, 256, 256), (0, 256, 256, 128)],
        "quarters": [(128, 256, 128, 128), (0, 256, 128, 128), (0, 0, 128, 256), (128, 0, 128, 256)],
        "dates": [(0, 0, 256, 384), (0, 0, 256, 384)],
    }
    for name, windows in cuts.items():
        for number, window in enumerate(windows):
            write_scene(tmp_path / name, f"s{number}", whole.crop(Window(*window)), seed=number)
        (kind_scores,) = evaluate(bundle, tmp_path / name, CONFIG, pictures=0).pooled_scores.values()
        assert (kind_scores.known_grounds, len(kind_scores.witnesses())) == (1, 6), name


def test_a_ground_is_in_the_same_blocks_whichever_way_its_rows_run(bundle: Bundle, tmp_path: Path) -> None:
    grid = make_grid(200, 150)
    upside_down = Grid(grid.crs, grid.transform @ Affine(1, 0, -1e-4, 0, -1, 150), 200, 150)
    for name, each in (("a", grid), ("b", upside_down)):
        write_scene(tmp_path / "scenes", name, each)
    (kind_scores,) = evaluate(bundle, tmp_path / "scenes", CONFIG, pictures=0).pooled_scores.values()
    assert sorted(kind_scores.grounds["a"]) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_labels_that_are_all_unknown_are_told(
    bundle: Bundle, small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scene(tmp_path / "scenes", "a", make_grid(64, 64), label=np.full((64, 64), 255, np.uint8))
    with pytest.raises(DataError, match=r"scenes: no pixel has a label, all are 255 \(unknown\)"):
        evaluate(bundle, tmp_path / "scenes", CONFIG)

    def unknown(*given: Any) -> Iterator[tuple[Any, ScoredBlock]]:
        for record, block in patch_pieces(*given):
            yield record, replace(block, label=np.full_like(block.label, 255))

    monkeypatch.setattr("watermap.evaluation.evaluate.patch_pieces", unknown)
    with pytest.raises(DataError, match="patches: no pixel has a label"):
        evaluate(bundle, small_patches, CONFIG)


def test_patches_of_other_bands_are_refused(bundle: Bundle, small_scenes: Path, tmp_path: Path) -> None:
    tile(small_scenes, tmp_path / "rgb", TileConfig(patch_size=32, bands=("B4", "B3", "B2")))
    with pytest.raises(UsageError, match="are not the bundle's"):
        evaluate(bundle, tmp_path / "rgb", CONFIG)


def test_without_the_bands_of_an_index_the_baseline_is_missing_and_told(small_scenes: Path, tmp_path: Path) -> None:
    bands = ("B2", "B4", "B12", "B5", "B6", "B7")
    bundle = make_bundle(tmp_path / "b", bands=bands)
    image = np.random.default_rng(0).integers(150, 3000, (6, 64, 64)).astype(np.uint16)
    write_scene(tmp_path / "scenes", "a", make_grid(64, 64), image=image, bands=bands)
    result = evaluate(bundle, tmp_path / "scenes", CONFIG)
    assert result.pooled.as_dict()["pixels"] == 64 * 64
    assert result.pooled.baselines_as_dict() == {}
    assert (
        "not every baseline is shown, the bands of ndwi (B3, B8) and mndwi (B3, B11) are not in every scene"
        in result.notes[-1]
    )


def test_scenes_of_a_bucket_are_scored_alike_and_known_again(
    bundle: Bundle, scenes: Path, bucket: Bucket, tmp_path: Path
) -> None:
    place = location(bucket.put_folder(scenes, "scenes"))
    found, expected = (evaluate(bundle, data, CONFIG).as_dict() for data in (place, scenes))
    assert found["scenes"] == expected["scenes"]
    seen = {"s1": file_digest(scenes / "s1" / "image.tif")}
    trained = make_bundle(tmp_path / "trained", trained_on={"patches": "0" * 64, "counts": {}, "scenes": seen})
    with pytest.raises(DataError, match="s1 is one of the scenes that it learned from"):
        evaluate(trained, place, CONFIG)
