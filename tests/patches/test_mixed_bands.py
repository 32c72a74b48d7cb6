"""Scenes of mixed band sets in one store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.rasters import lake_image, make_grid, shore_label, write_scene
from watermap.bands import STANDARD_BANDS
from watermap.config import TileConfig
from watermap.errors import DataError
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile

ANY = {"patch_size": 32, "min_water": 0.0, "max_water": 1.0, "block_patches": 1, "validation": 0.0, "test": 0.0}


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A scene of all six bands, one of four in another order, and one of green and near infrared."""
    sets = {"all": STANDARD_BANDS, "four": ("B8", "B4", "B3", "B2"), "two": ("B3", "B8")}
    for number, (name, names) in enumerate(sets.items()):
        label = shore_label((96, 96))
        image = lake_image(label, 6)
        image += np.arange(6, dtype=image.dtype)[:, None, None] * 100
        chosen = image[[STANDARD_BANDS.index(band) for band in names]]
        grid = make_grid(96, 96, left=300_000 + 40_000 * number)
        write_scene(tmp_path / "scenes", name, grid, label=label, image=chosen, bands=names)
    return tmp_path / "scenes"


def test_the_bands_are_those_that_scenes_have_and_a_store_knows_which_scene_lacks_which(
    scenes: Path, tmp_path: Path
) -> None:
    store = PatchStore.open(tile(scenes, tmp_path / "patches", TileConfig(**ANY)).folder)
    assert store.bands == STANDARD_BANDS
    assert store.optional_bands == ("B2", "B4", "B11", "B12")
    by_scene = {}
    for index, record in enumerate(store.records("train")):
        patch = store.read("train", [index])
        present = [band for band, is_there in zip(store.bands, patch.present[0], strict=True) if is_there]
        by_scene[record.scene] = present
        assert not patch.image[0][..., ~patch.present[0]].any()
        dark = patch.image[0][patch.label[0] == 1]
        if len(dark):  # each band in its own place: they differ by 100 in the water
            steps = np.median(dark[:, patch.present[0]], axis=0)
            expected = np.array([STANDARD_BANDS.index(band) for band in present]) * 100
            np.testing.assert_allclose(steps - steps[0], expected - expected[0], atol=40)
    assert by_scene == {"all": list(STANDARD_BANDS), "four": ["B2", "B3", "B4", "B8"], "two": ["B3", "B8"]}


def test_bands_that_are_stated_may_be_lacking_only_where_that_is_stated_too(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "patches", TileConfig(**ANY, bands=("B3", "B8", "B11"), optional_bands=("B11",)))
    assert not summary.failures
    store = PatchStore.open(summary.folder)
    assert (store.bands, store.optional_bands) == (("B3", "B8", "B11"), ("B11",))
    strict = tile(scenes, tmp_path / "strict", TileConfig(**ANY, bands=("B3", "B8", "B11")))
    assert {name for name, _ in strict.failures} == {"four", "two"}
    assert PatchStore.open(strict.folder).optional_bands == ()


def test_scenes_without_any_of_the_bands_are_refused(tmp_path: Path) -> None:
    label = shore_label((96, 96))
    image = lake_image(label, 2)
    write_scene(tmp_path / "scenes", "odd", make_grid(96, 96), label=label, image=image, bands=("B1", "B9"))
    with pytest.raises(DataError, match="missing"):
        tile(tmp_path / "scenes", tmp_path / "patches", TileConfig(**ANY))
