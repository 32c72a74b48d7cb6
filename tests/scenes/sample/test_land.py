"""Land use of sample scenes."""

from __future__ import annotations

import numpy as np
import pytest

from watermap.scenes.sample.land import settle
from watermap.scenes.sample.noise import generator
from watermap.scenes.sample.parcels import divide
from watermap.scenes.sample.waters import KINDS


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_people_build_on_dry_ground(number: int) -> None:
    size = 256
    parcels = divide(generator(9, number), size)
    waters = KINDS[number](generator(10, number), size, parcels)
    land = settle(generator(11, number), waters, parcels)
    wet = waters.bed < 0
    assert not (land.farmed & wet).any()
    assert not (land.forest & wet).any()
    assert not ((land.town > 0) & wet).any()
    assert (land.roads > 0.5).mean() < 0.05
    assert np.isfinite(land.steep).all()
