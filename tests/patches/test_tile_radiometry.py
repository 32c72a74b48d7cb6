"""What the numbers of patches mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.patches.tiling import SMALL
from tests.support.failures import one_line
from tests.support.rasters import (
    make_grid,
    write_scene,
)
from watermap.bands import Radiometry
from watermap.errors import DataError
from watermap.patches.store import PatchStore
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


def test_undescribed_bands_are_named_by_the_user(scenes: Path, tmp_path: Path) -> None:
    names = ("B2", "B3", "B4", "B8", "B11", "B12")
    for path in scenes.glob("*/image.tif"):
        with rasterio.open(path, "r+") as dataset:
            dataset.descriptions = (None,) * 6
    with pytest.raises(DataError, match="have no names"):
        tile(scenes, tmp_path / "patches", SMALL)
    summary = tile(scenes, tmp_path / "patches", SMALL, names=names)
    assert PatchStore.open(summary.folder).bands == ("B4", "B3", "B2")
    with pytest.raises(DataError, match="has 6 bands, but 2 were named"):
        tile(scenes, tmp_path / "patches", SMALL, names=("B2", "B3"))


def test_types_are_widened_to_hold_every_scene(tmp_path: Path) -> None:
    write_scene(tmp_path / "scenes", "a", make_grid(160, 160), dtype="uint16")
    write_scene(tmp_path / "scenes", "b", make_grid(160, 160, left=600_000), dtype="int16")
    assert PatchStore.open(tile(tmp_path / "scenes", tmp_path / "patches", SMALL).folder).dtype == np.int32


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
