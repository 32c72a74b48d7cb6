"""Strata are the same however a raster is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rasters import make_grid
from tests.support.waters import write_water
from watermap.maps.area import strata
from watermap.maps.area.strata import NAMES, strata_blocks, stratify
from watermap.scenes.label import WATER_RASTER, open_label


def test_land_beside_water_is_a_stratum_of_its_own() -> None:
    codes = np.zeros((5, 7), np.uint8)
    codes[2, 1] = 1
    codes[0, 0] = 255
    expected = np.full((5, 7), 2)
    expected[1:4, 0:3] = 1
    expected[2, 1], expected[0, 0] = 0, 255
    np.testing.assert_array_equal(stratify(codes, 1), expected)
    assert len(NAMES) == 3


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), shore_px=st.integers(1, 9), rows=st.integers(1, 60), step=st.integers(1, 17))
def test_blocks_are_the_whole(
    seed: int, shore_px: int, rows: int, step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    codes = np.random.default_rng(seed).choice([0, 0, 0, 0, 0, 0, 0, 1, 255], size=(rows, 40)).astype(np.uint8)
    path = write_water(tmp_path_factory.mktemp("map") / "a_water.tif", codes, make_grid(40, rows))
    with pytest.MonkeyPatch.context() as patch, open_label(path, kind=WATER_RASTER) as label:
        patch.setattr(strata, "_BLOCK_ROWS", step)
        found = np.concatenate([block for _, block in strata_blocks(label, shore_px)])
    np.testing.assert_array_equal(found, stratify(codes, shore_px))
