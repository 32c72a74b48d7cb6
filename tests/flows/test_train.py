"""A newly trained model takes over only if it is no worse, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import rasterio

from flows.predict import predict_flow
from flows.train import train_candidate, train_flow
from tests.support.bundles import make_bundle
from tests.support.rasters import make_grid, write_scene
from watermap.bands import STANDARD_BANDS
from watermap.bundles.bundle import open_bundle
from watermap.bundles.registry import current_bundle, default_bundle, promote
from watermap.cli.main import run
from watermap.config import PredictConfig, SampleConfig, TileConfig, TrainConfig
from watermap.patches.splits import check_leaks
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile
from watermap.prediction.engines.conversion import convert_once
from watermap.prediction.engines.converted import open_converted
from watermap.progress import silent
from watermap.scenes.sample import write_samples

PREDICT = PredictConfig(window=128, overlap=32)
TILE = TileConfig(patch_size=32, bands=STANDARD_BANDS, min_water=0, max_water=1, block_patches=2)


@pytest.fixture(autouse=True, scope="module")
def _not_converted() -> Iterator[None]:
    """Keras alone maps and scores here."""
    with pytest.MonkeyPatch.context() as context:
        context.setattr("watermap.training.train.convert_once", lambda *_: None)
        yield


def settings(epochs: int) -> TrainConfig:
    return TrainConfig(encoder="compact", epochs=epochs, augment="none", batch_size=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Held-out scenes, patches, and patches whose labels are shuffled."""
    made = tmp_path_factory.mktemp("train")
    for name, first, scenes in (("scenes", 0, 6), ("shuffled_scenes", 0, 6), ("held_out", 1000, 2)):
        write_samples(made / name, SampleConfig(scenes=scenes, size=128, first_place=first))
    for path in (made / "shuffled_scenes").glob("*/label.tif"):
        shuffle(path)
    tile(made / "scenes", made / "patches", TILE)
    tile(made / "shuffled_scenes", made / "shuffled", TILE)
    return made


def shuffle(path: Path) -> None:
    """Put a label's pixels in another order."""
    with rasterio.open(path) as dataset:
        codes, profile = dataset.read(), dataset.profile
    mixed = np.random.default_rng(0).permutation(codes.ravel()).reshape(codes.shape)
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(mixed)


def in_use(models: Path) -> Any:
    bundle = current_bundle(models)
    assert bundle is not None
    return bundle.id


def maps(folder: Path) -> dict[str, bytes]:
    """The rasters that the bundle in use makes of the held-out scenes."""
    predict_flow([str(folder / "held_out")], folder / "models", folder / "maps", None, PREDICT)
    return {path.name: path.read_bytes() for path in sorted((folder / "maps").glob("*_water.tif"))}


@pytest.mark.extended
def test_one_training_opens_its_patches_once_and_looks_for_leaks_once(
    small_patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the check of the held-out scenes to the converted bundle, and again when all is done already."""
    monkeypatch.setattr("watermap.training.train.convert_once", convert_once)
    monkeypatch.setattr("flows.train.logged", lambda: silent)  # there is no run to log to
    write_scene(tmp_path / "apart", "far", make_grid(64, 64, left=700_000, top=900_000))
    for expected in (True, False):
        with (
            patch.object(PatchStore, "open", wraps=PatchStore.open) as opened,
            patch("watermap.patches.store.check_leaks", wraps=check_leaks) as checked,
        ):
            folder, is_new = train_candidate.fn(
                str(small_patches), tmp_path / "models", str(tmp_path / "apart"), settings(1)
            )
        assert is_new == expected
        assert opened.call_count == checked.call_count == 1
        assert open_converted(open_bundle(folder)) is not None


@pytest.mark.extended
def test_a_better_candidate_takes_over_and_is_taken_back(folder: Path) -> None:
    models, held_out = folder / "models", folder / "held_out"

    def trained(patches: str, epochs: int) -> bool:
        return train_flow(str(folder / patches), models, str(held_out), settings(epochs), PREDICT)

    make_bundle(models / "first")  # an index: water IoU 0.59 there, with shuffled labels 0.36, well trained 0.67
    promote(default_bundle(models), models)
    first, before = in_use(models), maps(folder)
    assert trained("shuffled", 2)
    assert in_use(models) == first
    assert trained("patches", 6)
    assert in_use(models) != first
    assert maps(folder) != before
    assert run(["bundles", "rollback", "--models", str(models)]) == 0
    assert in_use(models) == first
    assert maps(folder) == before
    assert not trained("patches", 6)  # the next scheduled run does not undo what somebody decided
    assert in_use(models) == first
