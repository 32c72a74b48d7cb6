"""What scenes' files say before they are cut: numbers, bands, ground without an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.patches.tiling import SMALL
from tests.support.failures import one_line
from tests.support.rasters import lake_image, make_grid, shore_label, write_scene
from watermap.bands import Radiometry
from watermap.config import TileConfig
from watermap.errors import DataError
from watermap.patches.store import PatchStore
from watermap.patches.survey import listed
from watermap.patches.tile import tile


def scaled(folder: Path, name: str, scale: float, offset: float, **kwargs: Any) -> None:
    with rasterio.open(write_scene(folder, name, **kwargs) / "image.tif", "r+") as dataset:
        dataset.scales, dataset.offsets = [scale] * dataset.count, [offset] * dataset.count


def test_the_files_say_what_their_numbers_mean(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    scaled(folder, "a", 1e-4, -0.1, grid=make_grid(160, 160))
    scaled(folder, "b", 1e-4, -0.1, grid=make_grid(160, 160, left=600_000))
    found = PatchStore.open(tile(folder, tmp_path / "tagged", SMALL).folder).radiometry
    assert found.scale == 1e-4
    assert found.offset == pytest.approx(-1000)
    write_scene(folder, "c", make_grid(160, 160, left=700_000))
    with pytest.raises(DataError) as error:
        tile(folder, tmp_path / "mixed", SMALL)
    assert all(str(folder / name / "image.tif") in one_line(error) for name in ("a", "c"))
    stated = SMALL.model_copy(update={"scale": 2e-4, "offset": -5.0})
    assert PatchStore.open(tile(folder, tmp_path / "mixed", stated).folder).radiometry == Radiometry(2e-4, -5)
    (folder / "c" / "image.tif").unlink()
    half = SMALL.model_copy(update={"scale": 2e-4})
    assert PatchStore.open(tile(folder, tmp_path / "half", half).folder).radiometry == Radiometry(2e-4, -1000)


def test_notes_tell_of_more_bands_and_of_an_offset_left_in(scenes: Path, tmp_path: Path) -> None:
    summary = tile(scenes, tmp_path / "one", SMALL)
    assert len(summary.notes) == 1
    assert "--bands B4,B3,B2,B8,B11,B12 would use them" in summary.notes[0]
    with rasterio.open(scenes / "gamma" / "image.tif", "r+") as dataset:
        dataset.write(dataset.read() + 1000)
    notes = tile(scenes, tmp_path / "two", SMALL).notes
    assert len(notes) == 2
    assert notes[1].startswith("water in gamma is about 1000 DN brighter than in the other scenes")
    only = tmp_path / "only"
    only.mkdir()
    (scenes / "gamma").rename(only / "gamma")
    config = SMALL.model_copy(update={"block_patches": 1})
    assert "tile with --offset -1000" in tile(only, tmp_path / "three", config).notes[1]
    stated = config.model_copy(update={"offset": -1000.0})
    assert len(tile(only, tmp_path / "four", stated).notes) == 1


def test_pixels_without_image_are_unknown(tmp_path: Path) -> None:
    label = shore_label((128, 128))
    image = lake_image(label, 6)
    image[:, :20] = 0
    image[0, 40, 40] = 0  # one dark band is a lake, not a gap
    write_scene(tmp_path / "scenes", "a", make_grid(128, 128), label=label, image=image)
    config = TileConfig(patch_size=32, block_patches=1, min_valid=0.3, sampling="grid", min_water=0, max_water=1)
    store = PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", config).folder)
    seen = np.full(label.shape, 9)
    for split in store.counts:
        for index, record in enumerate(store.records(split)):
            batch = store.read(split, [index])
            np.testing.assert_array_equal(batch.label[0] == 255, ~batch.valid[0])
            assert record.valid_fraction == pytest.approx(batch.valid[0].mean())
            seen[record.row : record.row + 32, record.col : record.col + 32] = batch.label[0]
    np.testing.assert_array_equal(seen, np.where(np.arange(128)[:, None] < 20, 255, label))


def test_a_message_names_three_scenes_at_most() -> None:
    assert listed(["b", "a"]) == "a, b"
    assert listed(["d", "c", "b", "a", "e"]) == "a, b, c and 2 more"
