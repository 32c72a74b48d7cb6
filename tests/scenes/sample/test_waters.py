from __future__ import annotations

import pytest

from watermap.scenes.sample.noise import generator
from watermap.scenes.sample.parcels import divide
from watermap.scenes.sample.waters import KINDS


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_every_kind_of_place_has_land_water_and_a_moving_shore(number: int) -> None:
    size = 192
    parcels = divide(generator(7, number), size)
    waters = KINDS[number](generator(8, number), size, parcels)
    low, middle, high = ((waters.bed < stage * waters.tide_m).mean() for stage in (-1, 0, 1))
    assert waters.kind == KINDS[number].__name__
    assert 0.05 < low < middle < high < 0.7
    for field in (waters.sand, waters.marsh, waters.silt, waters.algae, waters.works, waters.rock):
        assert field.shape == waters.bed.shape
        assert field.min() >= 0
        assert field.max() <= 1
