"""Pieces to be scored: what a model says beside what is true."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from watermap.bundles.calibration import Calibration
from watermap.errors import DataError
from watermap.evaluation.labelled import PATCH_BATCH, Feeding, patch_pieces, scene_pieces
from watermap.patches.store import PatchBatch, PatchStore
from watermap.scenes.filling import Filling
from watermap.scenes.folder import Scene
from watermap.scenes.radiometry import Statistics

STATISTICS = Statistics(
    mean=(1000.0,) * 6, std=(800.0,) * 6, low=(100.0,) * 6, high=(3000.0,) * 6, dark=(150.0,) * 6, bright=(2500.0,) * 6
)
FILLING = Filling.of(STATISTICS)


def test_every_patch_comes_once_beside_its_label_in_batches_of_one_size(small_patches: Path) -> None:
    store = PatchStore.open(small_patches)
    count = store.count("train")
    shapes: list[tuple[int, ...]] = []

    def first_band(patches: Any) -> Any:
        shapes.append(patches.shape)
        return patches[..., 0]

    pieces = list(patch_pieces(Feeding(first_band, FILLING), store, "train"))
    assert count % PATCH_BATCH  # the last batch is filled up
    assert shapes == [(PATCH_BATCH, 32, 32, 6)] * -(-count // PATCH_BATCH)
    assert [record for record, _ in pieces] == store.records("train")
    patches = store.read("train", range(count))
    for (_, piece), image, label in zip(pieces, patches.image, patches.label, strict=True):
        np.testing.assert_array_equal(piece.probability, image[..., 0])
        np.testing.assert_array_equal(piece.label, label)
        np.testing.assert_allclose(piece.reflectance["B3"], image[..., store.bands.index("B3")] * 1e-4, rtol=1e-6)


def test_gaps_are_filled_with_the_mean_of_the_training(small_patches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PatchStore.open(small_patches)
    read = store.read

    def with_gap(split: str, indexes: Any) -> PatchBatch:
        batch = read(split, indexes)
        batch.valid[:, 3, 4] = False
        return batch

    monkeypatch.setattr(store, "read", with_gap)
    _, piece = next(patch_pieces(Feeding(lambda patches: patches[..., 0], FILLING), store, "test"))
    assert piece.probability[3, 4] == 1000
    assert piece.probability[3, 5] != 1000


def test_an_engine_is_fed_bands_first() -> None:
    given: list[Any] = []

    def compute(windows: Any) -> Any:
        given.append(windows)
        return windows[:, 0]

    engine: Any = SimpleNamespace(compute=compute)
    patches = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(2, 4, 4, 3)
    np.testing.assert_array_equal(Feeding.of_engine(engine, FILLING).answers(patches), patches[..., 0])
    assert given[0].shape == (2, 3, 4, 4)
    assert given[0].flags.c_contiguous


def test_a_model_tells_its_calibrated_chance_of_water() -> None:
    chances = np.full((1, 2, 2, 2), (0.8, 0.2), np.float32)
    model: Any = SimpleNamespace(predict_on_batch=lambda _: chances)
    image = np.zeros((1, 2, 2, 6), np.float32)
    np.testing.assert_allclose(Feeding.of_model(model, FILLING).answers(image), 0.2)
    cool = Feeding.of_model(model, FILLING, Calibration(method="temperature", temperature=0.5))
    np.testing.assert_allclose(cool.answers(image), 0.2**2 / (0.2**2 + 0.8**2), rtol=1e-4)


def test_a_scene_without_a_label_is_refused(tmp_path: Path) -> None:
    predictor: Any = None
    with pytest.raises(DataError, match="lake"):
        next(scene_pieces(Scene("lake", tmp_path / "lake" / "image.tif", None), predictor, None))
