"""Each way in which what a bundle has seen can come back as a test."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_scene
from watermap.bundles.bundle import Bundle
from watermap.bundles.training_ground import GROUND_FILE, SPLITS, ground_of_patches, write_ground
from watermap.config import PredictConfig, TileConfig
from watermap.errors import DataError, ModelError
from watermap.evaluation.evaluate import evaluate
from watermap.evaluation.leaks import check_held_out
from watermap.io.files import file_digest
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
CONFIG = PredictConfig(window=64, overlap=16)
CHIP = 128


def chip(folder: Path, name: str, *, seed: int, left: float, image: np.ndarray | None = None) -> Path:
    """A chip of its own texture; `left` is in metres, so that chips 1,280 m apart lie side by side."""
    label = np.zeros((CHIP, CHIP), np.uint8)
    label[:, : CHIP // 2] = 1
    if image is None:
        image = np.random.default_rng(seed).integers(100, 3000, (6, CHIP, CHIP)).astype(np.uint16)
    return write_scene(folder, name, make_grid(CHIP, CHIP, left=left), image=image, label=label)


def pixels(scene: Path) -> np.ndarray:
    with rasterio.open(scene / "image.tif") as dataset:
        values: np.ndarray = dataset.read()
    return values


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path, Path]:
    """A bundle that has seen four chips out of six, their scenes, and the patches."""
    folder = tmp_path_factory.mktemp("leaks")
    for number in range(6):
        chip(folder / "scenes", f"chip_{number}", seed=number, left=300_000 + 40_000 * number)
    tile(folder / "scenes", folder / "patches", TileConfig(patch_size=CHIP, bands=BANDS, validation=0.2, test=0.2))
    store = PatchStore.open(folder / "patches")
    trained_on: dict[str, Any] = {
        "patches": store.digest,
        "counts": store.counts,
        "scenes": store.image_digests(*SPLITS),
        "seen": None,
    }
    (folder / "b").mkdir()
    trained_on["seen"] = file_digest(write_ground(folder / "b" / GROUND_FILE, ground_of_patches(store)))
    return make_bundle(folder / "b", trained_on=trained_on), folder / "scenes", folder / "patches"


@pytest.fixture
def seen(trained: tuple[Bundle, Path, Path]) -> Path:
    """The folder of a scene that the bundle was trained on."""
    _, scenes, patches = trained
    return scenes / PatchStore.open(patches).records("train")[0].scene


def refused(bundle: Bundle, data: Path, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        evaluate(bundle, data, CONFIG)
    assert "there is no honest score" in str(caught.value)


@pytest.mark.parametrize("as_patches", [False, True])
@pytest.mark.parametrize("leak", ["twice", "overlapping", "another date", "shifted copy", "part of a larger scene"])
def test_what_was_seen_is_refused(
    trained: tuple[Bundle, Path, Path], seen: Path, tmp_path: Path, leak: str, *, as_patches: bool
) -> None:
    bundle, folder = trained[0], tmp_path / "scenes"
    with rasterio.open(seen / "image.tif") as dataset:
        left = dataset.transform.c
    ground, copy = "km2 of ground with patch", "the very pixels that it has seen"
    if leak == "twice":  # placed elsewhere, so that only its pixels tell
        chip(folder, "a", seed=0, left=900_000, image=pixels(seen))
    elif leak == "overlapping":
        chip(folder, "a", seed=50, left=left + 1000)
    elif leak == "another date":
        chip(folder, "a", seed=51, left=left)
    elif leak == "shifted copy":
        fresh = np.random.default_rng(52).integers(100, 3000, (6, CHIP, CHIP)).astype(np.uint16)
        fresh[:, 40:, : CHIP - 30] = pixels(seen)[:, : CHIP - 40, 30:]
        chip(folder, "a", seed=0, left=900_000, image=fresh)
    else:
        large = np.random.default_rng(53).integers(100, 3000, (6, 600, 300)).astype(np.uint16)
        large[:, 190 : 190 + CHIP, 77 : 77 + CHIP] = pixels(seen)
        label = np.zeros((600, 300), np.uint8)
        label[:, :150] = 1
        write_scene(folder, "a", make_grid(300, 600, left=900_000), image=large, label=label)
    data = folder
    if as_patches:
        config = TileConfig(patch_size=CHIP, bands=BANDS, validation=0, test=0, min_water=0, max_water=1)
        tile(folder, tmp_path / "patches", config)
        data = tmp_path / "patches"
        with pytest.raises(DataError, match="there is no honest score"):
            evaluate(bundle, data, CONFIG, split="train")
        return
    refused(bundle, data, ground if leak in ("overlapping", "another date") else copy)


def test_disjoint_ground_is_scored_without_a_word(trained: tuple[Bundle, Path, Path], tmp_path: Path) -> None:
    bundle, _, patches = trained
    for number in range(3):
        chip(tmp_path / "scenes", f"new_{number}", seed=100 + number, left=310_000 + 40_000 * number)
    for data in (tmp_path / "scenes", patches):
        result = evaluate(bundle, data, CONFIG)
        assert result.pooled.confusion.counts.sum() > 0
        assert result.notes == []


def test_chips_side_by_side_share_no_ground(trained: tuple[Bundle, Path, Path], seen: Path, tmp_path: Path) -> None:
    with rasterio.open(seen / "image.tif") as dataset:
        left = dataset.transform.c
    chip(tmp_path / "scenes", "beside", seed=60, left=left + 10 * CHIP)
    assert evaluate(trained[0], tmp_path / "scenes", CONFIG).notes == []


@pytest.mark.parametrize("rows", [1, 7, 20])
def test_squares_across_blocks_of_rows_are_recognised(
    trained: tuple[Bundle, Path, Path], seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    chip(tmp_path / "scenes", "a", seed=0, left=900_000, image=pixels(seen))
    monkeypatch.setattr("watermap.evaluation.leaks._ROWS", rows)
    refused(trained[0], tmp_path / "scenes", "the very pixels that it has seen .100%")


def test_scenes_beside_what_was_trained_on_are_held_out_and_overlapping_ones_are_not(
    trained: tuple[Bundle, Path, Path], seen: Path, tmp_path: Path
) -> None:
    store = PatchStore.open(trained[2])
    with rasterio.open(seen / "image.tif") as dataset:
        right = dataset.bounds.right
    for overlap_m in (0, 1):  # less than a thousandth of the chip is rounding
        chip(tmp_path / "apart", f"beside_{overlap_m}", seed=61, left=right - overlap_m)
    check_held_out(store, tmp_path / "apart")
    chip(tmp_path / "shared", "overlapping", seed=62, left=right - 10)
    with pytest.raises(DataError, match=r"overlapping: shows ground that was trained on"):
        check_held_out(store, tmp_path / "shared")


def test_a_copy_in_other_units_is_known(trained: tuple[Bundle, Path, Path], seen: Path, tmp_path: Path) -> None:
    values = pixels(seen).astype(np.uint16) + 1000  # with the offset of processing baseline 04.00
    folder = chip(tmp_path / "scenes", "offset", seed=0, left=900_000, image=values)
    with rasterio.open(folder / "image.tif", "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4,) * 6, (-0.1,) * 6
    refused(trained[0], tmp_path / "scenes", "the very pixels")


def test_a_copy_is_known_to_a_bundle_of_reflectance(tmp_path: Path) -> None:
    """Fingerprints are of steps of reflectance, not of whole numbers between 0 and 1."""
    rng = np.random.default_rng(3)
    for number in range(4):
        image = (rng.integers(100, 3000, (6, CHIP, CHIP)) / 10_000).astype(np.float32)
        chip(tmp_path / "scenes", f"chip_{number}", seed=number, left=300_000 + 40_000 * number, image=image)
    config = TileConfig(patch_size=CHIP, bands=BANDS, validation=0, test=0, scale=1.0, offset=0.0)
    tile(tmp_path / "scenes", tmp_path / "patches", config)
    seen = ground_of_patches(PatchStore.open(tmp_path / "patches"))
    assert len(seen.prints) > 4 * 150


def test_ground_without_data_is_not_seen(trained: tuple[Bundle, Path, Path], seen: Path, tmp_path: Path) -> None:
    with rasterio.open(seen / "image.tif") as dataset:
        left = dataset.transform.c
    image = np.random.default_rng(70).integers(100, 3000, (6, CHIP, 3 * CHIP)).astype(np.uint16)
    image[:, :, CHIP + 20 :] = 65535
    label = np.zeros((CHIP, 3 * CHIP), np.uint8)
    label[:, :50] = 1
    grid = make_grid(3 * CHIP, CHIP, left=left - 20 * CHIP)  # its last third covers the chip, and shows nothing
    with rasterio.open(
        write_scene(tmp_path / "scenes", "edge", grid, image=image, label=label) / "image.tif", "r+"
    ) as d:
        d.nodata = 65535
    assert evaluate(trained[0], tmp_path / "scenes", CONFIG).notes == []


def test_parts_of_own_pixels_at_other_places_are_told(tmp_path: Path) -> None:
    """A strip of ten columns that a training chip has too is noted; the whole chip is refused."""
    for number in range(6):
        chip(tmp_path / "scenes", f"chip_{number}", seed=number, left=300_000 + 40_000 * number)
    tile(tmp_path / "scenes", tmp_path / "patches", TileConfig(patch_size=CHIP, bands=BANDS, validation=0.2, test=0.2))
    first = PatchStore.open(tmp_path / "patches")
    (test,), taught = first.records("test"), first.records("train")[0]
    for columns, said in ((10, "hold some of the very pixels"), (128, "there is no honest score")):
        with rasterio.open(tmp_path / "scenes" / test.scene / "image.tif", "r+") as dataset:
            values = dataset.read()
            values[:, :, :columns] = pixels(tmp_path / "scenes" / taught.scene)[:, :, :columns]
            dataset.write(values)
        tile(
            tmp_path / "scenes",
            tmp_path / "patches",
            TileConfig(patch_size=CHIP, bands=BANDS, validation=0.2, test=0.2),
        )
        store = PatchStore.open(tmp_path / "patches")
        folder = tmp_path / f"b{columns}"
        folder.mkdir()
        trained_on = {"patches": store.digest, "counts": {}, "scenes": store.image_digests(*SPLITS)}
        trained_on["seen"] = file_digest(write_ground(folder / GROUND_FILE, ground_of_patches(store)))
        bundle = make_bundle(folder, trained_on=trained_on)
        if columns == 10:
            (note,) = evaluate(bundle, tmp_path / "patches", CONFIG).notes
            assert said in note
            assert test.scene in note
        else:
            refused(bundle, tmp_path / "patches", "the very pixels")


def test_all_that_is_seen_is_counted(trained: tuple[Bundle, Path, Path]) -> None:
    bundle, scenes, patches = trained
    store = PatchStore.open(patches)
    others = store.count("train") + store.count("validation") - 1
    refused(bundle, scenes, f"and {others} more are seen too")


def test_its_own_training_patches_are_scored_with_a_note(trained: tuple[Bundle, Path, Path]) -> None:
    bundle, _, patches = trained
    assert "flatter" in evaluate(bundle, patches, CONFIG, split="train").notes[0]


def test_a_bundle_that_does_not_say_what_it_has_seen_is_told(tmp_path: Path) -> None:
    chip(tmp_path / "scenes", "a", seed=1, left=300_000)
    notes = evaluate(make_bundle(tmp_path / "b"), tmp_path / "scenes", CONFIG).notes
    assert any("does not say which ground it has seen" in note for note in notes)


def test_a_record_that_is_gone_is_a_damaged_bundle(tmp_path: Path) -> None:
    trained_on = {"patches": "0" * 64, "counts": {}, "scenes": {}, "seen": "0" * 64}
    chip(tmp_path / "scenes", "a", seed=1, left=300_000)
    with pytest.raises(ModelError, match=r"seen\.gpkg: damaged"):
        evaluate(make_bundle(tmp_path / "b", trained_on=trained_on), tmp_path / "scenes", CONFIG)
