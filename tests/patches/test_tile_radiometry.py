"""What the numbers of patches mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.patches.tiling import SMALL
from tests.support.rasters import make_grid, write_scene
from watermap.errors import DataError
from watermap.patches.store import PatchStore
from watermap.patches.tile import tile


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
